/** Two nodes that are each other's witness between jobs, one of which is not always honest, or not always what it was. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ownerOf } from "../../party/evidence/cosigning.ts";
import { recoverLog, resumeCollaboration } from "../../party/evidence/recovery.ts";
import { ControlClient } from "../../party/session/control.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { WireLogOffer } from "../../proto/codec/session-messages.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { verifyCosignedHead } from "../../proto/evidence/cosignature.ts";
import { checkFork, parseFork } from "../../proto/evidence/fork.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { encodeNote } from "../../proto/evidence/note.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { collaboration, memoryDisk, noteEntry, type WitnessNode, WitnessWorld } from "../support/witness-world.ts";

let world: WitnessWorld;
let bank: WitnessNode;
let partner: WitnessNode;
beforeEach(async () => {
  world = await WitnessWorld.make();
  bank = await world.start(world.bank);
  partner = await world.start(world.partner);
});
afterEach(() => world.close());

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | "done"> {
  return work.then(
    () => "done",
    (error: unknown) => toEntenteError(error).code,
  );
}

async function events(node: WitnessNode): Promise<string[]> {
  const all: string[] = [];
  for (const log of await node.logbook.logs(collaboration))
    for await (const entry of log.entriesFrom(0)) all.push(parseStatement(entry).event);
  return all;
}

const stateOf = async (node: WitnessNode) => (await node.logbook.standings.of(collaboration)).state;
const exchange = (node: WitnessNode) =>
  node.witnessing.exchange(collaboration, node === bank ? world.partner.name : world.bank.name);

describe("honest", () => {
  test("one exchange has both logs cosigned, and appends nothing", async () => {
    for (let i = 0; i < 3; i++) await bank.note();
    await partner.note();
    await exchange(bank);
    const [ours, theirs] = [await bank.logbook.log(collaboration), await partner.logbook.log(collaboration)];
    expect([ours.lastCosigned()?.head, theirs.lastCosigned()?.head]).toEqual([ours.head, theirs.head]);
    expect([ours.size, theirs.size]).toEqual([3, 1]);
    expect(await bank.witness.state(ownerOf({ peer: world.partner.peer, collaboration }))).toMatchObject({ size: 1 });
    await bank.note();
    await exchange(partner);
    await exchange(partner);
    expect(ours.lastCosigned()?.head.size).toBe(4);
    expect([await stateOf(bank), await stateOf(partner)]).toEqual(["open", "open"]);
  });

  test("while a job cosigns, an exchange gives way at once, at either end", async () => {
    await bank.note();
    await partner.note();
    for (const busy of [bank, partner]) {
      let free: () => void = () => undefined;
      const job = busy.logbook.inTurn(collaboration, () => new Promise<void>((go) => (free = go)));
      expect(await codeOf(exchange(bank))).toBe("OVERLOADED");
      free();
      await job;
    }
    await exchange(bank);
  });

  test("what is due is kept up: the coordinator's log, too, and then nothing more is asked", async () => {
    await bank.note();
    await partner.note();
    await world.coordinatorLog.append([utf8("a receipt"), utf8("another")]);
    await bank.witnessing.keepUp();
    const log = await bank.logbook.log(collaboration);
    expect(log.lastCosigned()?.head).toEqual(log.head);
    expect(world.coordinatorLog.lastCosigned()?.head.size).toBe(2);
    expect(await bank.witness.hasCosigned(world.coordinatorLog.head)).toBe(true);
    world.isPeerAway = true;
    await world.coordinatorLog.append([utf8("a third")]);
    await bank.witnessing.keepUp();
    expect(world.coordinatorLog.lastCosigned()?.head.size).toBe(2);
    await bank.note();
    await bank.witnessing.keepUp();
    expect(world.coordinatorLog.lastCosigned()?.head.size).toBe(3);
  });

  test("a collaboration that is none of the peer's is not found", async () => {
    const client = new ControlClient(await world.openControl(world.bank));
    expect(await codeOf(client.witness("00".repeat(16) as never, { origin: "", size: 0 }))).toBe("NOT_FOUND");
  });

  test("a new year's log begins with the last cosigned head of the old one, and the witness follows", async () => {
    await bank.note();
    await partner.note();
    await exchange(bank);
    const old = await bank.logbook.log(collaboration);
    world.nowMs = Date.parse("2027-01-01T00:00:01.000Z");
    world.isBusy = true;
    await exchange(bank);
    expect((await bank.logbook.log(collaboration)).origin).toBe(old.origin);
    world.isBusy = false;
    await exchange(bank);
    const next = await bank.logbook.log(collaboration);
    expect(next.origin).toBe(`bank/${collaboration}/2027`);
    expect(await events(bank)).toEqual(["failed", "log-continued"]);
    const first = parseStatement(await next.entry(0));
    if (first.event !== "log-continued") throw new Error(first.event);
    expect(first.statement.predicate.previous).toMatchObject(old.head);
    expect(verifyCosignedHead(first.statement.predicate.previous, world.partner.peer.key("cosigner"))).toBe(true);
    await exchange(bank);
    expect(next.lastCosigned()?.head).toEqual(next.head);
    await bank.note();
    await exchange(partner);
    expect(next.lastCosigned()?.head.size).toBe(2);
    // And after a restart it is the one in use.
    const again = await world.start(world.bank, bank.disk);
    expect((await again.logbook.log(collaboration)).head).toEqual(next.head);
    expect(await stateOf(again)).toBe("open");
  });
});

/** Another history under the partner's own key, and what it offers of it to a witness that knows `oldSize`. */
async function rewritten(entries: readonly Uint8Array[], oldSize: number): Promise<WireLogOffer> {
  const { origin } = await partner.logbook.log(collaboration);
  const options = { files: new MemoryFiles(), folder: "/other", origin, key: world.partner.keys.log };
  const log = await EvidenceLog.open(options);
  await log.append(entries);
  const isLonger = oldSize > 0 && oldSize < log.size;
  const proof = isLonger ? log.consistencyProof(oldSize, log.size) : [];
  return { oldSize, proof, note: encodeNote(log.checkpointNote()) };
}

