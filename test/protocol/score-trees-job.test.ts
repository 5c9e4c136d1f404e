/** A model that XGBoost wrote, through two nodes: every person's output is the integer reference's. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { exportEvidence } from "../../party/evidence/export.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import type { Digest } from "../../proto/ids.ts";
import { outputOf, tierOf } from "../../proto/model/header.ts";
import { columnsOf } from "../../proto/model/model.ts";
import { quantise } from "../../proto/model/quantise.ts";
import { type Row, realScore, scoreInteger } from "../../proto/model/score.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import { demoAgreement, generous, HAS_CAR, withColumns } from "../support/demo-agreement.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { type ModelFixture, readModelFile, readScored } from "../support/model-fixture.ts";
import { phoneOf, range, writePeople } from "../support/people.ts";
import { TwoNodes } from "../support/two-nodes.ts";

/** Small lists fall into several partitions only when a partition is small, too. */
const PARTITIONS = 2;
vi.mock("../../party/protocols/plan.ts", async (original) => ({
  ...(await original<typeof import("../../party/protocols/plan.ts")>()),
  MAX_TREE_ROWS: 750,
}));

const FIXTURE = "trees/xgboost-logistic";
const { document } = readModelFile<ModelFixture>(FIXTURE);
const TIERED = {
  ...document,
  tiers: [
    { tier: "A", maxProbability: 0.15 },
    { tier: "B", maxProbability: 0.3 },
    { tier: "C", maxProbability: 1 },
  ],
};
const { model, rows, predictions } = readScored(FIXTURE);
const rowOf = (person: number) => person % rows.length;
const SHARED = range(300, 1_000);
const carOf = (person: number) => String(person % 3 === 0);
let nodes: TwoNodes;
let agreement: Digest;

/** One party's columns of the fixture, an empty cell where there is no value. */
function cells(side: "own" | "partner"): Record<string, (person: number) => string | number> {
  return Object.fromEntries(
    columnsOf(model, side).map((column, j) => [
      column,
      (person) => ((rows[rowOf(person)] as Row)[side][j] as number | null) ?? "",
    ]),
  );
}

beforeAll(async () => {
  nodes = await TwoNodes.start();
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000), cells("own")),
    bureau: await writePeople(join(data, "bureau.csv"), range(300, 1_300), { ...cells("partner"), has_car: carOf }),
  });
  agreement = await nodes.agree(withColumns(demoAgreement(generous()), [HAS_CAR]));
});
afterAll(() => nodes.close());

type Request = Parameters<TwoNodes["run"]>[0];
const scoring = (doc: unknown) =>
  ({ agreement, operation: "score", model: doc, tag: { key: "risk:default", expiresInDays: 30 } }) as Request;

async function tagsOf(jobId: string) {
  const tags: { subject: string; score: number | null; value: string }[] = [];
  for await (const { subject, score, value } of nodes.bank.store.tags({ now: nodes.bank.logbook.now(), jobId }))
    tags.push({ subject, score, value });
  return tags;
}

const quantised = quantise(model);
const outputs = rows.map((row) => outputOf(model, realScore(quantised, scoreInteger(quantised, row))));
const EXPECTED = SHARED.map((person) => {
  const score = outputs[rowOf(person)] as number;
  return { subject: `+86${phoneOf(person)}`, score, value: tierOf(TIERED, score) };
});

test("scores, tiers, evidence; the model's ciphertexts are sent once", async () => {
  const first = await nodes.run(scoring(TIERED));
  expect([first.bank.state, first.bureau.state]).toEqual(["done", "done"]);
  const { jobId } = first.bank;
  expect(await tagsOf(jobId)).toEqual(EXPECTED);
  expect(new Set(EXPECTED.map(({ value }) => value))).toEqual(new Set(["A", "B", "C"]));
  const off = outputs.map((output, i) => Math.abs(output - (predictions[i] as number)));
  expect(Math.max(...off)).toBeLessThan(1e-6);

  const receipt = parseStatement(utf8((await nodes.bank.store.jobDocument(jobId, "receipt")) as string));
  if (receipt.event !== "receipt") throw new Error(receipt.event);
  expect(receipt.statement.predicate.protocol.name).toBe("score-trees");
  expect(receipt.statement.predicate.attempts.map(({ partitions }) => partitions)).toEqual([range(0, PARTITIONS)]);
  const files = new MemoryFiles();
  for (const node of [nodes.bank, nodes.bureau])
    for (const { path, bytes } of await exportEvidence(node.connected, collaborationOf(["bank", "bureau"])))
      files.contents.set(`/${node.keyring.party}/${path}`, bytes);
  expect((await verifyFolders(["/bank", "/bureau"], { files })).problems).toEqual([]);

  await nodes.bank.store.removeTags(jobId);
  const labelled = { labels: ["has_car"], rules: ["tier = A and has_car -> auto-loan:hot"] };
  const second = await nodes.run({ ...scoring(TIERED), ...labelled });
  const again = await tagsOf(second.bank.jobId);
  expect(again.filter(({ value }) => value !== "hot")).toEqual(EXPECTED);
  const isHot = ({ value }: { value: string | undefined }, i: number) =>
    value === "A" && carOf(SHARED[i] as number) === "true";
  const hot = again.filter(({ value }) => value === "hot").map(({ subject }) => subject);
  expect(hot).toEqual(EXPECTED.filter(isHot).map(({ subject }) => subject));
  const sent = [first, second].map(({ bank }) => bank.summary?.bytesSent as number) as [number, number];
  // Public key and groups of leaves.
  expect(sent[0] - sent[1]).toBeGreaterThan(2 * 276_480);
});

test("refusals name what they are about, before the peer hears of the job", async () => {
  const { mixed } = readModelFile<Record<string, unknown>>("trees/xgboost-refused");
  const numbered = readModelFile<ModelFixture>("trees/xgboost-squarederror").document;
  const owners = (party: string) => (document.features as object[]).map((feature) => ({ ...feature, party }));
  const refusals: readonly [unknown, object][] = [
    [
      { ...numbered, model: mixed },
      { code: "MODEL_UNSUPPORTED", detail: expect.stringMatching(/^tree 0 mixes features: own f.*, partner f/) },
    ],
    [
      { ...document, features: owners("own") },
      { code: "DATASET_COLUMN_UNKNOWN", detail: expect.stringMatching(/^PAY_/) },
    ],
    [{ ...document, features: owners("partner") }, { code: "POLICY_DATASET" }],
    [{ ...document, model: { learner: {} } }, { code: "MODEL_INVALID" }],
  ];
  for (const [asked, error] of refusals) await expect(nodes.runAtBank(scoring(asked))).rejects.toMatchObject(error);
});
