/** What a node's self-examination says, in Chinese. */
import { errorText } from "../errors/text.ts";
import { limitText } from "../limits/text.ts";
import type { FindingWords, Lasting, Upgrade } from "./findings.ts";
import { megabytes, seconds } from "./quantities.ts";

const MORE_MEMORY = "请为主机或容器增加内存。";
const MORE_DISK = "请腾出空间，或把节点目录迁移到更大的磁盘。";
const SET_CLOCK = "请用 NTP（chrony 或 systemd-timesyncd）校准本机时钟，并保持其运行。";
const NO_COORDINATOR = "无法与任何对方建立会话，任务不能继续";

const DISK_REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "磁盘已满",
  EDQUOT: "磁盘配额已用完",
  EROFS: "磁盘以只读方式挂载",
  EACCES: "当前用户无权写入",
  EPERM: "当前用户无权写入",
  ENOENT: "目录不存在",
};

const LASTING: Readonly<Record<Lasting, string>> = {
  certificate: "本参与方的证书",
  authority: "协调方的 CA 证书",
  keyset: "本节点的密钥集",
};
const WITHOUT: Readonly<Record<Lasting, string>> = {
  certificate: "届时协调方将拒绝本节点",
  authority: "届时协调方将拒绝本节点",
  keyset: "届时对方将拒绝本节点的会话和签名",
};
const RENEW: Readonly<Record<Lasting, string>> = {
  certificate: "节点本应自动续期：请在节点日志中查看未能续期的原因，并检查协调方。",
  authority: "须由协调方的运维人员建立新的 CA，并重新邀请所有参与方。",
  keyset: "节点会在没有任务运行时自动轮换，但未能完成：请等任务结束后运行 'entente keys rotate'。",
};

function upgraded(upgrade: Upgrade, values: { peer: string; version: string; own: string }): string {
  if (upgrade === "either") return "双方应运行同一正式版本。";
  return upgrade === "peer" ? `请 ${values.peer} 升级到 ${values.own}。` : `请将本节点升级到 ${values.version}。`;
}

