/** Chinese of the errors of evidence logs. */
import type { EVIDENCE } from "../evidence.ts";

export const EVIDENCE_ZH: Readonly<Record<keyof typeof EVIDENCE, string>> = {
  LOG_CORRUPT: "磁盘上的存证日志未通过验证。请停止节点，保留该目录，并从备份恢复。",
  LOG_FORKED:
    "同一存证日志的两个检查点互相矛盾：日志可能从备份恢复过，或被改动过。系统不再为其签署任何内容；'entente evidence' 会列出两者以及处理办法。",
  COLLABORATION_FROZEN:
    "协作中另一参与方或协调方的存证日志出现了两段不同的历史。两者均已保留；在本方人员用 'entente evidence' 查看之前，不运行任何任务。",
  COLLABORATION_READ_ONLY:
    "本节点可能是从备份恢复的。在每个对方说明其已知的本节点日志位置之前，该协作中不写入任何内容。",
  LOG_BEHIND: "所提供的检查点早于已完成见证签名的检查点。",
};
