/** What a person is told of a node's limit, in each language. */
import type { Language } from "../language.ts";
import type { Limit, LimitCode } from "./limit.ts";
import { NODE_LIMITS, type NodeLimitName } from "./node-limits.ts";

type Unit = (typeof NODE_LIMITS)[NodeLimitName]["unit"];

/** A unit without its Chinese does not compile. */
const UNITS_ZH: Readonly<Record<Unit, string>> = {
  connections: "个连接",
  requests: "个请求",
  "requests a minute": "个请求/分钟",
  "sign-ins": "次登录",
  MiB: "MiB",
  streams: "个事件流",
  jobs: "个任务",
  "offers a minute": "次提议/分钟",
  offers: "次提议",
  sessions: "个会话",
  "questions a minute": "次询问/分钟",
  rows: "行",
  versions: "个版本",
};

/** Nor does a limit. */
const LIMITS_ZH: Readonly<Record<NodeLimitName, string>> = {
  connections: "API 的打开连接数；超出的连接会得到应答后关闭",
  requestsAtOnce: "正在处理的请求数，包括事件流",
  requestsPerTokenAtOnce: "单个令牌正在处理的请求数，包括事件流",
  requestsPerTokenMinute: "单个令牌的请求频率",
  anonymousRequestsPerMinute: "来自同一地址（IPv6 为同一 /56 网段）且没有有效令牌的请求频率",
  signInsPerAddressMinute: "来自同一地址的登录（发起与完成）频率；同一代理后的人员共用一个地址",
  signInsBegun: "已发起而未完成的登录数；满额时最早的让位，每次在 10 分钟后失效",
  bodyMib: "请求正文的大小；无论此值多大，多数接口最多接受 1 MiB",
  largeBodiesAtOnce: "正在处理的、正文超过 1 MiB 或长度未知的请求数",
  eventStreams: "打开的事件流数",
  eventStreamsPerToken: "单个令牌打开的事件流数",
  jobs: "本方正在运行或正在发起的任务数",
  servedJobs: "为对方运行、正在读取或持有本方数据行的任务数；等待对方最久的会让位",
  servedJobsPerPeer: "为同一对方运行、正在读取或持有本方数据行的任务数",
  openJobsPerPeer: "同一对方尚未结束的任务数；超出的不予受理",
  offersPerPeerMinute: "同一对方提议任务的频率",
  readsPerPeer: "同一对方的提议中，正在读取数据集或等待读取的数量",
  sessions: "对方向本节点询问的会话数",
  sessionsPerPeer: "同一对方向本节点询问的会话数",
  questionsPerPeerMinute: "同一对方在其所有会话中的询问频率；撤销协议不受限",
  datasetRows: "登记的数据集的行数",
  jobRows: "任一方带入一个任务的人数",
  freeDiskMib: "节点磁盘的最低可用空间，低于此值不接受新任务：为正在运行的任务及其收尾预留",
  spillMib: "任务、登记和名单在运行期间占用的磁盘空间",
  spillPerPeerMib: "与同一对方的任务在运行期间占用的磁盘空间",
  quarantineMib: "登记和检查时剔除的数据行（隔离区）",
  resultsMib: "保留期内带附带字段的结果；达到此值时不再发起带附带字段的任务",
  resultsPerPeerMib: "与同一对方的任务所保留的结果",
  keptModelsMib: "为后续任务保留的加密模型；最久未使用的会被清除",
  keptModelsPerPeerMib: "为同一对方保留的加密模型",
  keptModelVersions: "为同一对方在同一角色下保留的模型版本数",
};

export interface LimitText {
  readonly what: string;
  readonly unit: string;
  /** What is refused with when it is reached; undefined for what makes room by itself. */
  readonly code: LimitCode | undefined;
}

/** `name`: of a newer node's limit, which is not known here, it stands for itself. */
export function limitText(name: string, language: Language): LimitText {
  if (!Object.hasOwn(NODE_LIMITS, name)) return { what: name, unit: "", code: undefined };
  const known = name as NodeLimitName;
  const { what, unit, code }: Limit<LimitCode | undefined, Unit> = NODE_LIMITS[known];
  return language === "en" ? { what, unit, code } : { what: LIMITS_ZH[known], unit: UNITS_ZH[unit], code };
}
