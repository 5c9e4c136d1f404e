/** Segments in jobs between two nodes: the bank's own stay there, the bureau's are asked for by name and version. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { decideJob, describeJob } from "../../party/jobs/approvals.ts";
import { dryRun } from "../../party/jobs/dry-run.ts";
import type { Node } from "../../party/node.ts";
import { CATALOGUE, toEntenteError } from "../../proto/errors.ts";
import type { SegmentDefinitionInput } from "../../proto/http/segment-routes.ts";
import type { Digest } from "../../proto/ids.ts";
import { phoneOf, range } from "../support/people.ts";
import {
  auditOf,
  begin,
  entriesOf,
  ignorePolicy,
  outcomeAtBank,
  requestOf,
  STEWARD,
  smallAgreement,
  startWithLists,
  stateOf,
  subjectsOf,
  Times,
  untilEnded,
  withApproval,
} from "../support/policy-nodes.ts";
import type { TwoNodes } from "../support/two-nodes.ts";

const EPOCH_DAYS = 3;
/** Stands in a definition and nowhere else. */
const MARK = "sEcReT-7731";
const times = new Times();
let nodes: TwoNodes;
let titles = 0;

/** The bank has 0 to 199, the bureau 100 to 299, each with n. */
beforeAll(async () => {
  const bureauColumns = { n: (person: number) => person };
  ({ nodes } = await startWithLists(times, { bank: range(0, 200), bureau: range(100, 300), bureauColumns }));
});
beforeEach(() => times.nextEpoch(EPOCH_DAYS));
afterEach(() => vi.restoreAllMocks());
afterAll(() => nodes.close());

function agree(changes: Record<string, unknown> = {}): Promise<Digest> {
  const budgets = { runsPerEpoch: 1000, runsPerDay: 1000, epochDays: EPOCH_DAYS };
  return nodes.agree(smallAgreement({ title: `Segments ${++titles}`, budgets, ...changes }));
}

const sql = (expression: string): SegmentDefinitionInput => ({ kind: "sql", expression });

async function publish(name: string, definition: SegmentDefinitionInput) {
  const { version } = await nodes.bureau.segments.define({ name, dataset: "repayments", definition }, "Bea");
  await nodes.bureau.segments.publish({ name, version }, { description: `What is in ${name}`, to: ["bank"] });
  return { name, version };
}

async function defineOwn(name: string, definition: SegmentDefinitionInput) {
  const { version } = await nodes.bank.segments.define({ name, dataset: "customers", definition }, "Ada");
  return { name, version };
}

type Wish = Parameters<typeof requestOf>[0];

/** People in the result, ascending. */
async function found(wish: Wish): Promise<number[]> {
  const { jobId, finished } = await begin(nodes, wish);
  await finished;
  const [job, theirs] = [await nodes.bank.book.require(jobId), await untilEnded(nodes.bureau, jobId)];
  expect([stateOf(job), stateOf(theirs)]).toEqual(["done", "done"]);
  const people: number[] = [];
  const at = Number(phoneOf(0));
  for await (const { subject } of nodes.bank.store.tags({ now: nodes.bank.clock.now(), jobId }))
    people.push(Number(subject.slice(3)) - at);
  return people.sort((a, b) => a - b);
}

describe("a result", () => {
  test("is of both sides' segments, each by its own node's definition", async () => {
    const agreement = await agree();
    const peerSegment = await publish("adults", sql("n < 160"));
    const ids = [...range(120, 150), 110, 500].map((person) => `139 ${phoneOf(person).slice(3)}`);
    await defineOwn("listed", { kind: "list", ids });
    await defineOwn("odd", {
      kind: "rule",
      rule: { not: { column: "n", op: "in", value: range(0, 100).map((i) => 2 * i) } },
    });
    await defineOwn("both", { kind: "derived", expression: "listed and odd" });
    const odd = range(120, 150).filter((person) => person % 2 === 1);
    expect(await found({ agreement, peerSegment, segment: { name: "both" } })).toEqual(odd);
    expect(await found({ agreement, peerSegment })).toEqual(range(100, 160));
    expect(await found({ agreement, segment: { name: "listed" } })).toEqual([110, ...range(120, 150)]);
  });

  test("goes on from who was tagged", async () => {
    const agreement = await agree();
    const tag = { key: "marketing:first", value: "hot", expiresInDays: 30 };
    await defineOwn("few", sql("n >= 130 and n < 160"));
    await found({ agreement, segment: { name: "few" }, tag });
    await defineOwn("hot", { kind: "tier", key: "marketing:first", values: ["hot"] });
    expect((await nodes.bank.segments.count("hot")).people).toBe(30);
    await defineOwn("rest", { kind: "derived", expression: "few minus hot" });
    expect((await nodes.bank.segments.count("rest")).people).toBe(0);
    const peerSegment = await publish("some", sql("n >= 140"));
    expect(await found({ agreement, segment: { name: "hot" }, peerSegment })).toEqual(range(140, 160));
  });
});

