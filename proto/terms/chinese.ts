/** An agreement's terms in Chinese. */
import { groupedDigits } from "../grouped-digits.ts";
import { BOTH_LEARN, COORDINATOR_SEES, clearForm } from "../policy/leak/chinese.ts";
import { CHINESE_DIFFERENCES, days, MODES, OPERATIONS, people } from "./chinese-differences.ts";
import type { OperationFacts, OutputFact } from "./facts.ts";
import { timeText } from "./time-text.ts";
import type { TermsWords } from "./words.ts";

function quoted(names: readonly string[]): string {
  return names.map((name) => `“${name}”`).join("、");
}

function runs(count: number): string {
  return `${groupedDigits(count)} 次`;
}

function sides({ isProvider }: OperationFacts): { receiver: string; provider: string } {
  return isProvider ? { receiver: "对方", provider: "本方" } : { receiver: "本方", provider: "对方" };
}

function noise(scale: number | null): string {
  return scale === null ? "" : `（加入尺度为 ${scale} 的随机噪声）`;
}

function outputLine(fact: OutputFact, receiver: string, provider: string): string {
  const { capPercent, noiseScale, group, step } = fact;
  switch (fact.output) {
    case "list":
      return `${receiver}逐一获知${receiver}名单中哪些人也在${provider}名单中。`;
    case "match-rate":
      return `${receiver}获知${receiver}名单中有多大比例的人也在${provider}名单中：取整的百分数${noise(noiseScale)}，或仅得知高于 ${capPercent}%。`;
    case "overlap-report":
      return (
        `${receiver}获知${receiver}名单中有多少人也在${provider}名单中${noise(noiseScale)}，包括总数及由其自行划分的各分组；` +
        `仅当某组重叠人数与未重叠人数均不少于 ${people(group)}、且占比不高于 ${capPercent}% 时才显示该组。`
      );
    case "score":
      return `${receiver}获知双方名单重叠者每人的精确评分。`;
    case "rounded-score":
      return `${receiver}获知双方名单重叠者每人的评分，取 ${step} 的倍数。`;
    case "tier":
      return `${receiver}获知双方名单重叠者每人的分层；${fact.areTiersFixed ? "分层界限由本协议固定。" : `分层界限由${receiver}自行选定。`}`;
  }
}

function receiverLearns(facts: OperationFacts): string[] {
  const { receiver, provider } = sides(facts);
  const { outputs, features, clear, segments, isProvider, ownDataset, peerDataset, operation } = facts;
  const dataset = isProvider ? ownDataset : peerDataset;
  const forms = clear.map(({ name, form }) => `“${name}”${form === undefined ? "" : `（${clearForm(form)}）`}`);
  return [
    ...outputs.map((output) => outputLine(output, receiver, provider)),
    ...(operation === "score"
      ? [`${receiver}在得到评分的同时，也获知${receiver}名单中哪些人在${provider}名单中。`]
      : []),
    ...(forms.length === 0
      ? []
      : [
          `任务要求时，以明文提供双方名单重叠者每人在${provider}数据集“${dataset}”以下字段中的取值：${forms.join("、")}。`,
        ]),
    ...(features.length === 0
      ? []
      : [
          `${provider}数据集“${dataset}”的以下字段以密文参与计算：${quoted(features)}。不显示任何取值，但每个评分都会透露与之有关的信息。`,
        ]),
    `${receiver}获知${provider}名单的大致规模（误差不超过 9.1%）。`,
    segments === null
      ? `“${dataset}”中的所有人参与，或其中由${provider}发布的某个分群参与。`
      : `仅由${provider}的以下某个分群参与：${quoted(segments)}。`,
  ];
}

function providerLearns(facts: OperationFacts): string[] {
  const { receiver, provider } = sides(facts);
  return [
    `${provider}获知${receiver}名单的大致规模（误差不超过 9.1%）。`,
    ...(facts.operation === "score"
      ? [
          `${provider}获知${receiver}模型使用${provider}的哪些字段、如何预处理或切分这些字段，以及模型版本；不获知任何权重。`,
        ]
      : []),
    facts.isShared
      ? `${provider}逐一获知${receiver}联合客群命中了${provider}的哪些客户。`
      : `${provider}不获知哪些人重叠，也不获知重叠人数。`,
  ];
}

