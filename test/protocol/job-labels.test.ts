/** Columns of the partner's that reach the bank for matched people, in whole jobs of two nodes, against a join in plain. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { dryRun } from "../../party/jobs/dry-run.ts";
import type { Job } from "../../party/jobs/lifecycle.ts";
import { startJob } from "../../party/jobs/start.ts";
import type { ProvideTask } from "../../party/session/task.ts";
import { SessionWorker } from "../../party/session/worker-port.ts";
import type { Tag } from "../../party/tags/tag.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Digest, JobId } from "../../proto/ids.ts";
import { demoAgreement } from "../support/demo-agreement.ts";
import { phoneOf, REPAYMENTS, range, writePeople } from "../support/people.ts";
import { auditOf, entriesOf, eventsOf, requestOf } from "../support/policy-nodes.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const SHARED = range(300, 600);
const CITIES = ["上海", "Beijing", "", "Xi'an"];
const carOf = (person: number) => ["true", "false", ""][person % 3] as string;
const cityOf = (person: number) => CITIES[person % 4] as string;
const spendOf = (person: number) => (person % 5 === 0 ? "" : person / 8 - 60);
const limitOf = (person: number) => (person % 100) * 10;

/** Exact in the model's integers. */
const MODEL = {
  format: "entente-linear/1",
  name: "points",
  version: "1",
  tagKey: "risk:points",
  kind: "linear-regression",
  link: "identity",
  intercept: 0,
  features: [{ party: "partner", column: "PAY_0", weight: 0.03125, clip: [-8, 8], missing: 0 }],
  tiers: [{ tier: "A", minScore: 0 }, { tier: "B" }],
};
const tierOf = (person: number) => ((REPAYMENTS.PAY_0?.(person) as number) >= 0 ? "A" : "B");

let nodes: TwoNodes;

beforeAll(async () => {
  nodes = await TwoNodes.start();
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 600), { limit: limitOf, spend: limitOf }),
    bureau: await writePeople(join(data, "bureau.csv"), range(300, 900), {
      ...REPAYMENTS,
      has_car: carOf,
      city: cityOf,
      spend: spendOf,
    }),
  });
});
afterAll(() => nodes.close());

const LABELS = [
  { name: "has_car", role: "label", grade: 2, type: "boolean" },
  { name: "city", role: "label", grade: 2, type: "text", maxBytes: 12 },
  { name: "spend", role: "label", grade: 3, type: "number" },
];

let titles = 0;
/** Both operations by `protocol`, the score with `alignment`, over a partner's dataset with these further columns. */
function agree(
  { protocol = "psi-vole", alignment = "hidden", outputs = ["tier"] } = {},
  columns: readonly object[] = LABELS,
): Promise<Digest> {
  const budgets = { runsPerEpoch: 1000, runsPerDay: 1000, scoresPerModelVersion: 1000, modelVersionsPerEpoch: 1000 };
  const floors = { input: 10, result: 5, sizeRatio: 1_000 };
  const draft = demoAgreement({ title: `Labels ${++titles}`, budgets, floors }, protocol as "psi-dh") as {
    datasets: { name: string; columns: object[] }[];
    operations: { operation: string }[];
  };
  const datasets = draft.datasets.map((item) =>
    item.name === "repayments" ? { ...item, columns: [...item.columns, ...columns] } : item,
  );
  const operations = draft.operations.map((item) =>
    item.operation === "score" ? { ...item, alignment, outputs } : item,
  );
  return nodes.agree({ ...draft, datasets, operations });
}

type Wish = Parameters<typeof requestOf>[0];

async function run(wish: Wish): Promise<{ job: Job; tags: Tag[] }> {
  const { bank: job, bureau } = await nodes.run(requestOf(wish));
  expect([job.state, bureau.state, job.reason]).toEqual(["done", "done", undefined]);
  const tags: Tag[] = [];
  for await (const tag of nodes.bank.store.tags({ now: nodes.bank.clock.now(), jobId: job.jobId })) tags.push(tag);
  return { job, tags };
}

const subjectOf = (person: number) => `+86${phoneOf(person)}`;
function holders(tags: readonly Tag[], key: string, value: string): string[] {
  return tags.filter((tag) => tag.key === key && tag.value === value).map(({ subject }) => subject);
}

