/** What of a score the bank's node keeps, and the tags that follow, in whole jobs of two nodes. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Job } from "../../party/jobs/lifecycle.ts";
import { startJob } from "../../party/jobs/start.ts";
import { exportTags } from "../../party/tags/export.ts";
import type { Tag } from "../../party/tags/tag.ts";
import type { Output } from "../../proto/agreement/fields.ts";
import { fromHex, toHex } from "../../proto/encoding/bytes.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import { opensTiers } from "../../proto/model/output.ts";
import { leftoversIn } from "../support/node-folder.ts";
import { phoneOf, REPAYMENTS, range, writePeople } from "../support/people.ts";
import { entriesOf, requestOf, smallAgreement } from "../support/policy-nodes.ts";
import { found, foundInFolder, numberNeedles } from "../support/search.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const TIERS = [{ tier: "A", minScore: 20_000 }, { tier: "B", minScore: 250 }, { tier: "C" }];
/** Exact in the model's integers: every score is `scoreOf`. */
const MODEL = {
  format: "entente-linear/1",
  name: "points",
  version: "1",
  tagKey: "risk:points",
  kind: "linear-regression",
  link: "identity",
  intercept: 0,
  features: [
    { party: "own", column: "limit", weight: 1, standardise: { mean: 0, sd: 1_000 }, clip: [-128, 127], missing: 0 },
    { party: "partner", column: "PAY_0", weight: 0.03125, clip: [-8, 8], missing: 0 },
  ],
  tiers: TIERS.map((tier) => ("minScore" in tier ? { ...tier, minScore: (tier.minScore as number) / 1_000 } : tier)),
};
const MARKED = 350;
const CITIES = ["Shanghai", "Beijing", "", "Xi'an"];

const limitOf = (person: number) => (person === MARKED ? 54_321.765625 : (person % 100) * 10);
const cityOf = (person: number) => CITIES[person % 4] as string;
const payOf = (person: number) => ((person * 3) % 9) - 2;
/** The own column is read to 1/256 of its deviation. */
const scoreOf = (person: number) => Math.floor((limitOf(person) / 1_000) * 256 + 0.5) / 256 + payOf(person) / 32;
const tierOf = (score: number) =>
  MODEL.tiers.find((tier) => !("minScore" in tier) || score >= (tier.minScore as number))?.tier;
const SHARED = range(300, 600);

type JobWish = Parameters<typeof requestOf>[0];

let nodes: TwoNodes;
let commitment: string;

beforeAll(async () => {
  nodes = await TwoNodes.start();
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 600), { limit: limitOf, city: cityOf }),
    bureau: await writePeople(join(data, "bureau.csv"), range(300, 900), REPAYMENTS),
  });
  commitment = toHex(await nodes.bank.connected.vault.commitTo("tiers", MODEL.tiers as never));
});
afterAll(() => nodes.close());

let titles = 0;
async function agree(operation: Record<string, unknown>, changes: Record<string, unknown> = {}): Promise<Digest> {
  const { operations } = smallAgreement() as { operations: object[] };
  const budgets = { runsPerEpoch: 1000, runsPerDay: 1000, scoresPerModelVersion: 1000, modelVersionsPerEpoch: 1000 };
  const changed = operations.map((item, i) => (i === 1 ? { ...item, ...operation } : item));
  return nodes.agree(smallAgreement({ title: `Outputs ${++titles}`, budgets, operations: changed, ...changes }));
}

function scoreWish(agreement: Digest, output: Output, changes: object = {}): JobWish {
  return {
    agreement,
    operation: "score",
    output,
    model: MODEL,
    tag: { key: "risk:points", expiresInDays: 30 },
    ...changes,
  } as JobWish;
}

interface Ran {
  readonly job: Job;
  /** By subject and key. */
  readonly tags: readonly Tag[];
}

