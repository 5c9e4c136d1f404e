/** Chinese of the errors of requests to a node. */
import type { REQUESTS } from "../requests.ts";

export const REQUESTS_ZH: Readonly<Record<keyof typeof REQUESTS, string>> = {
  BAD_REQUEST: "请求不符合公布的格式。请更正所指出的字段后重新发送。",
  NOT_FOUND: "这里没有该名称的内容。请查看清单并选用其中的名称。",
  ALREADY_EXISTS: "该名称已被占用。请换一个名称，或先移除已有的。",
  TOKEN_MISSING: "请求没有附带有效的访问令牌。请使用本节点签发的令牌。",
  NOT_ALLOWED: "该令牌的角色无权进行此操作。请联系拥有该角色的同事。",
  NODE_UNREACHABLE: "节点没有应答。请用 'entente party start' 启动它，或用 --node 指定正确的目录。",
  HOST_REFUSED:
    "请求使用的主机名不是本节点提供服务的名称。请用节点地址访问，或把该名称加入 node.json 中 'api' 的 'hosts'。",
  SITE_REFUSED: "该请求由浏览器为其他网站的页面发出。只有本节点自己的页面和程序可以调用。",
  TOKEN_EXPIRED: "访问令牌已过期或已被吊销。请向节点的运维人员申请新令牌。",
  CANCELLED: "操作在完成之前已取消。未放行任何结果。",
  NODE_RESTARTED: "任务运行期间有节点停止。未放行任何结果；请重新运行任务。",
  NODE_STOPPING: "节点正在停止，不接受新任务。运行中的任务会在节点恢复后继续；请届时重试。",
  OVERLOADED: "正在进行或等待的同类工作已达上限。请稍后重试，或请运维人员调高所指出的限额。",
  RATE_LIMITED: "短时间内请求过多。请按应答中的时间等待，并降低请求频率。",
  LIMIT_EXCEEDED: "超出了限额。请减少请求量，或请运维人员调高所指出的限额。",
  INTERNAL: "本节点内部发生错误。可在其日志中按该任务号或请求号查到原因。",
};