async function refusalOf(wish: Wish): Promise<string> {
  const before = (await nodes.bank.book.list()).length;
  const error = await startJob(nodes.bank.connected, requestOf(wish), "analyst").catch(toEntenteError);
  expect(await nodes.bank.book.list()).toHaveLength(before);
  return "code" in error ? `${error.code} ${error.detail}` : "accepted";
}

const RULES = [
  "has_car and city = 上海 -> auto-loan:hot",
  "not (has_car or not has_car = true) or label.spend >= 0 -> marketing:spender",
  'own.spend > 500 and city in (Beijing, "Xi\'an") -> marketing:far',
];
const EXPECTED: Record<string, (person: number) => boolean> = {
  "auto-loan=hot": (person) => carOf(person) === "true" && cityOf(person) === "上海",
  "marketing=spender": (person) => person % 5 !== 0 && person / 8 - 60 >= 0,
};

describe.each(["psi-dh", "psi-vole"])("an audience by %s", (protocol) => {
  test("knows the labels of whom it found, and rules can name them", async () => {
    const agreement = await agree({ protocol });
    const { tags, job } = await run({ agreement, labels: ["city", "has_car", "spend"], rules: RULES.slice(0, 2) });
    expect(job.summary?.matched).toBe(SHARED.length);
    for (const [name, holds] of Object.entries(EXPECTED)) {
      const [key, value] = name.split("=") as [string, string];
      expect(holders(tags, key, value).sort(), name).toEqual(SHARED.filter(holds).map(subjectOf));
    }
    expect(holders(tags, "marketing:joint", "yes")).toHaveLength(SHARED.length);
  });
});

test("own columns and labels of one name are told apart", async () => {
  const agreement = await agree();
  const wish = { agreement, labels: ["spend", "city"] };
  const { tags } = await run({ ...wish, rules: RULES.slice(2) });
  expect(holders(tags, "marketing", "far")).toEqual(
    SHARED.filter((person) => limitOf(person) > 500 && person % 2 === 1).map(subjectOf),
  );
  expect(await refusalOf({ ...wish, rules: ["spend > 1 -> k:v"] })).toBe(
    "TAG_RULE_INVALID 0: spend is an own column and a label: write own.spend or label.spend",
  );
  expect(await refusalOf({ ...wish, rules: ["has_car -> k:v"] })).toBe("TAG_RULE_INVALID 0: no column has_car");
});

describe("a score", () => {
  const rules = ["tier = A and has_car -> auto-loan:hot"];
  const hot = SHARED.filter((person) => tierOf(person) === "A" && carOf(person) === "true").map(subjectOf);
  const tag = { key: "risk:points", expiresInDays: 30 };
  const wish = { operation: "score", output: "tier", model: MODEL, labels: ["has_car"], rules, tag } as const;

  test("that is hidden", async () => {
    const { tags } = await run({ ...wish, labels: [...wish.labels], agreement: await agree() });
    expect(holders(tags, "auto-loan", "hot").sort()).toEqual(hot);
    for (const person of SHARED)
      expect(tags.find((tag) => tag.subject === subjectOf(person) && tag.key === "risk:points")?.value).toBe(
        tierOf(person),
      );
  });

  test("that is shared, over the people whom an audience found", async () => {
    const agreement = await agree({ alignment: "shared" });
    const { job: audience } = await run({ agreement, filter: '"limit" < 500' });
    const { tags } = await run({ ...wish, labels: [...wish.labels], agreement, audience: audience.jobId as JobId });
    const isFound = new Set(SHARED.filter((person) => limitOf(person) < 500).map(subjectOf));
    expect(holders(tags, "auto-loan", "hot").sort()).toEqual(hot.filter((subject) => isFound.has(subject)));
    expect(tags.filter(({ key }) => key === "risk:points")).toHaveLength(isFound.size);
  });
});

test("which columns leave in clear stands in what is shown, charged and signed, and an auditor finds it so", async () => {
  const agreement = await agree();
  const wish = { agreement, labels: ["has_car", "city"] };
  const { statement } = await dryRun(nodes.bank.connected, requestOf(wish));
  expect(statement.parts.inClear).toContain('"has_car" (boolean, grade 2), "city" (text of up to 12 bytes, grade 2)');
  const { job } = await run(wish);
  for (const node of [nodes.bank, nodes.bureau]) {
    const said = (await entriesOf(node)).flatMap(({ event, statement: { predicate } }) =>
      (event === "receipt" && "job" in predicate && predicate.job.jobId === job.jobId) ||
      (event === "policy-decision" && "charge" in predicate && predicate.jobId === job.jobId)
        ? [("charge" in predicate ? predicate.charge : predicate)?.releasedColumns]
        : [],
    );
    expect(said).toEqual([
      ["has_car", "city"],
      ["has_car", "city"],
    ]);
  }
  expect((await auditOf([nodes.bank, nodes.bureau])).verdict).toBe("verified");
});