async function run(wish: JobWish): Promise<Ran> {
  const { bank } = await nodes.run(requestOf(wish));
  const tags: Tag[] = [];
  for await (const tag of nodes.bank.store.tags({ now: nodes.bank.clock.now(), jobId: bank.jobId })) tags.push(tag);
  return { job: bank, tags };
}

async function refusalOf(wish: JobWish): Promise<string> {
  const before = (await nodes.bank.book.list()).length;
  const error = await startJob(nodes.bank.connected, requestOf(wish), "analyst").catch(toEntenteError);
  expect(await nodes.bank.book.list()).toHaveLength(before);
  return "code" in error ? `${error.code} ${error.detail}` : "accepted";
}

const subjectOf = (person: number) => `+86${phoneOf(person)}`;
function byPerson(tags: readonly Tag[], key = "risk:points"): ReadonlyMap<string, Tag> {
  return new Map(tags.filter((tag) => tag.key === key).map((tag) => [tag.subject, tag]));
}

async function receiptOf(jobId: string) {
  for (const { event, statement } of await entriesOf(nodes.bank))
    if (event === "receipt" && statement.predicate.job.jobId === jobId) return statement.predicate;
  throw new Error("no receipt");
}

/** What is finer than a tier of the marked person's score. */
const NEEDLES = [scoreOf(MARKED), scoreOf(MARKED) * 1_000].flatMap(numberNeedles);

