/** Chinese of the errors of own data. */
import type { DATA } from "../data.ts";

export const DATA_ZH: Readonly<Record<keyof typeof DATA, string>> = {
  DATASET_FILE_MISSING: "数据文件不存在或无法读取。请检查路径以及节点的文件权限。",
  DATASET_PLACE:
    "节点不允许从该位置读取数据文件。请向运维人员询问数据文件应放在哪里：须在节点自身目录之外；若 node.json 配置了 'dataFolders'，须放在其中之一。",
  DATASET_EMPTY: "数据文件没有任何行。请检查导出它的程序。",
  DATASET_FORMAT: "无法按登记的格式读取该文件。请确认它就是您要用的 CSV 或 Parquet 文件。",
  DATASET_COLUMN_UNKNOWN: "数据集没有该名称的字段。请查看字段清单并选用其中之一。",
  DATASET_COLUMN_TYPE: "字段的类型与该操作的要求不符。特征字段请使用数值字段。",
  DATASET_ID_EMPTY: "标识字段没有任何可用的标识：每一行都为空或格式有误。请检查该字段及其规范化规则。",
  DATASET_CHANGED: "数据在登记之后发生了变化。请重新登记，生成新版本。",
  DATABASE_UNKNOWN: "节点配置中没有该名称的可用数据库。请修正 node.json 中的 'databases'，然后重启节点。",
  DATABASE_UNREACHABLE: "无法连接数据库，或连接已中断。请确认数据库正在运行、地址与 TLS 设置正确，然后重试。",
  DATABASE_REFUSED: "数据库拒绝了请求。请查对 SQLSTATE，并检查表或查询语句以及该用户的权限。",
  STORAGE_FAILED: "节点无法读写磁盘。请修复磁盘或权限，然后重试。",
  DISK_FULL: "磁盘空间不足，暂不接受新任务；运行中的任务可以继续结束，已有内容可以读取。腾出空间后会自动恢复。",
  FILTER_INVALID: "筛选条件应是一个只涉及本数据集各字段的 SQL 表达式。请更正所指出的部分。",
  SEGMENT_INVALID: "分群不能这样定义或使用。请更正所指出的内容。",
  SEGMENT_CHANGED: "分群中的人员与发起任务时已不同。请重新发起任务。",
  SEGMENT_UNPUBLISHED:
    "提供方没有在该数据集上发布该名称的分群。请用 'entente peer segments' 查看已发布的分群，或请对方发布。",
  SEGMENT_VERSION: "提供方发布的是该分群的另一个版本。请用 'entente peer segments' 查看，并按其中的版本发起。",
};