describe("refused before the peer hears of it", () => {
  test.each([
    ["PAY_0", "POLICY_OUTPUT PAY_0: no label by agreement"],
    ["phone", "POLICY_OUTPUT phone: no label by agreement"],
    ["region", "POLICY_OUTPUT region: no label by agreement"],
    ["nothing", "POLICY_OUTPUT nothing: no label by agreement"],
  ])("%s, which is no label", async (name, refusal) => {
    const agreement = await agree({}, [...LABELS, { name: "region", role: "release", grade: 1 }]);
    expect(await refusalOf({ agreement, labels: [name] })).toBe(refusal);
  });

  test("one twice, or beside a match rate", async () => {
    const agreement = await agree();
    expect(await refusalOf({ agreement, labels: ["city", "city"] })).toBe("BAD_REQUEST labels: a column twice");
    expect(await refusalOf({ agreement, output: "match-rate", labels: ["city"] })).toBe(
      "BAD_REQUEST labels: a match rate has none",
    );
  });
});

describe("the provider's node", () => {
  async function failureOf(wish: Wish): Promise<string> {
    const { bank } = await nodes.run(requestOf(wish));
    expect(bank.summary?.matched).toBeUndefined();
    expect((await eventsOf(nodes.bank, bank.jobId)).includes("opened")).toBe(false);
    return `${bank.state} ${bank.reason?.code}`;
  }

  test.each([
    ["longer than agreed", { name: "city", role: "label", type: "text", maxBytes: 6 }],
    ["of another type than agreed", { name: "city", role: "label", type: "boolean" }],
  ])("ends a job before anything runs when a value is %s", async (_, column) => {
    const agreement = await agree({}, [column]);
    expect(await failureOf({ agreement, labels: ["city"] })).toBe("failed LABEL_UNFIT");
  });

  test("refuses a column that its dataset does not have, or has of another type", async () => {
    const agreement = await agree({}, [
      { name: "gone", role: "label" },
      { name: "city", role: "label", type: "number" },
    ]);
    expect(await failureOf({ agreement, labels: ["gone"] })).toBe("refused DATASET_COLUMN_UNKNOWN");
    expect(await failureOf({ agreement, labels: ["city"] })).toBe("refused DATASET_COLUMN_TYPE");
  });
});

describe("a provider whose software was changed", () => {
  function sending(change: (labels: Uint8Array) => void): void {
    const run = SessionWorker.prototype.run;
    vi.spyOn(SessionWorker.prototype, "run").mockImplementation(function (this: SessionWorker, task, io) {
      if (task.kind !== "provide") return run.call(this, task, io) as never;
      const labels = (task as ProvideTask).labels.slice();
      change(labels);
      return run.call(this, { ...task, labels }, io) as never;
    });
  }

  test.each([
    ["a boolean that is none", "has_car", (labels: Uint8Array) => labels.fill(7)],
    ["a text that is no UTF-8", "city", (labels: Uint8Array) => labels.fill(0xc3).fill(1, 0, 1)],
    ["a number that is infinite", "spend", (labels: Uint8Array) => labels.fill(0).fill(0x7f, 0, 1).fill(0xf0, 1, 2)],
  ])("sends %s: the job ends, and nothing of it is shown", async (_, label, change) => {
    const agreement = await agree();
    sending((labels) => {
      const width = { has_car: 1, city: 13, spend: 8 }[label] as number;
      for (let at = 0; at < labels.length; at += width) change(labels.subarray(at, at + width));
    });
    const { bank } = await nodes.run(requestOf({ agreement, labels: [label] }));
    vi.restoreAllMocks();
    expect([bank.state, bank.reason?.code, bank.summary]).toEqual(["failed", "WIRE_INVALID", undefined]);
    expect(await eventsOf(nodes.bank, bank.jobId)).not.toContain("opened");
    for await (const tag of nodes.bank.store.tags({ now: nodes.bank.clock.now(), jobId: bank.jobId }))
      expect(tag).toBeUndefined();
  });
});