describe("a tier", () => {
  const rules = [
    "tier = A and limit > 50000 -> risk:review",
    'tier in (B, C) and city = "Xi\'an" -> marketing:far',
    'not (city = Shanghai or city != Shanghai) -> marketing = "no city"',
    "tier = C and city = Shanghai -> risk:points = shown",
  ];
  let agreement: Digest;
  let ran: Ran;
  beforeAll(async () => {
    agreement = await agree({ outputs: ["tier"], tiers: commitment });
    ran = await run(scoreWish(agreement, "tier", { rules }));
  });

  test("is all that is kept, with the tags that rules make of it and of the own columns", () => {
    expect(ran.job).toMatchObject({ state: "done", summary: { matched: 300 } });
    const tiers = byPerson(ran.tags);
    expect([...tiers.keys()].sort()).toEqual(SHARED.map(subjectOf));
    for (const person of SHARED) {
      const tier = tierOf(scoreOf(person));
      const own = tiers.get(subjectOf(person));
      // The rule's tag before the job's own, of one key.
      expect(own).toMatchObject({ value: tier === "C" && cityOf(person) === "Shanghai" ? "shown" : tier, score: null });
    }
    const holders = (key: string, value: string) =>
      ran.tags.filter((tag) => tag.key === key && tag.value === value).map((tag) => tag.subject);
    expect(holders("risk", "review")).toEqual([subjectOf(MARKED)]);
    expect(holders("marketing", "far")).toEqual(SHARED.filter((person) => cityOf(person) === "Xi'an").map(subjectOf));
    expect(holders("marketing", "no city")).toEqual(SHARED.filter((person) => cityOf(person) === "").map(subjectOf));
    const counts: Record<string, number> = {};
    for (const { key, value } of ran.tags) counts[`${key}=${value}`] = (counts[`${key}=${value}`] ?? 0) + 1;
    expect(ran.job.summary?.tags).toEqual(counts);
    expect(new Set(ran.tags.map((tag) => tag.score))).toEqual(new Set([null]));
  });

  test("names the model version and the time that the receipt names", async () => {
    const { modelVersion, finishedAt } = await receiptOf(ran.job.jobId);
    for (const { model, scoredAt } of ran.tags)
      expect({ model, scoredAt }).toEqual({ model: modelVersion, scoredAt: finishedAt });
  });

  test("nothing finer lies on a disk, in a log or in an export; an exact score would be found", async () => {
    async function traces(): Promise<string[]> {
      const path = join(nodes.coordinator.folder, "tags.csv");
      await exportTags(nodes.bank.store.tags({ now: nodes.bank.clock.now() }), { format: "csv", path });
      const inFiles = await foundInFolder(nodes.coordinator.folder, NEEDLES, (file) => file.startsWith("data/"));
      return [...Object.keys(inFiles), ...found(Buffer.from(nodes.log.join("")), NEEDLES)].sort();
    }
    expect(await traces()).toEqual([]);
    const exact = await run(scoreWish(await agree({ outputs: ["score"] }), "score"));
    const seen = byPerson(exact.tags);
    for (const person of SHARED) expect(seen.get(subjectOf(person))?.score).toBe(scoreOf(person));
    const names = (await traces()).map((name) => name.replace(/-wal$/, ""));
    expect([...new Set(names)]).toEqual(["bank/node.db", "tags.csv"]);
    await nodes.bank.store.removeTags(exact.job.jobId);
  });

  test("comes by the bounds that the agreement commits to, and what opens the commitment is kept", async () => {
    const opening = await nodes.bank.connected.vault.tiers(commitment);
    expect(opensTiers(fromHex(commitment), opening?.salt as Uint8Array, MODEL.tiers as never)).toBe(true);
    const other = MODEL.tiers.map((tier) => (tier.tier === "B" ? { ...tier, minScore: 0.3 } : tier));
    const wish = (tiers: unknown) => scoreWish(agreement, "tier", { model: { ...MODEL, tiers } });
    expect(await refusalOf(wish(other))).toBe("POLICY_OUTPUT tiers: other bounds than the agreement commits to");
    expect(await refusalOf(wish(undefined))).toBe("MODEL_INVALID tiers: the output is a tier");
    const unknown = await agree({ outputs: ["tier"], tiers: toHex(new Uint8Array(32)) });
    expect(await refusalOf(scoreWish(unknown, "tier"))).toBe(
      "POLICY_OUTPUT tiers: this node did not make the agreement's commitment",
    );
  });

  test("without a commitment its bounds are the bank's to choose", async () => {
    const tiers = [{ tier: "all" }];
    const free = await run(scoreWish(await agree({ outputs: ["tier"] }), "tier", { model: { ...MODEL, tiers } }));
    expect(free.job.summary?.tags).toEqual({ all: 300 });
    expect(await nodes.bank.store.setting(`opening/${free.job.jobId}/tiers`)).toBeUndefined();
    await nodes.bank.store.removeTags(free.job.jobId);
  });

  test("of too few people is withheld, whatever rules there are", async () => {
    await nodes.bank.store.removeTags(ran.job.jobId);
    const floor = await agree(
      { outputs: ["tier"], tiers: commitment },
      { floors: { input: 10, result: 301, sizeRatio: 1_000 } },
    );
    const { job, tags } = await run(scoreWish(floor, "tier", { rules }));
    expect(job).toMatchObject({ state: "done", withheld: true });
    expect([tags, job.summary?.matched, job.summary?.tags]).toEqual([[], undefined, undefined]);
    expect((await leftoversIn(nodes.folder("bank"))).tags).toBe(0);
    expect(await nodes.bank.store.setting(`opening/${job.jobId}/tiers`)).toBeUndefined();
  });
});

test("a rounded score: what is kept, its tier, and what rules see are the multiple of the agreed step", async () => {
  const agreement = await agree({ outputs: ["rounded-score"], rounding: { step: 0.5 } });
  const rules = ["score = 0.5 -> risk:half", "score > 0.5 -> risk:more"];
  const { tags } = await run(scoreWish(agreement, "rounded-score", { rules }));
  const points = byPerson(tags);
  const byRule = byPerson(tags, "risk");
  for (const person of SHARED) {
    const rounded = Math.round(scoreOf(person) / 0.5) * 0.5 + 0;
    expect(points.get(subjectOf(person))).toMatchObject({ score: rounded, value: tierOf(rounded) });
    expect(byRule.get(subjectOf(person))?.value).toBe(rounded === 0.5 ? "half" : rounded > 0.5 ? "more" : undefined);
  }
  expect(await refusalOf(scoreWish(agreement, "score"))).toMatch(/^POLICY_OUTPUT/);
});