export const CHINESE: TermsWords = {
  sections: {
    leaves: "本方有哪些信息会传出",
    arrives: "本方会获知什么",
    stays: "哪些信息绝不传出",
    purposes: "可用于什么目的",
    deciding: "由谁决定",
    limits: "限制",
    validity: "有效期",
  },
  inEveryJob: "每个任务",
  everyJob: [BOTH_LEARN, COORDINATOR_SEES],
  operation: ({ operation, isProvider, peer, ownDataset, peerDataset }) =>
    isProvider
      ? `${OPERATIONS[operation]}，由对方（${peer}）接收结果：对方“${peerDataset}”与本方“${ownDataset}”`
      : `${OPERATIONS[operation]}，由本方接收结果：本方“${ownDataset}”与对方（${peer}）“${peerDataset}”`,
  leaves: (facts) => (facts.isProvider ? receiverLearns(facts) : providerLearns(facts)),
  arrives: (facts) => (facts.isProvider ? providerLearns(facts) : receiverLearns(facts)),
  stays: ({ ids, filters, graded }) => [
    `标识仅以密文匹配，绝不以可读形式传出：${ids.map(({ column, normaliser }) => `“${column}”（${normaliser}）`).join("、")}。`,
    ...(filters.length === 0 ? [] : [`仅在本地用于筛选参与者的字段：${quoted(filters)}。`]),
    ...(graded.length === 0 ? [] : [`分级为 4 级或 5 级、因此绝不以明文传出的字段：${quoted(graded)}。`]),
    "本协议未列明的字段不得在本协议下使用。",
  ],
  purpose: ({ id, text, legalBasis }) => `${text}（“${id}”）。法律依据：${legalBasis}。`,
  retention: ({ tagDays, resultDays }) => `标签有效期最长 ${days(tagDays)}；结果保存期最长 ${days(resultDays)}。`,
  parties: ({ parties }, viewer) => [
    "各参与方的数据管理员均以本机构身份密钥签署后，协议方告成立。",
    ...parties
      .filter(({ roles }) => roles.includes("payer"))
      .map(({ name }) => (name === viewer ? "由本方付费。" : `由对方（${name}）付费。`)),
    "任何一方可随时撤销：正在进行的运行立即停止，据此发放的标签一并撤回。",
  ],
  approval: ({ approval }) => `本方节点：${MODES[approval.own]}；对方节点：${MODES[approval.peer]}。`,
  limits: ({ floors, budgets, noise: agreed, operations }) => {
    const outputs = operations.flatMap((item) => item.outputs);
    const hasAggregate = outputs.includes("match-rate") || outputs.includes("overlap-report");
    const hasScore = operations.some(({ operation }) => operation === "score");
    const isShared = operations.some(({ alignment }) => alignment === "shared");
    const { epochDays, runsPerEpoch, runsPerDay, scoresPerModelVersion, modelVersionsPerEpoch } = budgets;
    return [
      `名单至少有 ${people(floors.input)}才能参与，且较长名单不超过较短名单的 ${groupedDigits(floors.sizeRatio)} 倍。由数据所有方自己的节点执行。`,
      `重叠人数不少于 ${people(floors.result)}时才显示结果。由接收方节点执行${isShared ? "；双方均获知重叠者时，由双方节点执行" : ""}。`,
      `每对数据集在 ${days(epochDays)}内最多运行 ${runs(runsPerEpoch)}，24 小时内最多 ${runs(runsPerDay)}。双方节点各自计数。`,
      ...(hasScore
        ? [
            `同一模型版本在相同数据上，${days(epochDays)}内最多评分 ${runs(scoresPerModelVersion)}；` +
              (modelVersionsPerEpoch === null
                ? "模型版本数以无法从评分中还原字段为限。"
                : `模型版本最多 ${groupedDigits(modelVersionsPerEpoch)} 个。`),
          ]
        : []),
      ...(hasAggregate
        ? [
            `对于人数与比例类输出：两份名单要么相同，要么至少相差 ${people(budgets.smallestDifference)}（差分防护）；${days(epochDays)}内接收方数据集最多使用 ${groupedDigits(budgets.datasetVersionsPerEpoch)} 个版本。`,
            agreed.kind === "none" ? "计数为精确值：未约定噪声。" : `计数加入尺度为 ${agreed.scale} 的随机噪声。`,
          ]
        : []),
    ];
  },
  validity: ({ version, validFrom, validUntil, supersedes }) => [
    `自 ${timeText(validFrom)} 起，至 ${timeText(validUntil)} 止。`,
    supersedes === null ? "此为第 1 版。" : `此为第 ${version} 版：各方均签署后，上一版即告终止。`,
  ],
  differences: CHINESE_DIFFERENCES,
};