describe("asking for a segment that", () => {
  test("is not published, or not any more, is refused by who must act", async () => {
    const agreement = await agree();
    const peerSegment = await publish("gone", sql("n < 200"));
    const { name } = peerSegment;
    const asked = (version: number, other = name) =>
      outcomeAtBank(nodes, { agreement, peerSegment: { name: other, version } });
    expect(await asked(1)).toBe("done");
    expect(await asked(2)).toBe("SEGMENT_VERSION");
    await nodes.bureau.segments.define({ name, dataset: "repayments", definition: sql("n < 150") }, "Bea");
    expect([await asked(1), await asked(2)]).toEqual(["done", "SEGMENT_VERSION"]);
    await nodes.bureau.segments.publish({ name, version: 2 }, { description: "Fewer", to: ["bank"] });
    expect([await asked(1), await asked(2)]).toEqual(["SEGMENT_VERSION", "done"]);
    await nodes.bureau.segments.publish({ name, version: 2 }, { description: "Fewer", to: ["another-bank"] });
    expect(await asked(2)).toBe("SEGMENT_UNPUBLISHED");
    const shown = (await nodes.bank.peerDatasets("bureau")).flatMap(({ segments }) => segments);
    expect(shown.filter((segment) => segment.name === name)).toEqual([]);
    await nodes.bureau.segments.unpublish(name);
    expect([await asked(2), await asked(1, "never-there")]).toEqual(["SEGMENT_UNPUBLISHED", "SEGMENT_UNPUBLISHED"]);
    expect([CATALOGUE.SEGMENT_UNPUBLISHED.who, CATALOGUE.SEGMENT_VERSION.who]).toEqual(["peer", "caller"]);
  });

  test("cannot be read by the bureau any more is the bureau's trouble, and its reason stays there", async () => {
    const agreement = await agree();
    const peerSegment = await publish("broken", sql(`n < 200 and n <> 7731`));
    vi.spyOn(nodes.bureau.segments, "resolve").mockImplementation(async () => {
      throw toEntenteError(Object.assign(new Error(MARK)));
    });
    expect(await outcomeAtBank(nodes, { agreement, peerSegment })).toBe("PEER_FAILED");
  });

  test("the agreement does not name is refused", async () => {
    const { operations } = smallAgreement() as { operations: object[] };
    const agreement = await agree({ operations: operations.map((item) => ({ ...item, segments: ["adults"] })) });
    const adults = await publish("adults", sql("n < 160"));
    const others = await publish("others", sql("n < 180"));
    expect(await outcomeAtBank(nodes, { agreement, peerSegment: adults })).toBe("done");
    expect(await outcomeAtBank(nodes, { agreement, peerSegment: others })).toBe("POLICY_SEGMENT");
    expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_SEGMENT");
  });
});

describe("the bureau's floor is of who takes part", () => {
  test.each([
    [39, "POLICY_INPUT_FLOOR"],
    [40, "done"],
    [41, "done"],
  ])("%i people", async (people, outcome) => {
    const agreement = await agree({ floors: { input: 40 } });
    const peerSegment = await publish("floor", sql(`n < ${100 + people}`));
    expect(await outcomeAtBank(nodes, { agreement, peerSegment })).toBe(outcome);
    const [job] = await nodes.bureau.book.list();
    expect(job?.proposed.ownRows).toBe(people);
  });
});

