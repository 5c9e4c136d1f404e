/** What differences between two versions of an agreement are told with in Chinese. */
import { groupedDigits } from "../grouped-digits.ts";
import type { BudgetField, ColumnField, Floor, Subject } from "./differences.ts";
import type { ApprovalMode } from "./facts.ts";
import type { DifferenceWords } from "./words.ts";

export const OPERATIONS = { audience: "联合客群", score: "评分" } as const;

export function people(count: number): string {
  return `${groupedDigits(count)} 人`;
}

export function days(count: number): string {
  return `${groupedDigits(count)} 天`;
}

export const MODES: { readonly [M in ApprovalMode]: string } = {
  automatic: "运行自动开始，无需审批",
  "first-run": "每类运行的第一次须经人工审批",
  "every-run": "每次运行都须经人工审批",
};

const FLOORS: { readonly [F in Floor]-?: string } = {
  input: "名单人数下限",
  result: "可显示结果的人数下限",
  group: "报告分组的人数下限",
  matchRateCapPercent: "匹配率显示上限（高于此值只显示“高于”）",
  sizeRatio: "较长名单与较短名单之比的上限",
};

const BUDGETS: { readonly [F in BudgetField]-?: string } = {
  epochDays: "周期长度",
  runsPerEpoch: "每周期运行次数",
  runsPerDay: "每日运行次数",
  scoresPerModelVersion: "每周期同一模型版本在相同数据上的评分次数",
  modelVersionsPerEpoch: "每周期模型版本数",
  datasetVersionsPerEpoch: "每周期接收方数据集版本数",
  smallestDifference: "两份名单的最小差异",
};

const COLUMN_FIELDS: { readonly [F in ColumnField]-?: string } = {
  role: "用途",
  grade: "分级",
  personal: "是否个人信息",
  type: "类型",
  maxBytes: "文本最大长度",
  normaliser: "归一化方式",
};

const COLUMN_ROLES: Readonly<Record<string, string>> = {
  id: "用于匹配，不以可读形式传出",
  filter: "仅用于筛选参与者，不传出",
  feature: "以密文参与计算",
  label: "以明文提供",
  release: "以明文提供",
};

const OUTPUTS: Readonly<Record<string, string>> = {
  list: "重叠名单",
  "match-rate": "匹配率",
  "overlap-report": "重叠报告",
  score: "精确评分",
  "rounded-score": "取整评分",
  tier: "分层",
};

const ROLES: Readonly<Record<string, string>> = {
  "data-provider": "提供数据",
  "result-receiver": "获得结果",
  "result-user": "使用结果",
  payer: "付费",
};

function owner(party: string, viewer: string): string {
  return party === viewer ? "本方" : `对方（${party}）`;
}

function whatOf(subject: Subject, viewer: string): string {
  switch (subject.of) {
    case "agreement":
      return {
        title: "标题",
        suite: "签名与摘要算法",
        validFrom: "生效时间",
        validUntil: "终止时间",
        noise: "计数的随机噪声",
        order: "条目的先后顺序（任务未指明时取第一项）",
      }[subject.field];
    case "party":
      return {
        whole: `参与方 ${subject.party}`,
        identity: `${owner(subject.party, viewer)}的身份密钥`,
        roles: `${owner(subject.party, viewer)}的角色`,
      }[subject.field];
    case "dataset": {
      const name = `${owner(subject.party, viewer)}数据集“${subject.dataset}”`;
      return subject.field === "whole" ? name : `${name}用于匹配的字段`;
    }
    case "column": {
      const name = `${owner(subject.party, viewer)}“${subject.dataset}”的字段“${subject.column}”`;
      return subject.field === "whole" ? name : `${name}：${COLUMN_FIELDS[subject.field]}`;
    }
    case "operation":
      return operationSubject(subject, viewer);
    case "purpose":
      return { whole: `目的“${subject.id}”`, text: `目的“${subject.id}”`, legalBasis: `目的“${subject.id}”的法律依据` }[
        subject.field
      ];
    case "floors":
      return FLOORS[subject.field];
    case "budgets":
      return BUDGETS[subject.field];
    case "retention":
      return { tagDays: "标签有效期", resultDays: "结果保存期" }[subject.field];
  }
}

function operationSubject({ operation, field }: Subject & { of: "operation" }, viewer: string): string {
  const { receiver, receiverDataset, providerDataset } = operation;
  const isReceiver = receiver === viewer;
  const [theirs, ours] = [isReceiver ? "本方" : "对方", isReceiver ? "对方" : "本方"];
  const name = `${OPERATIONS[operation.operation]}（${theirs}“${receiverDataset}”与${ours}“${providerDataset}”）`;
  const what = {
    whole: "",
    outputs: "接收方可获得的内容",
    segments: "可指定的分群",
    rounding: "取整倍数",
    tiers: "分层界限",
    alignment: "提供方是否获知重叠者",
    resultFloor: "由谁的节点执行结果人数下限",
    "approval.receiver": `${theirs}节点的审批`,
    "approval.provider": `${ours}节点的审批`,
  }[field];
  return what === "" ? `${name}，${operation.protocol}` : `${name}：${what}`;
}

export const CHINESE_DIFFERENCES: DifferenceWords = {
  what: whatOf,
  partyRoles: ROLES,
  columnRoles: COLUMN_ROLES,
  outputs: OUTPUTS,
  modes: MODES,
  enforcers: { receiver: "接收方", provider: "提供方" },
  between: "、",
  yes: "是",
  no: "否",
  none: "无",
  tiersFixed: "由协议固定",
  tiersChosen: "由接收方选定",
  anySegment: "任一已发布的分群，或所有人",
  byExtraction: "以无法还原字段为限",
  people,
  days,
  bytes: (count) => `${count} 字节`,
  times: (count) => `${groupedDigits(count)} 倍`,
  scale: (scale) => `尺度 ${scale}`,
  column: (use, grade, isPersonal) => `${use}，${grade} 级${isPersonal ? "，个人信息" : ""}`,
  purpose: (text, legalBasis) => `${text}（${legalBasis}）`,
};
