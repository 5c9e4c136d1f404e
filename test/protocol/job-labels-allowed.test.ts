/** Who may have which labels, what is said of it, and what ends a job or does not: by the ideal worker, which is as real at the gate. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { dryRun } from "../../party/jobs/dry-run.ts";
import type { ProvideTask } from "../../party/session/task.ts";
import { reportOf } from "../../sdk/verify/report.ts";
import { holders, LABELS, LabelledNodes, limitOf, SHARED, subjectOf, type Wish } from "../support/labelled-nodes.ts";
import { entriesOf, eventsOf, examinationOf, requestOf } from "../support/policy-nodes.ts";
import { IdealWorker, startIdealWorker } from "../support/policy-worker.ts";

let world: LabelledNodes;
beforeAll(async () => {
  world = await LabelledNodes.start({ startWorker: startIdealWorker });
});
afterAll(() => world.nodes.close());

test("own columns and labels of one name are told apart", async () => {
  const agreement = await world.agree();
  const wish = { agreement, labels: ["spend", "city"] };
  const { tags } = await world.run({
    ...wish,
    rules: ['own.spend > 500 and city in (Beijing, "Xi\'an") -> marketing:far'],
  });
  expect(holders(tags, "marketing", "far")).toEqual(
    SHARED.filter((person) => limitOf(person) > 500 && person % 2 === 1).map(subjectOf),
  );
  expect(await world.refusalOf({ ...wish, rules: ["spend > 1 -> k:v"] })).toBe(
    "TAG_RULE_INVALID 0: spend is an own column and a label: write own.spend or label.spend",
  );
  expect(await world.refusalOf({ ...wish, rules: ["has_car -> k:v"] })).toBe("TAG_RULE_INVALID 0: no column has_car");
});

test("which columns leave in clear stands in what is shown, charged and signed, and an auditor finds it so", async () => {
  const agreement = await world.agree();
  const wish = { agreement, labels: ["has_car", "city"] };
  const { statement } = await dryRun(world.nodes.bank.connected, requestOf(wish));
  expect(statement.parts.inClear).toContain('"has_car" (boolean, grade 2), "city" (text of up to 12 bytes, grade 2)');
  const { job } = await world.run(wish);
  for (const node of [world.nodes.bank, world.nodes.bureau]) {
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
  const found = await examinationOf([world.nodes.bank, world.nodes.bureau]);
  expect(found.report.verdict).toBe("verified");
  const reported = reportOf(found).jobs.find(({ jobId }) => jobId === job.jobId);
  expect(reported?.releasedColumns).toEqual(["has_car", "city"]);
});

describe("refused before the peer hears of it", () => {
  test.each([
    ["PAY_0", "POLICY_OUTPUT PAY_0: no label by agreement"],
    ["phone", "POLICY_OUTPUT phone: no label by agreement"],
    ["region", "POLICY_OUTPUT region: no label by agreement"],
    ["nothing", "POLICY_OUTPUT nothing: no label by agreement"],
  ])("%s, which is no label", async (name, refusal) => {
    const agreement = await world.agree({}, [...LABELS, { name: "region", role: "release", grade: 1 }]);
    expect(await world.refusalOf({ agreement, labels: [name] })).toBe(refusal);
  });

  test("one twice, or beside a match rate", async () => {
    const agreement = await world.agree();
    expect(await world.refusalOf({ agreement, labels: ["city", "city"] })).toBe("BAD_REQUEST labels: a column twice");
    expect(await world.refusalOf({ agreement, output: "match-rate", labels: ["city"] })).toBe(
      "BAD_REQUEST labels: an aggregate has none",
    );
  });
});

describe("the provider's node", () => {
  async function failureOf(wish: Wish): Promise<string> {
    const { bank } = await world.nodes.run(requestOf(wish));
    expect(bank.summary?.matched).toBeUndefined();
    expect((await eventsOf(world.nodes.bank, bank.jobId)).includes("opened")).toBe(false);
    return `${bank.state} ${bank.reason?.code}`;
  }

  test.each([
    ["longer than agreed", { name: "city", role: "label", type: "text", maxBytes: 6 }],
    ["of another type than agreed", { name: "city", role: "label", type: "boolean" }],
  ])("ends a job before anything runs when a value is %s", async (_, column) => {
    const agreement = await world.agree({}, [column]);
    expect(await failureOf({ agreement, labels: ["city"] })).toBe("failed LABEL_UNFIT");
  });

  test("refuses a column that its dataset does not have, or has of another type", async () => {
    const agreement = await world.agree({}, [
      { name: "gone", role: "label" },
      { name: "city", role: "label", type: "number" },
    ]);
    expect(await failureOf({ agreement, labels: ["gone"] })).toBe("refused DATASET_COLUMN_UNKNOWN");
    expect(await failureOf({ agreement, labels: ["city"] })).toBe("refused DATASET_COLUMN_TYPE");
  });
});

describe("a provider whose software was changed", () => {
  function sending(change: (labels: Uint8Array) => void): void {
    const run = IdealWorker.prototype.run;
    vi.spyOn(IdealWorker.prototype, "run").mockImplementation(function (this: IdealWorker, task) {
      if (task.kind !== "provide") return run.call(this, task) as never;
      const labels = (task as ProvideTask).labels.slice();
      change(labels);
      return run.call(this, { ...task, labels } as ProvideTask) as never;
    });
  }

  test.each([
    ["a boolean that is none", "has_car", (labels: Uint8Array) => labels.fill(7)],
    ["a text that is no UTF-8", "city", (labels: Uint8Array) => labels.fill(0xc3).fill(1, 0, 1)],
    ["a number that is infinite", "spend", (labels: Uint8Array) => labels.fill(0).fill(0x7f, 0, 1).fill(0xf0, 1, 2)],
  ])("sends %s: it is missing, and only the bank's people learn that", async (_, label, change) => {
    const agreement = await world.agree();
    sending((labels) => {
      const width = { has_car: 1, city: 13, spend: 8 }[label] as number;
      for (let at = 0; at < labels.length; at += width) change(labels.subarray(at, at + width));
    });
    const { bank } = await world.nodes.run(requestOf({ agreement, labels: [label] }));
    vi.restoreAllMocks();
    const { state, summary: { matched = 0, labelsUnreadable } = {} } = bank;
    expect([state, matched > 0, labelsUnreadable]).toEqual(["done", true, matched]);
    expect(await eventsOf(world.nodes.bank, bank.jobId)).toContain("opened");
    expect((await world.tagsOf(bank.jobId)).length).toBe(matched);
    for (const node of [world.nodes.bank, world.nodes.bureau])
      expect(JSON.stringify(await entriesOf(node))).not.toContain("nreadable");
    const bureau = await world.nodes.ended(world.nodes.bureau, bank.jobId);
    expect([bureau.state, bureau.reason, bureau.summary?.labelsUnreadable]).toEqual(["done", undefined, undefined]);
  });
});
