/** Chinese of the errors of sessions and of what comes over the wire. */
import type { SESSIONS } from "../sessions.ts";

export const SESSIONS_ZH: Readonly<Record<keyof typeof SESSIONS, string>> = {
  SESSION_RESUMED: "会话被恢复或重放；只接受全新的握手。",
  SESSION_MISMATCH: "对方签署的任务、尝试、角色或计划与本方不同。未发送任何内容。",
  ATTEMPT_REPLAYED: "该尝试编号已经用过。新的尝试需要更大的编号。",
  RELEASE_OVERDUE:
    "回执已签署，但没有释放任何密钥：两个节点在 24 小时内未能连通，或对方的任务此前已结束。密钥已销毁；请重新运行任务。",
  PEER_GONE: "任务完成之前与对方的连接中断。未放行任何结果；请在对方恢复后重新运行任务。",
  PEER_FAILED: "对方节点因自身原因中止。其运维人员可在日志中查到原因；未放行任何结果。",
  PEER_TIMEOUT: "对方未能及时应答。未放行任何结果；请向对方运维人员确认其节点是否在运行。",
  COORDINATOR_UNREACHABLE: "协调方没有应答。请检查网络，然后联系其运维人员。",
  WIRE_INVALID: "对方发来的消息不符合协议格式。会话已结束，未放行任何结果。",
  WIRE_TOO_LARGE: "对方发来的消息超过协议允许的大小。会话已结束。",
  WIRE_UNEXPECTED: "消息次序错误或重复。会话已结束，未放行任何结果。",
  POINT_INVALID: "对方发来无效、单位元或重复的群元素。会话已结束，未放行任何结果。",
  CIPHERTEXT_INVALID: "对方发来的密文长度、模数或参数有误。会话已结束，未放行任何结果。",
  SEAL_INVALID: "放行密钥无法解开对方封装的内容。未放行任何结果；请保留存证日志。",
  RECEIPT_MISMATCH: "两个节点在回执中对任务的描述不一致。未放行任何结果。",
};
