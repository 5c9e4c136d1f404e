/** A collaboration's logs at one node: what follows what, what is counted over all of them, and what leaves evidence. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { recoverLog } from "../../party/evidence/recovery.ts";
import { SideNotes } from "../../party/evidence/side-notes.ts";
import { RunHistory } from "../../party/policy/run-history.ts";
import { recordExport, tagsCommitmentSetting } from "../../party/tags/exported.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { ABOUT_JOB, AGREEMENT, JOB, testHash } from "../support/evidence-world.ts";
import { collaboration, memoryDisk, noteEntry, type WitnessNode, WitnessWorld } from "../support/witness-world.ts";

let world: WitnessWorld;
let bank: WitnessNode;
beforeEach(async () => {
  world = await WitnessWorld.make();
  bank = await world.start(world.bank);
});
afterEach(() => world.close());

/** One run, taken from the budgets. */
async function charge(jobId: string): Promise<void> {
  await bank.logbook.record(collaboration, "policy-decision", ABOUT_JOB, {
    jobId,
    jobDigest: JOB.jobDigest,
    agreementDigest: AGREEMENT.digest,
    decision: "allowed",
    rules: [],
    charge: {
      operation: "audience",
      output: "list",
      receiver: "bank",
      provider: "partner",
      receiverDataset: "customers",
      providerDataset: "customers",
      modelVersion: null,
      featureBits: null,
      receiverVersion: null,
      providerVersion: null,
    },
    at: bank.logbook.now(),
  });
}

const beginNext = () => bank.logbook.beginNext(collaboration, 2027, () => noteEntry(world.bank, bank.logbook.now()));
const idOf = (n: number) => n.toString(16).padStart(32, "0");

test("a new log does not begin the budgets anew: its runs count on, also after a restart", async () => {
  const { store } = bank.disk;
  const history = new RunHistory({ logbook: bank.logbook, store, macKey: new Uint8Array(32) });
  const runs = async (of = history) => (await of.runs(collaboration)).map(({ jobId }) => jobId);
  await charge(idOf(1));
  expect(await runs()).toEqual([idOf(1)]);
  await beginNext();
  await charge(idOf(2));
  expect(await runs()).toEqual([idOf(1), idOf(2)]);
  await beginNext();
  expect(await runs()).toEqual([idOf(1), idOf(2)]);
  bank = await world.start(world.bank, bank.disk);
  expect(await runs(new RunHistory({ logbook: bank.logbook, store, macKey: new Uint8Array(32) }))).toEqual([
    idOf(1),
    idOf(2),
  ]);
  expect((await bank.logbook.logs(collaboration)).map(({ origin }) => origin.split("/")[2])).toEqual([
    "2026",
    "2027",
    "2027-2",
  ]);
});

test("each file call of beginning a new log fails in turn: entries go to one log or the other, and none is lost", async () => {
  for (const persisted of [false, true]) {
    for (let call = 1; ; call++) {
      const disk = memoryDisk();
      bank = await world.start(world.bank, disk);
      await bank.note();
      disk.files.arm({ call, persisted, forGood: true });
      await beginNext().catch(() => undefined);
      const reached = disk.files.disarm();
      bank = await world.start(world.bank, disk);
      await bank.note();
      const sizes = (await bank.logbook.logs(collaboration)).map(({ size }) => size);
      expect([[2], [1, 2]], `call ${call}`).toContainEqual(sizes);
      if (!reached) break;
      await beginNext();
      await bank.note();
      expect((await bank.logbook.log(collaboration)).origin).toMatch(/2027(?:-2)?$/);
    }
  }
});

test("only a log that is forked is begun anew", async () => {
  await bank.note();
  await expect(recoverLog({ logbook: bank.logbook, clock: world.clock }, collaboration)).rejects.toMatchObject({
    code: "BAD_REQUEST",
  });
});

test("an export of tags is in evidence for each of its jobs before it is handed out, to whom only as a commitment", async () => {
  const { store } = bank.disk;
  const sideNotes = new SideNotes({ store, random: nodePorts.random, key: new Uint8Array(32) });
  const book = { require: async () => ({ proposed: { collaboration, jobDigest: JOB.jobDigest } }) } as never;
  const deps = { store, book, logbook: bank.logbook, sideNotes };
  const jobIds = [idOf(1), idOf(2), idOf(3)];
  for (const jobId of jobIds.slice(0, 2))
    await store.putSetting(tagsCommitmentSetting(jobId), testHash(`tags ${jobId}`));
  await recordExport(deps, { jobIds, person: "Ada", format: "csv", destination: "call centre" });
  const log = await bank.logbook.log(collaboration);
  const seen = [];
  for await (const entry of log.entriesFrom(0)) {
    const { event, statement } = parseStatement(entry);
    if (event !== "tags-exported") throw new Error(event);
    expect(new TextDecoder().decode(entry)).not.toMatch(/Ada|call/);
    const { jobId, tagsCommitment, destination } = statement.predicate;
    seen.push([jobId, tagsCommitment]);
    expect(JSON.parse((await sideNotes.get(destination))?.text ?? "")).toEqual({
      person: "Ada",
      format: "csv",
      destination: "call centre",
    });
  }
  expect(seen).toEqual(jobIds.slice(0, 2).map((jobId) => [jobId, testHash(`tags ${jobId}`)]));
});
