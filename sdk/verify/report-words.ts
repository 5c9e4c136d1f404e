/** Every word of the audit report's page, in each language. */
import type { Language } from "../../proto/language.ts";
import type { AuditReport, ReportedJob } from "./report.ts";

interface Section {
  readonly title: string;
  readonly head: readonly string[];
  /** Said where there is nothing. */
  readonly none: string;
}

export interface ReportWords {
  readonly title: string;
  readonly sections: Readonly<
    Record<
      | "problems"
      | "identities"
      | "agreements"
      | "jobs"
      | "released"
      | "refused"
      | "withdrawals"
      | "budgets"
      | "datasets"
      | "people"
      | "logs",
      Section
    >
  >;
  readonly notOpened: string;
  readonly noColumns: string;
  readonly outcomes: Readonly<Record<ReportedJob["outcome"], string>>;
  readonly states: Readonly<Record<AuditReport["agreements"][number]["state"], string>>;
  readonly decisions: Readonly<Record<"approved" | "declined", string>>;
  entry(index: number): string;
  period(from: string, until: string): string;
  revoked(by: string, at: string): string;
  ofLimit(used: number, allowed: number): string;
  commitments(opened: number, notOpened: number): string;
  /** Of names and sentences, one after another. */
  readonly separator: { readonly names: string; readonly sentences: string };
  withBasis(text: string, legalBasis: string): string;
}

export const REPORT_WORDS: Readonly<Record<Language, ReportWords>> = {
  en: {
    title: "Evidence report",
    sections: {
      problems: { title: "What is wrong", head: ["code", "what", "why", "where"], none: "Nothing was found." },
      identities: { title: "Identities", head: ["party", "fingerprint"], none: "No identity could be read." },
      agreements: {
        title: "Agreements",
        head: ["digest", "title", "version", "between", "purposes", "valid", "state", "jobs"],
        none: "No agreement could be read.",
      },
      jobs: {
        title: "Jobs",
        head: ["job", "agreement", "what", "purpose", "receiver", "provider", "requested", "outcome", "approved by"],
        none: "No job is on record.",
      },
      released: {
        title: "Released",
        head: ["job", "to", "people in", "came out", "columns in clear", "finished", "tags until"],
        none: "Nothing was released.",
      },
      refused: {
        title: "Refused, withheld or failed",
        head: ["job", "outcome", "by", "code", "requested"],
        none: "Nothing was.",
      },
      withdrawals: {
        title: "Withdrawn tags",
        head: ["party", "agreement", "at", "tags"],
        none: "No tags were withdrawn.",
      },
      budgets: {
        title: "Budgets used, by each party's own log",
        head: [
          ...["party", "agreement", "operation", "datasets"],
          ...["runs in epoch", "runs in a day", "model versions", "epoch ends"],
        ],
        none: "Nothing was charged.",
      },
      datasets: { title: "Data sets", head: ["party", "data set", "jobs", "released"], none: "No data set was used." },
      people: {
        title: "People who decided",
        head: ["party", "person", "approved", "declined"],
        none: "No approval was opened.",
      },
      logs: { title: "Logs", head: ["log", "entries", "cosigned up to"], none: "No log could be read." },
    },
    notOpened: "not opened",
    noColumns: "none",
    outcomes: {
      requested: "requested",
      refused: "refused",
      failed: "failed",
      "receipt-only": "receipt only",
      opened: "opened",
      withheld: "withheld",
    },
    states: { "in force": "in force", superseded: "superseded", revoked: "revoked" },
    decisions: { approved: "approved", declined: "declined" },
    entry: (index) => `entry ${index}`,
    period: (from, until) => `${from} to ${until}`,
    revoked: (by, at) => `revoked by ${by} at ${at}`,
    ofLimit: (used, allowed) => `${used} of ${allowed}`,
    commitments: (opened, notOpened) =>
      `Commitments of the logs' owners: ${opened} opened, ${notOpened} committed, not opened.`,
    separator: { names: ", ", sentences: "; " },
    withBasis: (text, legalBasis) => `${text} (${legalBasis})`,
  },
  "zh-CN": {
    title: "存证报告",
    sections: {
      problems: { title: "发现的问题", head: ["代码", "问题", "原因", "位置"], none: "未发现问题。" },
      identities: { title: "身份", head: ["参与方", "指纹"], none: "未能读取任何身份。" },
      agreements: {
        title: "协议",
        head: ["摘要", "标题", "版本", "参与方", "目的", "有效期", "状态", "任务数"],
        none: "未能读取任何协议。",
      },
      jobs: {
        title: "任务",
        head: ["任务", "协议", "内容", "目的", "接收方", "提供方", "发起时间", "结果", "审批"],
        none: "没有任务记录。",
      },
      released: {
        title: "已放行的结果",
        head: ["任务", "接收方", "投入人数", "产出", "明文字段", "完成时间", "标签有效期至"],
        none: "没有放行任何结果。",
      },
      refused: {
        title: "被拒绝、不予显示或失败",
        head: ["任务", "结果", "决定方", "代码", "发起时间"],
        none: "没有此类任务。",
      },
      withdrawals: { title: "撤回的标签", head: ["参与方", "协议", "时间", "标签数"], none: "没有撤回标签。" },
      budgets: {
        title: "已用预算（以各参与方自己的日志为准）",
        head: ["参与方", "协议", "操作", "数据集", "本周期运行次数", "当日运行次数", "模型版本数", "周期结束"],
        none: "没有预算支出。",
      },
      datasets: { title: "数据集", head: ["参与方", "数据集", "任务数", "已放行"], none: "没有使用数据集。" },
      people: { title: "作出决定的人员", head: ["参与方", "人员", "批准", "拒绝"], none: "没有已打开的审批记录。" },
      logs: { title: "存证日志", head: ["日志", "条目数", "见证签名覆盖至"], none: "未能读取任何日志。" },
    },
    notOpened: "未打开",
    noColumns: "无",
    outcomes: {
      requested: "已发起",
      refused: "被拒绝",
      failed: "失败",
      "receipt-only": "仅有回执",
      opened: "已打开",
      withheld: "不予显示",
    },
    states: { "in force": "生效中", superseded: "已被取代", revoked: "已撤销" },
    decisions: { approved: "批准", declined: "拒绝" },
    entry: (index) => `第 ${index} 条`,
    period: (from, until) => `${from} 至 ${until}`,
    revoked: (by, at) => `由 ${by} 于 ${at} 撤销`,
    ofLimit: (used, allowed) => `${used} / ${allowed}`,
    commitments: (opened, notOpened) => `日志所有者作出的承诺：已打开 ${opened} 项，已承诺但未打开 ${notOpened} 项。`,
    separator: { names: "、", sentences: "；" },
    withBasis: (text, legalBasis) => `${text}（${legalBasis}）`,
  },
};