describe("hostile", () => {
  const TIMES = ["01", "02", "03", "04"].map((hour) => `2026-06-01T${hour}:00:00.000Z`);
  const honest = () => TIMES.map((at) => noteEntry(world.partner, at));
  const added = () => noteEntry(world.partner, "2026-06-01T05:00:00.000Z");

  async function cosignFour(): Promise<void> {
    await partner.logbook.append(collaboration, honest());
    await bank.note();
    await exchange(bank);
  }

  /** As a node does that does not keep to its own log. */
  async function offerToBank(offer: WireLogOffer): Promise<ErrorCode | "done"> {
    const client = new ControlClient(await world.openControl(world.partner));
    const { knownNote } = await client.witness(collaboration, { origin: "", size: 0 });
    expect(knownNote).toBeDefined();
    return codeOf(client.cosign({ collaboration, line: "—", cosigned: { origin: "", size: 0 }, offer }));
  }

  test.each<[string, () => Uint8Array[], boolean]>([
    ["drops an entry", () => [...honest().toSpliced(1, 1), added(), added()], false],
    ["reorders two", () => [...honest().toSorted(() => -1), added()], false],
    [
      "back-dates one",
      () => [...honest().with(3, noteEntry(world.partner, "2026-05-01T00:00:00.000Z")), added()],
      false,
    ],
    ["forks at the same size", () => honest().with(3, added()), true],
    ["forks with one entry more", () => [...honest().with(3, added()), added()], false],
  ])("a peer that %s is named, and nothing runs any more", async (_what, entries, isProof) => {
    await cosignFour();
    const before = await bank.witness.state(ownerOf({ peer: world.partner.peer, collaboration }));
    expect(await offerToBank(await rewritten(entries(), 4))).toBe("LOG_FORKED");
    expect(await bank.witness.state(ownerOf({ peer: world.partner.peer, collaboration }))).toEqual(before);
    expect(await stateOf(bank)).toBe("frozen");
    expect(await codeOf(bank.logbook.standings.requireOpen(collaboration))).toBe("COLLABORATION_FROZEN");
    // This node's own log goes on, and says what was seen.
    expect((await events(bank)).at(-1)).toBe("log-fork-seen");
    const [file, ...more] = await bank.forks.list(collaboration);
    if (file === undefined || more.length > 0) throw new Error("one file");
    expect(file.path).toBe(`${digestOf(file.bytes)}.json`);
    const fork = checkFork(parseFork(file.bytes), [world.partner.peer.key("log")]);
    expect(fork).toMatchObject({ origin: before.origin, isProof, known: { size: 4 } });
    // Once is enough, whatever it tries.
    expect(await offerToBank(await rewritten([added()], 4))).not.toBe("done");
    expect(await offerToBank(await rewritten([...honest().with(0, added()), added()], 4))).toBe("LOG_FORKED");
    expect(await bank.forks.list(collaboration)).toHaveLength(1);
    expect(await codeOf(resumeCollaboration({ ...bank, coordinator: "coordinator" }, collaboration))).toBe(
      "COLLABORATION_FROZEN",
    );
  });

  test("an older checkpoint, or one of another key, is refused and is no fork", async () => {
    await cosignFour();
    expect(await offerToBank(await rewritten(honest().slice(0, 2), 2))).toBe("LOG_BEHIND");
    expect(await offerToBank(await rewritten(honest(), 0))).toBe("LOG_BEHIND");
    const longer = await rewritten([...honest(), added()], 4);
    const other = { ...longer, note: utf8(new TextDecoder().decode(longer.note).replace("partner/log", "bank/log")) };
    expect(await offerToBank(other)).toBe("SIGNATURE_INVALID");
    expect(await stateOf(bank)).toBe("open");
    expect(await offerToBank(longer)).toBe("done");
  });

  test("a log under a new name that does not begin with the head cosigned last is refused", async () => {
    await cosignFour();
    const origin = `partner/${collaboration}/2026-2`;
    const options = { files: new MemoryFiles(), folder: "/other", origin, key: world.partner.keys.log };
    const log = await EvidenceLog.open(options);
    await log.append([added()]);
    const bare = { oldSize: 0, proof: [], note: encodeNote(log.checkpointNote()) };
    expect(await offerToBank(bare)).toBe("LOG_FORKED");
    const first = { entry: await log.entry(0), proof: log.inclusionProof(0, 1) };
    expect(await offerToBank({ ...bare, first })).toBe("LOG_FORKED");
    expect(await bank.witness.state(ownerOf({ peer: world.partner.peer, collaboration }))).toMatchObject({ size: 4 });
  });

  test("a peer's claim that this log was longer counts only with this log's own signature", async () => {
    await cosignFour();
    const longer = await rewritten([...honest(), added()], 0);
    world.says = (message) => (message.kind === "witnessReply" ? { ...message, knownNote: longer.note } : message);
    expect(await codeOf(exchange(bank))).toBe("WIRE_INVALID");
    const { origin } = await bank.logbook.log(collaboration);
    const text = new TextDecoder().decode(longer.note).replaceAll(/partner\/[0-9a-f]+\/2026/g, origin);
    world.says = (message) => (message.kind === "witnessReply" ? { ...message, knownNote: utf8(text) } : message);
    expect(await codeOf(exchange(bank))).toBe("SIGNATURE_INVALID");
    expect(await stateOf(bank)).toBe("open");
  });

  test("a coordinator that forks is named, too; a person may go on without its log", async () => {
    await bank.note();
    await partner.note();
    await world.coordinatorLog.append([utf8("a"), utf8("b")]);
    await bank.witnessing.keepUp();
    const { origin } = world.coordinatorLog;
    const other = { files: new MemoryFiles(), folder: "/hub", origin, key: world.coordinator.keys.log };
    const forked = await EvidenceLog.open(other);
    await forked.append([utf8("a"), utf8("c"), utf8("d")]);
    Object.assign(world, { coordinatorLog: forked });
    await bank.note();
    await bank.witnessing.keepUp();
    expect(await bank.logbook.standings.of(collaboration)).toMatchObject({ state: "frozen", origin });
    expect(forked.lastCosigned()).toBeUndefined();
    await resumeCollaboration({ ...bank, coordinator: "coordinator" }, collaboration);
    expect(await stateOf(bank)).toBe("open");
    await bank.note();
    await bank.witnessing.keepUp();
    expect(await stateOf(bank)).toBe("open");
    expect(forked.lastCosigned()).toBeUndefined();
  });
});

