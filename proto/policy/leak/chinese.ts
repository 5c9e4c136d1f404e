/** The leak statement in Chinese: a translation that stands beside the English text, which is what is approved. */
import { groupedDigits } from "../../grouped-digits.ts";
import type { ClearForm, LeakFacts, LeakParts, RowsShown } from "./facts.ts";

interface Side {
  readonly name: string;
  readonly rows: RowsShown | undefined;
}

function sizeOf({ name, rows }: Side): string {
  return rows === undefined
    ? `${name}名单的大致规模（误差不超过 9.1%）`
    : `${name}名单人数在 ${groupedDigits(rows.from)} 至 ${groupedDigits(rows.to)} 之间`;
}

function promise(receiver: Side, what: string): string {
  return `（${receiver.name}只看到${what}，由其自身软件保证）`;
}

function people({ found, segment }: LeakFacts, receiver: Side, provider: Side): string {
  const exact = receiver.rows?.exact;
  const customers = `${receiver.name}${exact === undefined ? "" : ` ${groupedDigits(exact)} 名`}客户中`;
  const inSegment =
    segment === undefined ? "" : `，且属于${provider.name}分群“${segment.name}”（第 ${segment.version} 版）`;
  const theirs = `同时也是${provider.name}客户${inSegment}`;
  if (found.kind === "list") return `${customers}哪些${theirs}`;
  const { capPercent, noiseScale } = found;
  const after = noiseScale === null ? "" : `，并加入尺度为 ${noiseScale} 的随机噪声`;
  if (found.kind === "match-rate")
    return `${customers}${theirs}的比例（取整的百分数${after}），或仅得知其高于 ${capPercent}%${promise(receiver, "该百分比")}`;
  const [group, groups] = [groupedDigits(found.group), groupedDigits(found.groups)];
  return (
    `${customers}有多少人${theirs}${after}，包括总数以及至多 ${groups} 个由${receiver.name}自行划分的分组；` +
    `仅当重叠人数与未重叠人数均不少于 ${group}、且占比不高于 ${capPercent}% 时才显示${promise(receiver, "这些人数")}`
  );
}

function scores({ score }: LeakFacts, receiver: Side, provider: Side): string | null {
  if (score === null) return null;
  const model = `${receiver.name}模型使用${provider.name}的哪些字段、如何预处理或切分这些字段，以及模型版本`;
  const shared = score.isShared ? `，以及${receiver.name}联合客群命中了${provider.name}的哪些客户` : "";
  const step = score.step === undefined ? "" : `（取 ${score.step} 的倍数）`;
  const output = {
    tier: `每名命中客户的分层${promise(receiver, "分层")}`,
    "rounded-score": `每名命中客户取整后的评分${step}${promise(receiver, "取整后的评分")}`,
    score: "每名命中客户的精确评分",
  }[score.output];
  return `评分另外涉及：${provider.name}获知${model}${shared}；${receiver.name}获知${output}。`;
}

/** Also of a column in an agreement's terms. */
export function clearForm({ type, maxBytes, grade, personal }: ClearForm): string {
  const form = { text: `文本，最长 ${maxBytes} 字节`, number: "数值", boolean: "布尔值" }[type];
  return `${form}，${grade} 级${personal ? "，个人信息" : ""}`;
}

function clear({ inClear }: LeakFacts, receiver: Side, provider: Side): string | null {
  if (inClear.length === 0) return null;
  const columns = inClear.map(({ name, form }) =>
    form === undefined ? `“${name}”` : `“${name}”（${clearForm(form)}）`,
  );
  return `明文提供：${receiver.name}获知每名命中客户在${provider.name}以下字段中的取值：${columns.join("、")}。`;
}

export const BOTH_LEARN =
  "双方均获知任务的条款（数据集、目的、输出、标签有效期），以及对方数据集与同一周期内先前某次运行所用的版本是否相同。";
export const COORDINATOR_SEES = "协调方可见：哪些参与方相互合作、协议与任务的编号和摘要、时间以及字节数。";

export function leakInChinese(facts: LeakFacts): LeakParts {
  const { viewer, peer, receiverRows, providerRows, resultFloor } = facts;
  const isReceiver = viewer === "receiver";
  const receiver: Side = { name: isReceiver ? "本方" : "对方", rows: receiverRows };
  const provider: Side = { name: isReceiver ? "对方" : "本方", rows: providerRows };
  const found = `${people(facts, receiver, provider)}；以及${sizeOf(provider)}。`;
  const told = `${sizeOf(receiver)}。`;
  const floorNodes = facts.score?.isShared === true ? "双方节点" : `结果接收方（即${receiver.name}）的节点`;
  return {
    peerLearns: `对方（${peer}）获知：${isReceiver ? told : found}`,
    youLearn: `本方获知：${isReceiver ? found : told}`,
    scoreAdds: scores(facts, receiver, provider),
    inClear: clear(facts, receiver, provider),
    bothLearn: BOTH_LEARN,
    coordinatorSees: COORDINATOR_SEES,
    rest: "除此之外，其他内容只以密文形式传出。",
    enforcement: `输入人数下限、预算和审批由数据所有方的节点执行；结果人数下限（${groupedDigits(resultFloor)} 人）由${floorNodes}执行。`,
  };
}
