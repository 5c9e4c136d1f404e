/** The rules of a policy decision in words, in each language: what a rule wants, and how it stands by the counts it looked at. */
import { groupedDigits } from "../grouped-digits.ts";
import type { Language } from "../language.ts";
import type { RuleInputs } from "./request.ts";
import type { RuleCode } from "./rule-codes.ts";

/** What holds where the rule passes; `state` of a rule that counts. */
export interface RuleText {
  readonly name: string;
  readonly state: string | undefined;
}

/** Holes in braces are counts by the names of a rule's inputs. One whose input is not there is left out with its clause. */
interface RuleWords {
  readonly name: string;
  readonly state?: readonly string[];
}

type AllWords = Readonly<Record<RuleCode, RuleWords>>;

const ENGLISH: AllWords = {
  AGREEMENT_EXPIRED: { name: "The agreement is within its validity" },
  AGREEMENT_REVOKED: { name: "The agreement has not been revoked" },
  AGREEMENT_SUPERSEDED: { name: "No later version of the agreement is in force" },
  POLICY_GATED: { name: "The result floor is one that this version can keep" },
  POLICY_OPERATION: { name: "The operation is agreed on, in this direction" },
  POLICY_DATASET: { name: "The datasets and columns are agreed on" },
  POLICY_SEGMENT: { name: "The partner's segment is agreed on" },
  POLICY_OUTPUT: { name: "The output is agreed on" },
  POLICY_PURPOSE: { name: "The purpose is agreed on" },
  POLICY_RETENTION: { name: "Tags live no longer than agreed", state: ["{days} of at most {limit} days"] },
  POLICY_INPUT_FLOOR: {
    name: "The lists are long enough",
    state: ["at least {floor} people", "yours: up to {ownRowsUpTo}", "the partner's: up to {peerRowsUpTo}"],
  },
  POLICY_SIZE_RATIO: {
    name: "The lists are of like size",
    state: ["one at most {limit} times the other", "yours: up to {ownRowsUpTo}", "the partner's: up to {peerRowsUpTo}"],
  },
  POLICY_RUNS_EPOCH: { name: "Runs left in this epoch", state: ["run {runs} of {limit}"] },
  POLICY_RUNS_DAY: { name: "Runs left today", state: ["run {runs} of {limit}"] },
  POLICY_SCORE_REPEATED: {
    name: "Not scored already by this model version",
    state: ["score {runs} of {limit} of these versions"],
  },
  POLICY_MODEL_VERSIONS: {
    name: "Model versions left in this epoch",
    state: ["version {versions} of {limit}", "{versions} versions carry {carried} of the partner's {columns} columns"],
  },
  POLICY_DATASET_VERSIONS: {
    name: "Dataset versions left for aggregates in this epoch",
    state: ["version {versions} of {limit}"],
  },
  POLICY_DIFFERENCE: {
    name: "The list differs enough from earlier ones, or not at all",
    state: ["by at least {limit} people"],
  },
};

const CHINESE: AllWords = {
  AGREEMENT_EXPIRED: { name: "协议在有效期内" },
  AGREEMENT_REVOKED: { name: "协议未被撤销" },
  AGREEMENT_SUPERSEDED: { name: "没有更新的协议版本生效" },
  POLICY_GATED: { name: "当前版本能够执行约定的结果下限" },
  POLICY_OPERATION: { name: "协议允许该方向上的此项操作" },
  POLICY_DATASET: { name: "协议涵盖所用的数据集和字段" },
  POLICY_SEGMENT: { name: "协议允许合作方的该分群" },
  POLICY_OUTPUT: { name: "协议允许该输出" },
  POLICY_PURPOSE: { name: "协议允许该目的" },
  POLICY_RETENTION: { name: "标签有效期不超过约定", state: ["{days} 天，最多 {limit} 天"] },
  POLICY_INPUT_FLOOR: {
    name: "双方名单达到最低人数",
    state: ["至少 {floor} 人", "本方：不超过 {ownRowsUpTo}", "对方：不超过 {peerRowsUpTo}"],
  },
  POLICY_SIZE_RATIO: {
    name: "双方名单规模相近",
    state: ["一方最多为另一方的 {limit} 倍", "本方：不超过 {ownRowsUpTo}", "对方：不超过 {peerRowsUpTo}"],
  },
  POLICY_RUNS_EPOCH: { name: "本周期还有运行次数", state: ["第 {runs} 次，共 {limit} 次"] },
  POLICY_RUNS_DAY: { name: "今日还有运行次数", state: ["第 {runs} 次，共 {limit} 次"] },
  POLICY_SCORE_REPEATED: { name: "该模型版本尚未对其评分", state: ["对这些版本的第 {runs} 次评分，最多 {limit} 次"] },
  POLICY_MODEL_VERSIONS: {
    name: "本周期还可使用模型版本",
    state: ["第 {versions} 个版本，共 {limit} 个", "{versions} 个版本可携带对方 {columns} 个字段中的 {carried} 个"],
  },
  POLICY_DATASET_VERSIONS: {
    name: "本周期汇总类输出还可使用数据集版本",
    state: ["第 {versions} 个版本，共 {limit} 个"],
  },
  POLICY_DIFFERENCE: { name: "名单与以往相同，或差异足够大", state: ["至少相差 {limit} 人"] },
};

const WORDS: Readonly<Record<Language, AllWords>> = { en: ENGLISH, "zh-CN": CHINESE };
const BETWEEN: Readonly<Record<Language, string>> = { en: "; ", "zh-CN": "；" };

export function ruleText(code: RuleCode, inputs: RuleInputs, language: Language): RuleText {
  const { name, state = [] } = WORDS[language][code];
  const clauses = state.map((clause) => filled(clause, inputs)).filter((clause) => clause !== undefined);
  return { name, state: clauses.length === 0 ? undefined : clauses.join(BETWEEN[language]) };
}

function filled(clause: string, inputs: RuleInputs): string | undefined {
  const holes = [...clause.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
  if (holes.some((name) => inputs[name] === undefined)) return undefined;
  return clause.replaceAll(/\{(\w+)\}/g, (_, name: string) => groupedDigits(inputs[name] as number));
}
