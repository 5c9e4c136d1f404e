/** People who have opted out take part in no run, at either node, and have no tag. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { Digest } from "../../proto/ids.ts";
import { phoneOf, REPAYMENTS, range, writePeople } from "../support/people.ts";
import { begin, eventsOf, rateOf, smallAgreement, stateOf, subjectsOf, untilEnded } from "../support/policy-nodes.ts";
import { startIdealWorker } from "../support/policy-worker.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const BUDGETS = { runsPerEpoch: 1000, runsPerDay: 1000, epochDays: 30 };
let nodes: TwoNodes;
let agreement: Digest;
const id = (person: number) => `+86${phoneOf(person)}`;

beforeAll(async () => {
  nodes = await TwoNodes.start({ startWorker: startIdealWorker });
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 200), { n: (person) => person }),
    bureau: await writePeople(join(data, "bureau.csv"), range(100, 300), REPAYMENTS),
  });
  agreement = await nodes.agree(smallAgreement({ title: "Opt-outs", budgets: BUDGETS }));
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => nodes.close());

async function ran(wish: Parameters<typeof begin>[1] = { agreement }) {
  const { jobId, finished } = await begin(nodes, wish);
  await finished;
  return { bank: await untilEnded(nodes.bank, jobId), bureau: await untilEnded(nodes.bureau, jobId) };
}

test("before a run at the receiver: the person is in neither list nor result, and the tag of before is gone", async () => {
  expect((await ran()).bank.summary?.matched).toBe(100);
  expect(await subjectsOf(nodes.bank)).toContain(id(150));
  const added = await nodes.bank.optOuts.add("phone-e164", [` ${phoneOf(150)}`, "nobody"], "Ada");
  expect(added).toEqual({ added: 1, withdrawnTags: 1, rejected: [{ index: 1, reason: "id-characters" }] });
  expect(await subjectsOf(nodes.bank)).not.toContain(id(150));
  const { bank } = await ran();
  expect([bank.proposed.ownRows, bank.summary?.matched]).toEqual([199, 99]);
  expect(await subjectsOf(nodes.bank)).toHaveLength(99);
  await nodes.restart("bank");
  expect((await ran()).bank.summary?.matched).toBe(99);
});

test("before a run at the provider: its list is shorter, and its version another one to the peer", async () => {
  const before = (await ran()).bureau.proposed;
  await nodes.bureau.optOuts.add("phone-e164", [phoneOf(151), phoneOf(999)], "Bo");
  const { bank, bureau } = await ran();
  expect([bureau.proposed.ownRows, bank.summary?.matched]).toEqual([199, 98]);
  expect(bureau.proposed.versionTag).not.toBe(before.versionTag);
  expect(bureau.proposed.datasetVersion).toBe(before.datasetVersion);
  expect(await nodes.bureau.optOuts.remove("phone-e164", [phoneOf(151), phoneOf(999)])).toBe(2);
  expect((await ran()).bureau.proposed.versionTag).toBe(before.versionTag);
});

test("one opt-out between two match rates does not tell whether that person matched", async () => {
  expect(stateOf((await ran(rateOf(agreement))).bank)).toBe("done");
  await nodes.bank.optOuts.add("phone-e164", [phoneOf(160)], "Ada");
  await expect(begin(nodes, rateOf(agreement))).rejects.toMatchObject({ code: "POLICY_DIFFERENCE" });
});

test("while a job runs: it goes on with the list that it has committed to, and issues that person no tag", async () => {
  const { store, optOuts } = nodes.bank;
  const putTags = store.putTags.bind(store);
  let isFirst = true;
  vi.spyOn(store, "putTags").mockImplementation(async (...part) => {
    if (isFirst) await optOuts.add("phone-e164", [phoneOf(170)], "Ada");
    isFirst = false;
    return putTags(...part);
  });
  const { bank } = await ran();
  expect(stateOf(bank)).toBe("done");
  expect(isFirst).toBe(false);
  expect(await subjectsOf(nodes.bank)).not.toContain(id(170));
  expect(await subjectsOf(nodes.bank)).toContain(id(171));
});

test("between a job's offer and its first attempt at the provider: it ends, and says so", async () => {
  const { optOuts, connected } = nodes.bureau;
  const require = connected.datasets.require.bind(connected.datasets);
  let calls = 0;
  vi.spyOn(connected.datasets, "require").mockImplementation(async (name) => {
    if (++calls === 2) await optOuts.add("phone-e164", [phoneOf(180)], "Bo");
    return require(name);
  });
  const { jobId, finished } = await begin(nodes, { agreement });
  await finished;
  expect((await untilEnded(nodes.bank, jobId)).reason?.code).toBe("DATASET_CHANGED");
});

test("a batch knows where it comes from, and a definition binds the next job before the peer hears of it", async () => {
  const { catalogue, store } = nodes.bank;
  await ran();
  const [batch] = await store.tagBatches();
  expect(batch).toMatchObject({ key: "marketing:joint", agreement, state: "in-force" });
  expect(JSON.parse(batch?.lineage ?? "")).toMatchObject({
    ...{ operation: "audience", requestedBy: "Ada", dataset: "customers", peer: "bureau", peerDataset: "repayments" },
    peerVersion: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(await catalogue.list()).toMatchObject([{ key: "marketing:joint", kind: "marketing", isDeclared: false }]);
  const none = { owner: null, purpose: null, agreement: null, description: null };
  const definition = {
    key: "marketing:joint",
    kind: "marketing",
    valueType: ["hot", "cold"],
    ttlDays: 7,
    ...none,
  } as const;
  await catalogue.define({ ...definition, valueType: [...definition.valueType] }, { person: "Ada", mayReplace: true });
  const jobs = (await nodes.bureau.book.list()).length;
  await expect(begin(nodes, { agreement })).rejects.toMatchObject({ code: "TAG_CATALOGUE" });
  expect(await nodes.bureau.book.list()).toHaveLength(jobs);
  await catalogue.define({ ...definition, valueType: ["yes"] }, { person: "Ada", mayReplace: true });
  await ran();
  const [next] = await store.tagBatches();
  const days = (Date.parse(next?.expiresAt ?? "") - Date.parse(next?.issuedAt ?? "")) / 86_400_000;
  expect(days).toBe(7);
});

test("a revocation and an opt-out reach a feed, and evidence has what left", async () => {
  const { feeds, optOuts, connected } = nodes.bank;
  const folder = join(nodes.coordinator.folder, "feed");
  const tag = { key: "marketing:fed", value: "yes", expiresInDays: 30 };
  const other = await nodes.agree(smallAgreement({ title: "To be revoked", budgets: BUDGETS }));
  const { bank } = await ran({ agreement: other, tag });
  const people = bank.summary?.matched as number;
  const target = { kind: "csv", folder, forSpreadsheet: false } as const;
  await feeds.add("crm", { target, keys: [tag.key] }, "Ola");
  expect(await feeds.run("crm", "full", "Ada")).toMatchObject({ written: people, ended: 0 });
  expect(await eventsOf(nodes.bank, bank.jobId)).toContain("tags-exported");
  await optOuts.add("phone-e164", [phoneOf(190)], "Ada");
  expect(await feeds.run("crm", "since-last", "Ada")).toMatchObject({ written: 0, ended: 1 });
  await connected.revocations.revoke(other);
  expect(await feeds.run("crm", "since-last", "Ada")).toMatchObject({ written: 0, ended: people - 1 });
  expect(await feeds.run("crm", "full", "Ada")).toMatchObject({ written: 0, ended: 0 });
  expect((await readFile(join(folder, "crm.csv"), "utf8")).split("\r\n")).toHaveLength(2);
});

test("neither log nor disk has a plain id of the list", async () => {
  await nodes.bank.optOuts.add("email", ["planted-mark@example.com"], "Ada");
  expect(await nodes.bank.optOuts.counts()).toMatchObject([{ form: "email", count: 1 }, { count: 4 }]);
  const page = await nodes.bank.optOuts.page("email", { limit: 10 });
  expect(page).toMatchObject({ entries: [{ id: "planted-mark@example.com", person: "Ada" }], next: null });
  const rows = await nodes.bank.store.optOuts("email");
  expect(Buffer.from(rows[0]?.sealed ?? []).includes("planted-mark")).toBe(false);
  expect(nodes.log.join("\n")).not.toContain("planted-mark");
});
