/** The statement word for word: what a person approves is what is written here. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type LeakQuestion, leakStatement } from "../../proto/policy/leak-statement.ts";
import type { JobRequest } from "../../proto/policy/rules.ts";
import { classRange, sizeClassOf } from "../../proto/size-class.ts";
import { AGREEMENT, AUDIENCE, agreed, RATE, SCORE } from "../support/policy-world.ts";

const OWN_ROWS = 21_480;
const receiverRows = classRange(sizeClassOf(OWN_ROWS));
const providerRows = classRange(sizeClassOf(24_000));

const BOTH =
  "Both learn the job's terms (datasets, purpose, output, for how long tags live), and whether the other's dataset is the version of an earlier run in the same epoch.";
const COORDINATOR =
  "The coordinator sees who works with whom, ids and digests of agreement and job, times and byte counts.";
const REST = "Everything else leaves only encrypted.";

function toReceiver(job: JobRequest, changes: Partial<LeakQuestion> = {}) {
  const rows = { receiverRows: { exact: OWN_ROWS, ...receiverRows }, providerRows };
  return leakStatement({ agreement: AGREEMENT, job, viewer: "receiver", ...rows, ...changes });
}
function toProvider(job: JobRequest, changes: Partial<LeakQuestion> = {}) {
  return leakStatement({ agreement: AGREEMENT, job, viewer: "provider", receiverRows, providerRows, ...changes });
}

describe("of an audience", () => {
  test("to the receiver", () => {
    expect(toReceiver(AUDIENCE).text).toBe(
      [
        "the bureau learns: your list has between 21,248 and 23,170 people.",
        "You learn: which of your 21,480 customers are theirs, and that their list has between 23,171 and 25,267 people.",
        BOTH,
        COORDINATOR,
        REST,
        "Input floors, budgets and approvals are enforced by the node of whoever owns the data; the result floor of 100 people by the node of the receiver, which is yours.",
      ].join(" "),
    );
  });

  test("to the provider", () => {
    expect(toProvider(AUDIENCE).text).toBe(
      [
        "the bank learns: which of their customers are yours, and that your list has between 23,171 and 25,267 people.",
        "You learn: their list has between 21,248 and 23,170 people.",
        BOTH,
        COORDINATOR,
        REST,
        "Input floors, budgets and approvals are enforced by the node of whoever owns the data; the result floor of 100 people by the node of the bank.",
      ].join(" "),
    );
  });

  test("while the peer's size is not known, to the width of a class", () => {
    const { parts } = toReceiver(AUDIENCE, { providerRows: undefined });
    expect(parts.youLearn).toBe(
      "You learn: which of your 21,480 customers are theirs, and their list's size to within 9.1 %.",
    );
    expect(toProvider(AUDIENCE, { receiverRows: undefined }).parts.youLearn).toBe(
      "You learn: their list's size to within 9.1 %.",
    );
  });

  test("by the names of the agreement", () => {
    const renamed = structuredClone(AGREEMENT);
    renamed.document.parties[1] = { ...renamed.document.parties[1], name: "telecom" } as never;
    expect(toReceiver(AUDIENCE, { agreement: renamed }).parts.peerLearns).toMatch(/^the telecom learns: /);
  });
});

describe("of a score", () => {
  const model =
    "the bureau learns which of its columns your model uses, how it prepares or splits them, and the model version";
  test.each<[JobRequest["output"], string]>([
    ["tier", "you learn a tier for each matched customer (that you see only the tier is your own software's promise)"],
    [
      "rounded-score",
      "you learn a score for each matched customer, rounded (that you see only the rounded score is your own software's promise)",
    ],
    ["score", "you learn the exact score of each matched customer"],
  ])("%s, to the receiver", (output, what) => {
    const { parts, text } = toReceiver({ ...SCORE, output });
    expect(parts.scoreAdds).toBe(`The score adds: ${model}; ${what}.`);
    expect(text).toContain(` ${parts.scoreAdds} `);
    expect(parts.peerLearns).toBe(toReceiver(AUDIENCE).parts.peerLearns);
  });

  test("that is rounded says how coarsely, as agreed", () => {
    const operations = AGREEMENT.document.operations.map((item) =>
      item.operation === "score" ? { ...item, outputs: ["rounded-score"], rounding: { step: 0.05 } } : item,
    );
    expect(
      toReceiver({ ...SCORE, output: "rounded-score" }, { agreement: agreed({ operations }) }).parts.scoreAdds,
    ).toBe(
      `The score adds: ${model}; you learn a score for each matched customer, rounded to multiples of 0.05 (that you see only the rounded score is your own software's promise).`,
    );
  });

  test("to the provider", () => {
    expect(toProvider({ ...SCORE, output: "tier" }).parts.scoreAdds).toBe(
      "The score adds: you learn which of your columns their model uses, how it prepares or splits them, and the model version; the bank learns a tier for each matched customer (that the bank sees only the tier is its own software's promise).",
    );
  });

  test("whose alignment is shared tells the provider who matched, so that its node keeps the result floor, too", () => {
    const shared: JobRequest = { ...SCORE, alignment: "shared" };
    expect(toReceiver(shared).parts.scoreAdds).toContain(
      `${model}, and which of its customers your audience found; you learn`,
    );
    expect(toProvider(shared).parts.scoreAdds).toContain(
      "the model version, and which of your customers their audience found; the bank learns",
    );
    for (const { parts } of [toReceiver(shared), toProvider(shared)])
      expect(parts.enforcement).toMatch(/the result floor of 100 people by both nodes\.$/);
    for (const { text } of [toReceiver(SCORE), toProvider(SCORE)])
      expect(text).not.toMatch(/audience found|both nodes/);
  });

  test("is not added to an audience", () => {
    expect(toReceiver(AUDIENCE).parts.scoreAdds).toBeNull();
    expect(toReceiver(AUDIENCE).text).not.toContain("model");
  });
});

describe("with columns in clear", () => {
  const datasets = structuredClone(AGREEMENT.document.datasets);
  datasets[1]?.columns.push(
    { name: "has_car", role: "label", grade: 2, personal: false, type: "boolean" },
    { name: "city", role: "label", grade: 3, personal: true, type: "text", maxBytes: 20 },
    { name: "note", role: "label", grade: 1, personal: false },
  );
  const agreement = agreed({ datasets });
  const job = { ...AUDIENCE, releasedColumns: ["has_car", "city", "note"] };
  const columns =
    '"has_car" (boolean, grade 2), "city" (text of up to 20 bytes, grade 3, personal information), "note" (text of up to 32 bytes, grade 1)';

  test("to the receiver, and to the provider, who decides", () => {
    const { text, parts } = toReceiver(job, { agreement });
    expect(parts.inClear).toBe(`In clear: of each matched customer you learn the value in its columns ${columns}.`);
    expect(text).toContain(` ${parts.inClear} ${BOTH}`);
    expect(toProvider(job, { agreement }).parts.inClear).toBe(
      `In clear: of each matched customer the bank learns the value in your columns ${columns}.`,
    );
    expect(toReceiver({ ...SCORE, releasedColumns: ["has_car"] }, { agreement }).text).toContain(
      'In clear: of each matched customer you learn the value in its column "has_car" (boolean, grade 2).',
    );
  });

  test("whose names stand for nothing that was agreed are told by name", () => {
    expect(toProvider({ ...AUDIENCE, releasedColumns: ["PAY_0"] }).parts.inClear).toBe(
      'In clear: of each matched customer the bank learns the value in your column "PAY_0".',
    );
  });

  test("are not told of when there are none", () => {
    for (const { parts, text } of [toReceiver(AUDIENCE), toProvider(SCORE)]) {
      expect(parts.inClear).toBeNull();
      expect(text).not.toContain("In clear");
    }
  });
});

describe("of an overlap report", () => {
  const report: JobRequest = { ...RATE, output: "overlap-report", groups: 12 };

  test("to the receiver, and to the provider", () => {
    expect(toReceiver(report).parts.youLearn).toBe(
      "You learn: how many of your 21,480 customers are theirs, in all and in up to 12 groups of your own making, each only where at least 50 are, at least 50 are not, and the share is not above 85% (that you see only those counts is your own software's promise), and that their list has between 23,171 and 25,267 people.",
    );
    expect(toProvider(report).parts.peerLearns).toBe(
      "the bank learns: how many of their customers are yours, in all and in up to 12 groups of its own making, each only where at least 50 are, at least 50 are not, and the share is not above 85% (that the bank sees only those counts is its own software's promise), and that your list has between 23,171 and 25,267 people.",
    );
  });

  test("with the floor and the noise as agreed", () => {
    const { floors } = AGREEMENT.document;
    const agreement = agreed({ floors: { ...floors, group: 80 }, noise: { kind: "discrete-laplace", scale: 8 } });
    expect(toReceiver(report, { agreement }).parts.youLearn).toContain(
      "are theirs after noise of scale 8, in all and in up to 12 groups of your own making, each only where at least 80 are, at least 80 are not",
    );
  });
});

describe("of a match rate", () => {
  test("to the receiver, and to the provider", () => {
    expect(toReceiver(RATE).parts.youLearn).toBe(
      "You learn: the share of your 21,480 customers that are theirs, as a whole percent, or that it is above 85% (that you see only the percentage is your own software's promise), and that their list has between 23,171 and 25,267 people.",
    );
    expect(toProvider(RATE).parts.peerLearns).toBe(
      "the bank learns: the share of their customers that are yours, as a whole percent, or that it is above 85% (that the bank sees only the percentage is its own software's promise), and that your list has between 23,171 and 25,267 people.",
    );
  });

  test("with the agreed noise and cap", () => {
    const agreement = agreed({ noise: { kind: "discrete-laplace", scale: 8 }, floors: { matchRateCapPercent: 60 } });
    expect(toReceiver(RATE, { agreement }).parts.youLearn).toContain(
      "as a whole percent after noise of scale 8, or that it is above 60% (",
    );
  });
});

describe("a statement", () => {
  test("is its parts in order, and its digest is of its text", () => {
    for (const statement of [toReceiver(AUDIENCE), toReceiver(SCORE), toProvider(RATE)]) {
      const { peerLearns, youLearn, scoreAdds, inClear, bothLearn, coordinatorSees, rest, enforcement } =
        statement.parts;
      const parts = [peerLearns, youLearn, scoreAdds, inClear, bothLearn, coordinatorSees, rest, enforcement];
      expect(statement.text).toBe(parts.filter((part) => part !== null).join(" "));
      expect(statement.digest).toBe(createHash("sha256").update(statement.text).digest("hex"));
    }
    expect(toReceiver(AUDIENCE)).toEqual(toReceiver(AUDIENCE));
  });

  test("differs when what leaks differs", () => {
    const statements = [
      toReceiver(AUDIENCE),
      toProvider(AUDIENCE),
      toReceiver(RATE),
      toReceiver(SCORE),
      toReceiver({ ...SCORE, output: "tier" }),
      toReceiver({ ...SCORE, alignment: "shared" }),
      toReceiver(AUDIENCE, { providerRows: undefined }),
      toReceiver(AUDIENCE, { agreement: agreed({ floors: { result: 99 } }) }),
    ];
    expect(new Set(statements.map(({ digest }) => digest)).size).toBe(statements.length);
  });

  test("to the provider never holds the receiver's exact size, nor the other way round", () => {
    const exact = { exact: 12_345_678, from: 1, to: 2 };
    expect(toProvider(SCORE, { providerRows: exact }).text).not.toContain("12,345,678");
    expect(toReceiver(SCORE, { providerRows: exact }).text).not.toContain("12,345,678");
    expect(toProvider(SCORE, { receiverRows: { ...exact } }).text).not.toContain("12,345,678");
  });
});

describe("in Chinese", () => {
  const chinese = (statement: ReturnType<typeof leakStatement>) => statement.translations["zh-CN"];

  test("an audience, to the receiver and to the provider", () => {
    expect(chinese(toReceiver(AUDIENCE)).text).toBe(
      [
        "对方（bureau）获知：本方名单人数在 21,248 至 23,170 之间。",
        "本方获知：本方 21,480 名客户中哪些同时也是对方客户；以及对方名单人数在 23,171 至 25,267 之间。",
        "双方均获知任务的条款（数据集、目的、输出、标签有效期），以及对方数据集与同一周期内先前某次运行所用的版本是否相同。",
        "协调方可见：哪些参与方相互合作、协议与任务的编号和摘要、时间以及字节数。",
        "除此之外，其他内容只以密文形式传出。",
        "输入人数下限、预算和审批由数据所有方的节点执行；结果人数下限（100 人）由结果接收方（即本方）的节点执行。",
      ].join(""),
    );
    expect(chinese(toProvider(AUDIENCE)).parts.peerLearns).toBe(
      "对方（bank）获知：对方客户中哪些同时也是本方客户；以及本方名单人数在 23,171 至 25,267 之间。",
    );
  });

  const noise = { kind: "discrete-laplace", scale: 8 };
  const labelled = structuredClone(AGREEMENT.document.datasets);
  labelled[1]?.columns.push({ name: "city", role: "label", grade: 2, personal: true, type: "text", maxBytes: 20 });
  const rounded = AGREEMENT.document.operations.map((item) =>
    item.operation === "score" ? { ...item, outputs: ["rounded-score"], rounding: { step: 0.05 } } : item,
  );
  test.each<[string, JobRequest, Partial<LeakQuestion>]>([
    ["a list", AUDIENCE, {}],
    ["a list of a segment", { ...AUDIENCE, providerSegment: { name: "cars", version: 7 } }, {}],
    ["a list, sizes unknown", AUDIENCE, { receiverRows: undefined, providerRows: undefined }],
    ["a match rate", RATE, {}],
    ["a match rate with noise", RATE, { agreement: agreed({ noise }) }],
    ["a report", { ...RATE, output: "overlap-report", groups: 12 }, { agreement: agreed({ noise }) }],
    ["a score", SCORE, {}],
    ["a rounded score", { ...SCORE, output: "rounded-score" }, { agreement: agreed({ operations: rounded }) }],
    ["a shared tier", { ...SCORE, output: "tier", alignment: "shared" }, {}],
    ["columns in clear", { ...AUDIENCE, releasedColumns: ["city"] }, { agreement: agreed({ datasets: labelled }) }],
    ["a column that is no label", { ...AUDIENCE, releasedColumns: ["PAY_0"] }, {}],
  ])("%s says no more and no less: the same parts, names and numbers", (_what, job, changes) => {
    for (const statement of [toReceiver(job, changes), toProvider(job, changes)]) {
      const { text, parts } = chinese(statement);
      for (const [name, part] of Object.entries(statement.parts))
        expect(figures(parts[name as keyof typeof parts])).toEqual(figures(part));
      expect(text).toBe(Object.values(parts).join(""));
      expect(text).not.toMatch(/undefined|null|\bthe\b/);
    }
  });
});

/** Numbers and quoted names of a part, each once. */
function figures(part: string | null): string[] | null {
  if (part === null) return null;
  const found = part.match(/["“][^"”]*["”]|\d[\d.,]*\d|\d/g) ?? [];
  return [...new Set(found.map((item) => item.replace(/["“”]/g, "'")))].sort();
}