describe("match rates over the bureau's segments", () => {
  const rate = (agreement: Digest, peerSegment?: { name: string; version: number }) =>
    outcomeAtBank(nodes, { agreement, output: "match-rate", ...(peerSegment && { peerSegment }) });

  test.each([
    [1, "POLICY_DIFFERENCE"],
    [49, "POLICY_DIFFERENCE"],
    [50, "done"],
    [51, "done"],
  ])("%i people fewer than everybody: %s", async (fewer, outcome) => {
    const agreement = await agree();
    const some = await publish("some", sql(`n >= ${100 + fewer}`));
    expect([await rate(agreement), await rate(agreement, some)]).toEqual(["done", outcome]);
    times.nextEpoch(EPOCH_DAYS);
    expect([await rate(agreement, some), await rate(agreement)]).toEqual(["done", outcome]);
  });

  test("another version, or another name, is told apart as little; the same people are not two lists", async () => {
    const agreement = await agree();
    const first = await publish("near", sql("n < 250"));
    const ids = [...range(100, 250)].map((person) => phoneOf(person));
    const same = await publish("same", { kind: "list", ids });
    const other = await publish("other", sql("n < 250 and n <> 150"));
    expect([await rate(agreement, first), await rate(agreement, same)]).toEqual(["done", "done"]);
    expect(await rate(agreement, other)).toBe("POLICY_DIFFERENCE");
    const later = await publish("near", sql("n < 249"));
    expect(await rate(agreement, later)).toBe("POLICY_DIFFERENCE");
    await nodes.restart("bureau");
    expect(await rate(agreement, later)).toBe("POLICY_DIFFERENCE");
    expect(await rate(agreement, same)).toBe("done");
  });

  test("nor when both are approved later", async () => {
    const agreement = await agree(withApproval("automatic", "every-run"));
    const some = await publish("some", sql("n < 299"));
    const jobs = [
      await begin(nodes, { agreement, output: "match-rate" }),
      await begin(nodes, { agreement, output: "match-rate", peerSegment: some }),
    ];
    const ended: string[] = [];
    for (const { jobId } of jobs) await untilWaiting(nodes.bureau, jobId);
    for (const { jobId } of jobs) {
      await decideJob(nodes.bureau.connected, { jobId, isApproved: true, person: STEWARD });
      ended.push(stateOf(await untilEnded(nodes.bureau, jobId)));
    }
    expect(ended).toEqual(["done", "POLICY_DIFFERENCE"]);
  });
});

async function untilWaiting(node: Node, jobId: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const job = await node.book.require(jobId).catch(() => undefined);
    if (job !== undefined && stateOf(job) === "waiting") return;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error("the job does not wait");
}