export const CHINESE: FindingWords = {
  "check-late": ({ seconds: after }) => ({
    what: `${after} 秒内没有结果`,
    why: "该项检查卡住，或系统负载过高",
    fix: "请查看节点日志和主机负载。",
  }),
  "check-failed": ({ error }) => ({
    what: `无法完成检查（${error}）`,
    why: errorText(error, "zh-CN"),
    fix: "请查看节点日志。",
  }),
  "node-silent": ({ detail, folder }) => ({
    what: "节点没有应答",
    why: detail,
    fix: `entente party start --dir ${folder}`,
  }),

  "runtime-fine": ({ version, architecture, bytes }) => ({
    what: `Node ${version}，${architecture}，内存 ${megabytes(bytes)}`,
  }),
  "runtime-old": ({ version, needed }) => ({
    what: `Node ${version}`,
    why: `当前版本的 entente 需要 Node ${needed} 或更高版本`,
    fix: `请安装 Node ${needed}，或用 'entente' 启动节点（自带运行环境）。`,
  }),
  "architecture-untested": ({ architecture }) => ({
    what: `处理器架构为 ${architecture}`,
    why: "只在 x64 和 arm64 上做过测试",
    fix: "请改在这两种架构上运行。",
  }),
  "aes-missing": () => ({
    what: "处理器没有 AES 指令，或未向系统开放",
    why: "会话、临时文件和协议计算的耗时会增加数倍",
    fix: "请让虚拟机直接使用宿主机的处理器型号（'host' 模式），或更换主机。",
  }),
  "memory-small": ({ bytes }) => ({
    what: `内存 ${megabytes(bytes)}`,
    why: "一百万人规模的任务约需 450 MB",
    fix: MORE_MEMORY,
  }),
  "memory-below-job": ({ bytes, neededBytes }) => ({
    what: `内存 ${megabytes(bytes)}`,
    why: `对本节点最大的数据集运行任务约需 ${megabytes(neededBytes)}`,
    fix: MORE_MEMORY,
  }),

  "disk-fine": ({ freeBytes, syncMs }) => ({ what: `可用 ${megabytes(freeBytes)}，写入并落盘用时 ${syncMs} 毫秒` }),
  "disk-unwritable": ({ folder, reason }) => ({
    what: `无法写入 ${folder}`,
    why: `${DISK_REASONS[reason] ?? "写入失败"}（${reason}），任何内容都无法持久保存`,
    fix: "请腾出空间或修复磁盘，或把节点目录的权限归还给运行节点的用户，然后重启节点。",
  }),
  "disk-room-kept": ({ freeBytes, keptBytes }) => ({
    what: `可用 ${megabytes(freeBytes)}，其中 ${megabytes(keptBytes)} 预留给正在运行的任务`,
    why: "新任务会被拒绝：DISK_FULL",
    fix: `${MORE_DISK}之后会自动恢复接受任务。`,
  }),
  "disk-below-job": ({ freeBytes, neededBytes }) => ({
    what: `可用 ${megabytes(freeBytes)}`,
    why: `对本节点最大的数据集运行任务约需 ${megabytes(neededBytes)}`,
    fix: MORE_DISK,
  }),
  "disk-below-two-jobs": ({ freeBytes }) => ({
    what: `可用 ${megabytes(freeBytes)}`,
    why: "不足以对本节点最大的数据集同时运行两个任务",
    fix: MORE_DISK,
  }),
  "disk-slow": ({ syncMs }) => ({
    what: `小文件落盘用时 ${syncMs} 毫秒`,
    why: "任务的每一步都要落盘，运行会很慢",
    fix: "请使用本地磁盘而非网络共享，或找出占用磁盘的其他程序。",
  }),
  "folder-open": ({ folder, mode }) => ({
    what: `本机其他用户可以读取 ${folder}（权限 ${mode}）`,
    why: "其中存有密钥和个人标识；文件内容虽不可读，文件名和大小仍会暴露",
    fix: `chmod 700 ${folder}`,
  }),

  "clock-steady": () => ({ what: "节点启动以来时钟稳定" }),
  "clock-set": ({ byMs }) => ({
    what: `节点运行期间时钟被${byMs > 0 ? "拨快" : "拨慢"}了 ${seconds(byMs)}`,
    why: "有效期、到期和预算都以时钟为准",
    fix: SET_CLOCK,
  }),
  "node-time-ahead": ({ byMs }) => ({
    what: `节点时间比时钟快 ${seconds(byMs)}：时钟曾经走得更靠前`,
    why: "节点时间不会倒退；在时钟追上之前，协议可能被视为已过期",
    fix: "如果时钟现在是准确的，请等待它追上。",
  }),
  "peer-clock-fine": ({ peer, withinMs }) => ({ what: `与 ${peer} 的时钟相差不超过 ${seconds(withinMs)}` }),
  "peer-clock-off": ({ peer, byMs }) => ({
    what: `比 ${peer} 的时钟${byMs > 0 ? "慢" : "快"} ${seconds(byMs)}`,
    why: "相差十分钟以上时，双方会互相拒绝对方的密钥",
    fix: `${SET_CLOCK}如果本机时钟是准确的，请 ${peer} 的运维人员校准。`,
  }),

  "keys-sealed": () => ({ what: "已用运维人员的密钥加密" }),
  "keys-plain": () => ({
    what: "节点的密钥未加密",
    why: "任何人拿到该目录的副本（例如备份），都可以冒充本参与方",
    fix: "请停止节点，然后运行：entente keys seal --dir FOLDER --key-file FILE，密钥文件须放在该目录之外。",
  }),
  "recovery-key-here": ({ file }) => ({
    what: `${file} 仍在节点目录中`,
    why: "任何人拿到该目录，都可以用另一身份顶替本节点的身份",
    fix: "请把它移到离线介质保存，并从这里删除。",
  }),

  "configuration-read": ({ party }) => ({ what: `可以读取 ${party} 的 node.json` }),
  "store-whole": () => ({ what: "SQLite 快速检查通过" }),
  "store-answers": () => ({ what: "PostgreSQL 应答正常" }),
  "store-not-looked-at": () => ({ what: "位于 PostgreSQL：可用 'entente store check' 检查" }),
  "store-damaged": ({ faults, file }) => ({
    what: `SQLite 在 ${file} 中发现${faults >= 10 ? "十处以上" : ` ${faults} 处`}错误`,
    why: "任务、标签和预算可能丢失或有误",
    fix: "请停止节点，保留其目录的副本，恢复最新的备份；之后节点会向各对方询问其间缺失的内容。",
  }),

  "not-enrolled": () => ({
    what: "本节点尚未入网",
    why: "除登记数据集外，不能进行其他操作",
    fix: "请向协调方的运维人员索取邀请码，然后运行 entente enroll INVITE。",
  }),
  "coordinator-answers": ({ coordinator, at, parties }) => ({
    what: `${coordinator} 在 ${at} 应答${parties < 0 ? "" : `，登记有 ${parties} 个参与方`}`,
  }),
  "coordinator-refuses": ({ coordinator, error }) => ({
    what: `${coordinator} 应答为 ${error}`,
    why: NO_COORDINATOR,
    fix: errorText(error, "zh-CN"),
  }),
  "host-unknown": ({ host, reason }) => ({
    what: `DNS：查不到 ${host} 的地址（${reason}）`,
    why: NO_COORDINATOR,
    fix: "请修复本机的 DNS，或向协调方的运维人员询问其现在的主机名。",
  }),
  "port-closed": ({ at }) => ({
    what: `连接被拒绝：${at} 没有服务在监听`,
    why: NO_COORDINATOR,
    fix: "请协调方的运维人员启动服务，或告知现在的端口。",
  }),
  "port-unreachable": ({ at, reason }) => ({
    what: `无法到达 ${at}（${reason}）`,
    why: NO_COORDINATOR,
    fix: `请在防火墙上放行到 ${at} 的出站连接，并检查路由。`,
  }),
  "tls-failed": ({ at, reason }) => ({
    what: `TLS：与 ${at} 握手失败（${reason}）`,
    why: NO_COORDINATOR,
    fix: "如果途中有代理会解开 TLS，请将其绕过。否则协调方的 CA 或主机名已与入网时不同：请询问其运维人员。",
  }),

  lasts: ({ of, days }) => ({ what: `${LASTING[of]}还有 ${days} 天有效期` }),
  "ends-soon": ({ of, days, until }) => ({
    what: `${LASTING[of]}将在 ${days} 天后（${until}）到期`,
    why: WITHOUT[of],
    fix: RENEW[of],
  }),
  ended: ({ of, until }) => ({
    what: `${LASTING[of]}已于 ${until} 到期`,
    why: WITHOUT[of],
    fix:
      of === "certificate"
        ? "请向协调方的运维人员索取新的邀请码，并运行 'entente enroll'：节点的身份保持不变。"
        : RENEW[of],
  }),
  "not-yet-valid": ({ of, from, now }) => ({
    what: `${LASTING[of]}从 ${from} 起才有效`,
    why: `按本机时钟（${now}），尚未生效`,
    fix: "请用 NTP 校准本机时钟。",
  }),

  "peers-none": () => ({ what: "尚未确认任何对方" }),
  "peer-alike": ({ version }) => ({ what: `版本 ${version}，协议实现相同` }),
  "peer-other-version": (values) => ({
    what: `对方版本 ${values.version}，本节点 ${values.own}；协议实现相同`,
    why: "任务可以运行；只有新版本支持的功能不能使用",
    fix: `请择机处理：${upgraded(values.upgrade, values)}`,
  }),
  "peer-other-protocols": (values) => ({
    what: `对方版本 ${values.version}，本节点 ${values.own}：${values.protocols} 不一致`,
    why: "使用这些协议的任务会以 SESSION_MISMATCH 结束",
    fix: `${values.upgrade === "either" ? "其中一方不是正式版本：" : ""}${upgraded(values.upgrade, values)}`,
  }),
  "peer-silent": ({ error }) => ({
    what: `没有应答（${error}）`,
    why: "目前无法与其运行任务",
    fix: errorText(error, "zh-CN"),
  }),

  "database-answers": () => ({ what: "应答正常" }),
  "database-fails": ({ error, detail }) => ({
    what: `${error}${detail === "" ? "" : `（${detail}）`}`,
    why: "其中的数据集和推送无法使用",
    fix: errorText(error, "zh-CN"),
  }),

  "logs-open": ({ logs }) => ({ what: `${logs} 个存证日志，均可写入` }),
  "log-read-only": ({ peer, awaiting }) => ({
    what: `与 ${peer} 的存证日志处于只读状态`,
    why: "日志不能写入，因此不能与其运行任务",
    fix: `本节点可能是从备份恢复的。在收到以下各方的应答之前不写入任何内容：${awaiting}。`,
  }),
  "log-forked": ({ peer, collaboration }) => ({
    what: `与 ${peer} 的存证日志已分叉`,
    why: "日志不能写入，因此不能与其运行任务",
    fix: `本节点的日志与其他方所知的不一致：它是从过旧的备份恢复的，或被改动过。如有最新的目录副本，请恢复它；否则用 'entente evidence recover ${collaboration}' 重新开始日志，其第一条会写明丢失的内容。`,
  }),
  "log-frozen": ({ peer, collaboration, origin, fork }) => ({
    what: `与 ${peer} 的存证日志已冻结`,
    why: "不能与其运行任务",
    fix: `日志 ${origin} 出现了两段不同的历史。两个检查点保存在分叉记录 ${fork} 中（'entente evidence forks'）。请询问其所有者；对方重新开始日志后，运行 'entente evidence resume ${collaboration}' 即可恢复任务。`,
  }),

  "limits-far": ({ limits }) => ({ what: `${limits} 项限额均有余量` }),
  "limit-near": ({ limit, used, allowed }) => {
    const { what, unit, code } = limitText(limit, "zh-CN");
    return {
      what: `${limit}：已用 ${used}，上限 ${allowed}（${unit}；${what}）`,
      why: code === undefined ? "最久未使用的会被清除" : `超出部分会被拒绝：${code}`,
      fix: `请找出占用较多的来源，或在 node.json 的 'limits' 中调高 ${limit}，然后重启节点。`,
    };
  },
};