describe("an audience with rules", () => {
  test("issues what they say of the own columns, and to the others its own tag or none", async () => {
    const agreement = await agree({});
    const rules = [
      {
        when: { op: ">=", left: { kind: "column", column: "limit" }, right: 500 },
        key: "marketing:joint",
        value: "rich",
      },
      "city in (Shanghai, Beijing) -> marketing:city",
    ];
    const wish = { agreement, operation: "audience", output: "list", rules } as const;
    const { job, tags } = await run({ ...wish, tag: { key: "marketing:joint", value: "yes", expiresInDays: 3 } });
    const rich = SHARED.filter((person) => limitOf(person) >= 500).length;
    expect(job.summary).toMatchObject({
      matched: 300,
      tags: { "marketing:joint=rich": rich, "marketing:joint=yes": 300 - rich, "marketing=city": 150 },
    });
    expect(tags[0]).toMatchObject({ score: null, model: null, scoredAt: null });
    const alone = await run({ ...wish, rules: rules.slice(1), tag: { expiresInDays: 3 } });
    expect(alone.job.summary).toMatchObject({ matched: 300, tags: { "marketing=city": 150 } });
    const days = (Date.parse(alone.tags[0]?.expiresAt ?? "") - Date.parse(alone.tags[0]?.issuedAt ?? "")) / 86_400_000;
    expect(days).toBe(3);
  });

  test("that cannot be is refused before anything runs", async () => {
    const agreement = await agree({});
    const wish = (...rules: unknown[]) => ({ agreement, operation: "audience", rules }) as JobWish;
    for (const [rule, detail] of [
      ["tier = A -> k:v", "0: the model has no tiers"],
      ["score > 1 -> k:v", "0: the output has no score"],
      ["income > 1 -> k:v", "0: no column income"],
      ["phone = 1 -> k:v", "0: no column phone"],
      ["limit = rich -> k:v", "0: limit is a number"],
      ["city > 1 -> k:v", "0: city is a string"],
      ["limit >> 1 -> k:v", "0: at 8: "],
    ] as const)
      expect(await refusalOf(wish(rule)), rule).toMatch(`TAG_RULE_INVALID ${detail}`);
    expect(await refusalOf(wish("limit > 1 -> k:v", { when: {} }))).toMatch("TAG_RULE_INVALID 1.");
    const many = range(0, 1_001).map(String);
    const lists = range(0, 11).map((n) => ({
      op: "in",
      left: { kind: "column", column: "city" },
      right: many.slice(n * 100, n * 100 + 100),
    }));
    expect(await refusalOf(wish({ when: { op: "or", of: lists }, key: "k", value: "v" }))).toBe(
      "TAG_RULE_INVALID city: compared with more than 1000 texts",
    );
    const tier = await agree({ outputs: ["tier"] });
    expect(await refusalOf(scoreWish(tier, "tier", { rules: ["score > 1 -> k:v"] }))).toBe(
      "TAG_RULE_INVALID 0: the output has no score",
    );
    expect(await refusalOf(scoreWish(tier, "tier", { rules: ["tier = Z -> k:v"] }))).toBe(
      "TAG_RULE_INVALID 0: a tier that is not the model's",
    );
    expect(await refusalOf({ ...requestOf({ agreement, output: "match-rate" }), rules: ["limit > 1 -> k:v"] })).toMatch(
      "BAD_REQUEST tag",
    );
    const untold = { agreement, operation: "audience", tag: { expiresInDays: 3 } } as JobWish;
    expect(await refusalOf(untold)).toBe("BAD_REQUEST tag.key");
  });
});
