/** Chinese of the errors of the databases in which nodes and coordinators keep their state. */
import type { STORAGE } from "../storage.ts";

export const STORAGE_ZH: Readonly<Record<keyof typeof STORAGE, string>> = {
  STORE_UNREACHABLE: "状态库的数据库没有应答。没有丢失任何内容；数据库恢复后可重新请求。",
  STORE_TOO_NEW: "该状态库由更新版本的 Entente 写入。请启动该版本或更高版本，或恢复升级之前的备份；未作任何更改。",
  STORE_TOO_OLD:
    "该状态库是较早版本 Entente 的结构。请运行 'entente store migrate'，或启动一次节点或协调方，然后重试。",
  STORE_IN_USE: "另一进程正在使用该状态库。请先停止它；一个节点或协调方只能运行一份。",
  STORE_OF_ANOTHER: "该数据库保存的是另一节点或协调方的状态库。请为各方使用各自的数据库，或同一数据库中各自的 schema。",
  STORE_LOST:
    "曾有节点或协调方在该目录中运行，而其状态库是空的。请放回状态库文件（node.db、coordinator.db），或在配置的 'store' 中指明其位置，或恢复备份；未作任何更改。",
  STORE_DAMAGED: "状态库的数据库已损坏或结构无法识别。请运行 'entente store check'，保留该文件，并从备份恢复。",
  BACKUP_DAMAGED: "备份不完整：有文件缺失或与写入时不同。未恢复任何内容；请使用其他备份。",
};