describe("restored", () => {
  test("a log that is behind what the peer has cosigned is forked: nothing is signed before it is begun anew", async () => {
    const disk = memoryDisk();
    bank = await world.start(world.bank, disk);
    await bank.note();
    await partner.note();
    await exchange(bank);
    const backup = new Map(disk.files.contents);
    const settings = new Map([["log-head", await disk.store.setting(`log-head/${collaboration}`)]]);
    await bank.note();
    await bank.note();
    await exchange(bank);
    const lost = (await bank.logbook.log(collaboration)).head;
    // Logs and store are both those of before.
    disk.files.restore(backup);
    await disk.store.putSetting(`log-head/${collaboration}`, settings.get("log-head") as string);
    bank = await world.start(world.bank, disk);
    expect(await stateOf(bank)).toBe("read-only");
    expect(await codeOf(bank.note())).toBe("COLLABORATION_READ_ONLY");
    expect(await codeOf(exchange(bank))).toBe("LOG_FORKED");
    expect(await bank.logbook.standings.of(collaboration)).toMatchObject({ state: "forked", lost: [lost] });
    expect(await codeOf(bank.note())).toBe("LOG_FORKED");
    expect(await bank.forks.list(collaboration)).toHaveLength(1);
    // What it still has is no longer than what the peer knows; and as a witness it signs nothing.
    expect(await codeOf(exchange(partner))).toBe("LOG_BEHIND");
    const theirs = await partner.logbook.log(collaboration);
    const offer = { oldSize: 1, proof: [], note: encodeNote(theirs.checkpointNote()) };
    const owner = ownerOf({ peer: world.partner.peer, collaboration });
    expect(await codeOf(bank.witness.cosign(owner, offer))).toBe("LOG_FORKED");
    expect(await recoverLog({ logbook: bank.logbook, clock: world.clock }, collaboration)).toBe(
      `bank/${collaboration}/2026-2`,
    );
    expect(await events(bank)).toEqual(["failed", "log-recovered"]);
    await bank.note();
    await exchange(bank);
    const log = await bank.logbook.log(collaboration);
    expect(log.lastCosigned()?.head).toEqual(log.head);
    expect([await stateOf(bank), await stateOf(partner)]).toEqual(["open", "open"]);
  });

  test("one that grew otherwise freezes the peer, which a person lets go on once the log was begun anew", async () => {
    const disk = memoryDisk();
    bank = await world.start(world.bank, disk);
    await bank.note();
    await partner.note();
    await exchange(bank);
    const backup = new Map(disk.files.contents);
    const head = (await disk.store.setting(`log-head/${collaboration}`)) as string;
    await bank.note();
    await exchange(bank);
    // As the snapshot of a whole disk: the number of the start is put back with it.
    for (const [path, bytes] of backup) disk.files.contents.set(path, bytes);
    for (const path of disk.files.contents.keys()) if (!backup.has(path)) disk.files.contents.delete(path);
    await disk.store.putSetting(`log-head/${collaboration}`, head);
    bank = await world.start(world.bank, disk);
    expect(await stateOf(bank)).toBe("open");
    for (let i = 0; i < 3; i++) await bank.note("2026-06-01T09:00:00.000Z");
    // The peer asks first, and finds another history.
    const owner = ownerOf({ peer: world.bank.peer, collaboration });
    const forked = await bank.logbook.log(collaboration);
    const offer = {
      oldSize: 2,
      proof: forked.consistencyProof(2, forked.size),
      note: encodeNote(forked.checkpointNote()),
    };
    expect(await codeOf(partner.witness.cosign(owner, offer))).toBe("LOG_FORKED");
    expect(await stateOf(partner)).toBe("frozen");
    expect(await codeOf(exchange(bank))).toBe("LOG_FORKED");
    await recoverLog({ logbook: bank.logbook, clock: world.clock }, collaboration);
    await exchange(bank);
    expect(await stateOf(partner)).toBe("frozen");
    await resumeCollaboration({ ...partner, coordinator: "coordinator" }, collaboration);
    expect(await stateOf(partner)).toBe("open");
    await exchange(partner);
  });

  test("the store knows that entries are gone, whatever the peers know", async () => {
    const disk = memoryDisk();
    bank = await world.start(world.bank, disk);
    await bank.note();
    const backup = new Map(disk.files.contents);
    await bank.note();
    disk.files.restore(backup);
    bank = await world.start(world.bank, disk);
    expect(await codeOf(bank.note())).toBe("LOG_FORKED");
  });

  test("a plain restart waits for nobody", async () => {
    await bank.note();
    world.isPeerAway = true;
    bank = await world.start(world.bank, bank.disk);
    await bank.witnessing.keepUp();
    await bank.note();
    expect(await stateOf(bank)).toBe("open");
  });

  test("a restart that was cut short waits for nobody either", async () => {
    const disk = memoryDisk();
    for (let call = 1; call <= 4; call++) {
      for (const persisted of [false, true]) {
        bank = await world.start(world.bank, disk);
        disk.files.arm({ call, persisted, forGood: true });
        await world.start(world.bank, disk).catch(() => undefined);
        disk.files.disarm();
        bank = await world.start(world.bank, disk);
        expect(await stateOf(bank), `call ${call}`).toBe("open");
      }
    }
  });

  test("a whole folder that was copied back is read-only until the peer has been heard, and then goes on", async () => {
    const root = await mkdtemp(join(tmpdir(), "entente-restore-"));
    const folder = join(root, "node");
    const open = async () => {
      await nodePorts.files.makeFolder(folder);
      return { files: nodePorts.files, store: openSqliteStore(join(folder, "node.db")), folder };
    };
    try {
      let disk = await open();
      bank = await world.start(world.bank, disk);
      await bank.note();
      await partner.note();
      await exchange(bank);
      await disk.store.close();
      disk = await open();
      bank = await world.start(world.bank, disk);
      expect(await stateOf(bank)).toBe("open");
      await disk.store.close();
      await cp(folder, join(root, "backup"), { recursive: true, preserveTimestamps: true });
      await rm(folder, { recursive: true });
      await cp(join(root, "backup"), folder, { recursive: true, preserveTimestamps: true });
      disk = await open();
      bank = await world.start(world.bank, disk);
      expect(await stateOf(bank)).toBe("read-only");
      world.isPeerAway = true;
      await bank.witnessing.keepUp();
      expect(await codeOf(bank.note())).toBe("COLLABORATION_READ_ONLY");
      // Another start does not clear it.
      await disk.store.close();
      disk = await open();
      bank = await world.start(world.bank, disk);
      expect(await stateOf(bank)).toBe("read-only");
      world.isPeerAway = false;
      await bank.witnessing.keepUp();
      expect([await stateOf(bank), bank.opened]).toEqual(["open", [collaboration]]);
      await bank.note();
      await disk.store.close();
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