describe("what is known of it", () => {
  test("the approver is shown the segment, and the auditor finds it so", async () => {
    const agreement = await agree(withApproval("automatic", "every-run"));
    const peerSegment = await publish("shown", sql("n < 200"));
    const { statement: foretold } = await dryRun(nodes.bank.connected, requestOf({ agreement, peerSegment }));
    expect(foretold.parts.youLearn).toContain(`theirs and in its segment "shown" (version 1)`);
    const { jobId, finished } = await begin(nodes, { agreement, peerSegment });
    await untilWaiting(nodes.bureau, jobId);
    const { statement } = await describeJob(nodes.bureau.connected, await nodes.bureau.book.require(jobId));
    expect(statement.parts.peerLearns).toContain(`yours and in your segment "shown" (version 1)`);
    await nodes.restart("bureau");
    await decideJob(nodes.bureau.connected, { jobId, isApproved: true, person: STEWARD });
    await finished;
    expect(stateOf(await untilEnded(nodes.bank, jobId))).toBe("done");
    for (const node of [nodes.bank, nodes.bureau]) {
      const told = (await entriesOf(node)).flatMap(({ event, statement: { predicate } }) => {
        const text = JSON.stringify(predicate);
        return text.includes(jobId) && text.includes('"providerSegment":{"name":"shown","version":1}') ? [event] : [];
      });
      expect(told).toEqual(["policy-decision", "receipt"]);
    }
    await untilEnded(nodes.bureau, jobId);
    const audit = async () => expect(await auditOf([nodes.bank, nodes.bureau])).toMatchObject({ verdict: "verified" });
    await vi.waitFor(audit, { timeout: 20_000, interval: 250 });
  });

  test("a peer sees names, versions and descriptions of what is published, and nothing else of any definition", async () => {
    const agreement = await agree();
    const before = nodes.log.length;
    const peerSegment = await publish("hidden", sql(`n < 200 and n <> 7731 and '${MARK}' <> ''`));
    await publish("ids", { kind: "list", ids: [phoneOf(7_731_000), ...range(100, 200).map(phoneOf)] });
    await nodes.bureau.segments.define({ name: "own", dataset: "repayments", definition: sql("n < 2") }, "Bea");
    const [described] = await nodes.bank.peerDatasets("bureau");
    const names = described?.segments.map(({ name }) => name) ?? [];
    expect(names).toEqual(expect.arrayContaining(["hidden", "ids"]));
    expect(names).not.toContain("own");
    expect(described?.segments.find(({ name }) => name === "hidden")).toEqual({
      ...peerSegment,
      description: "What is in hidden",
    });
    await defineOwn("mine", sql(`n < 200 and '${MARK}2' <> ''`));
    await found({ agreement, peerSegment, segment: { name: "mine" } });
    await found({ agreement, peerSegment: { name: "ids", version: 1 } });
    const secrets = [MARK, "7731", phoneOf(7_731_000)];
    for (const line of nodes.log.slice(before))
      for (const secret of secrets) expect(line.includes(secret), secret).toBe(false);
    for (const party of ["bank", "bureau"] as const)
      for (const file of await readdir(nodes.folder(party), { recursive: true, withFileTypes: true })) {
        if (!file.isFile()) continue;
        const bytes = await readFile(join(file.parentPath, file.name));
        expect([file.name, bytes.includes(MARK), bytes.includes("mine") && party === "bureau"]).toEqual([
          file.name,
          false,
          false,
        ]);
      }
    expect((await subjectsOf(nodes.bank)).length).toBeGreaterThan(0);
  });
});

describe("people who change while a job waits", () => {
  test("at the bank end it: it would be of others than were decided on", async () => {
    const agreement = await agree(withApproval("every-run", "automatic"));
    const first = await agree();
    const tag = { key: "marketing:wait", value: "x", expiresInDays: 30 };
    await defineOwn("wait", sql("n >= 130 and n < 160"));
    await found({ agreement: first, segment: { name: "wait" }, tag });
    await defineOwn("tagged", { kind: "tier", key: "marketing:wait" });
    const [stays, changes] = [
      await begin(nodes, { agreement, segment: { name: "tagged" } }),
      await begin(nodes, { agreement, segment: { name: "tagged" } }),
    ];
    // What it was asked with stays, whatever the name means by now.
    await defineOwn("tagged", sql("n < 1"));
    await nodes.restart("bank");
    await decideJob(nodes.bank.connected, { jobId: stays.jobId, isApproved: true, person: STEWARD });
    expect(stateOf(await untilEnded(nodes.bank, stays.jobId))).toBe("done");
    await found({ agreement: first, filter: "n >= 160 and n < 180", tag });
    const late = decideJob(nodes.bank.connected, { jobId: changes.jobId, isApproved: true, person: STEWARD });
    expect(await late.catch((error: unknown) => toEntenteError(error).code)).toBe("SEGMENT_CHANGED");
    expect(stateOf(await untilEnded(nodes.bank, changes.jobId))).toBe("SEGMENT_CHANGED");
  });
});

/** Last: no auditor finds what the bank's node does here in order. */
test("a bank whose node ignores its policy is refused another segment than was agreed on by the bureau's", async () => {
  const { operations } = smallAgreement() as { operations: object[] };
  const agreement = await agree({ operations: operations.map((item) => ({ ...item, segments: ["adults"] })) });
  const others = await publish("others", sql("n < 180"));
  ignorePolicy(nodes.bank);
  expect(await outcomeAtBank(nodes, { agreement, peerSegment: others })).toBe("POLICY_SEGMENT");
  expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_SEGMENT");
});
