import { afterEach, expect, test } from "vitest";
import { type CosigningInput, cosignEachOther } from "../../party/evidence/cosigning.ts";
import { Forks } from "../../party/evidence/forks.ts";
import { Logbook } from "../../party/evidence/logbook.ts";
import { Witness } from "../../party/evidence/witness.ts";
import type { Channel } from "../../party/session/channel.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { SessionMessage } from "../../proto/codec/session-messages.ts";
import { type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { signCheckpoint } from "../../proto/evidence/checkpoint.ts";
import { verifyCosignedHead } from "../../proto/evidence/cosignature.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { encodeNote } from "../../proto/evidence/note.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { channelPair, type SessionParty, sessionParty } from "../support/channel-pair.ts";
import { ABOUT_JOB, AGREEMENT, JOB, receiptOf, testHash } from "../support/evidence-world.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const { collaboration } = AGREEMENT;
const parties = { bank: await sessionParty("bank"), bureau: await sessionParty("bureau") };
const open: Channel[] = [];
afterEach(() => {
  for (const channel of open.splice(0)) channel.close();
});

const AGREED = {
  output: "list",
  modelVersion: null,
  datasetVersions: { receiver: testHash("version bank"), sender: testHash("version bureau") },
  sketchCommitment: null,
} as const;

/** The receipt of the n-th job: the same bytes in both logs. */
function receiptEntry(n: number): Uint8Array {
  const job = { jobId: testHash(`job ${n}`).slice(0, 32), jobDigest: testHash(`job ${n}`) };
  return statementEntry(
    "receipt",
    ABOUT_JOB,
    receiptOf({ job, ...AGREED }),
    parties.bank.keys.jobs,
    parties.bureau.keys.jobs,
  );
}

async function side(party: SessionParty, peer: SessionParty, store = openSqliteStore(":memory:")) {
  const files = new MemoryFiles();
  const book = new Logbook({
    ports: { ...nodePorts, files },
    folder: "/evidence",
    signers: { party: party.name, identity: party.identity, keys: party.keys, earlierLogKeys: [] },
    store: { setting: async () => undefined, putSetting: async () => undefined },
  });
  const forks = new Forks({ files, folder: "/forks" });
  const witness = new Witness({ store, clock: nodePorts.clock, signers: party, logbook: book, forks });
  const log = await book.log(collaboration);
  const note = () =>
    book.record(collaboration, "failed", [...ABOUT_JOB], {
      jobId: JOB.jobId,
      attempt: null,
      code: "INTERNAL",
      at: book.now(),
    });
  const input = (channel: Channel, receipt: CosigningInput["receipt"]): CosigningInput => ({
    ...{ channel, log, collaboration, witness, receipt },
    inTurn: (work) => book.inTurn(collaboration, work),
    speaksFirst: party.name < peer.name,
    peer: peer.peer,
    timeoutMs: 1_000,
  });
  return { party, store, files, log, note, input, witness, forks };
}
type Side = Awaited<ReturnType<typeof side>>;

async function world() {
  return { bank: await side(parties.bank, parties.bureau), bureau: await side(parties.bureau, parties.bank) };
}

interface Meddling {
  /** What the bank's node hears instead of what the bureau's says. */
  readonly bureauSays?: (message: SessionMessage) => SessionMessage;
  readonly receipts?: { readonly bank?: number; readonly bureau?: number };
}

/** Both append the receipt and cosign each other. */
async function settle(
  { bank, bureau }: { bank: Side; bureau: Side },
  n: number,
  { bureauSays, receipts }: Meddling = {},
) {
  const [right, left] = await channelPair(parties.bureau, parties.bank);
  open.push(left, right);
  if (bureauSays !== undefined) {
    const say = right.say.bind(right);
    right.say = (message) => say(bureauSays(message));
  }
  const run = async (own: Side, channel: Channel, number: number) => {
    const entry = receiptEntry(number);
    const { firstIndex } = await own.log.append([entry]);
    try {
      return await cosignEachOther(own.input(channel, { entry: receiptEntry(n), index: firstIndex }));
    } catch (error) {
      await channel.fail(toEntenteError(error));
      throw error;
    }
  };
  return Promise.allSettled([run(bank, left, receipts?.bank ?? n), run(bureau, right, receipts?.bureau ?? n)]);
}

function codes(results: readonly PromiseSettledResult<unknown>[]): (ErrorCode | "cosigned")[] {
  return results.map((result) => (result.status === "fulfilled" ? "cosigned" : toEntenteError(result.reason).code));
}

test("both logs are cosigned up to the receipt, and each side has stored what it signed", async () => {
  const both = await world();
  for (let n = 1; n <= 3; n++) {
    await both.bank.note();
    const [bank, bureau] = await settle(both, n);
    if (bank.status !== "fulfilled" || bureau.status !== "fulfilled") throw new Error(codes([bank, bureau]).join());
    expect(bank.value.own).toEqual(bureau.value.peer);
    expect(bank.value.peer).toEqual(bureau.value.own);
    expect(bank.value.own).toMatchObject({ origin: both.bank.log.origin, size: 2 * n, cosigner: "bureau/cosigner" });
    expect(verifyCosignedHead(bank.value.own, parties.bureau.peer.key("cosigner"))).toBe(true);
    expect(verifyCosignedHead(bureau.value.own, parties.bank.peer.key("cosigner"))).toBe(true);
    expect(both.bank.log.lastCosigned()?.head.size).toBe(2 * n);
    expect(await both.bureau.store.witness(both.bank.log.origin)).toMatchObject({ size: 2 * n });
  }
});

test("jobs that end at the same time cosign one after the other, while other entries come in", async () => {
  const both = await world();
  const busy = Promise.all(Array.from({ length: 10 }, () => Promise.all([both.bank.note(), both.bureau.note()])));
  const all = await Promise.all([1, 2, 3, 4].map((n) => settle(both, n)));
  await busy;
  expect(all.flatMap(codes)).toEqual(Array(8).fill("cosigned"));
});

test("a log that was put back and grew otherwise is not cosigned again", async () => {
  const both = await world();
  await both.bureau.note();
  expect(codes(await settle(both, 1))).toEqual(["cosigned", "cosigned"]);
  const before = await both.bank.store.witness(both.bureau.log.origin);
  // The bureau's disk is restored from before, and another history written.
  const forked = { ...both, bureau: await side(parties.bureau, parties.bank, both.bureau.store) };
  for (let i = 0; i < 4; i++) await forked.bureau.note();
  const results = await settle(forked, 2);
  expect(codes(results)[0]).toBe("LOG_FORKED");
  expect(codes(results)[1]).toBe("LOG_FORKED");
  expect(await both.bank.store.witness(both.bureau.log.origin)).toEqual(before);
  expect(forked.bureau.log.lastCosigned()).toBeUndefined();
});

test("a log that is shorter than what was cosigned says so itself", async () => {
  const both = await world();
  for (let i = 0; i < 3; i++) await both.bureau.note();
  await settle(both, 1);
  const restored = { ...both, bureau: await side(parties.bureau, parties.bank) };
  expect(codes(await settle(restored, 2))).toEqual(["LOG_FORKED", "LOG_FORKED"]);
});

test("a checkpoint without the receipt is not cosigned", async () => {
  const both = await world();
  const results = await settle(both, 1, { receipts: { bureau: 9 } });
  expect(codes(results)).toEqual(["RECEIPT_MISMATCH", "RECEIPT_MISMATCH"]);
  expect(both.bureau.log.lastCosigned()).toBeUndefined();
  expect(await both.bank.store.witness(both.bureau.log.origin)).toBeUndefined();
});

test("an earlier checkpoint, offered again, does not cover the receipt of now", async () => {
  const both = await world();
  let first: SessionMessage | undefined;
  await settle(both, 1, {
    bureauSays: (message) => {
      if (message.kind === "checkpointOffer") first = message;
      return message;
    },
  });
  const replayed = await settle(both, 2, {
    bureauSays: (message) => (message.kind === "checkpointOffer" && first !== undefined ? first : message),
  });
  // It proves from size 0, where the bank knows more by now.
  expect(codes(replayed)[0]).toBe("LOG_BEHIND");
  const sameSize = await settle(both, 3, {
    bureauSays: (message) =>
      message.kind === "checkpointOffer" && first?.kind === "checkpointOffer"
        ? { ...first, oldSize: 1, proof: [] }
        : message,
  });
  expect(codes(sameSize)[0]).toBe("RECEIPT_MISMATCH");
});

test.each<
  [string, (message: Extract<SessionMessage, { kind: "checkpointOffer" }>, bureau: Side) => SessionMessage, ErrorCode]
>([
  [
    "a checkpoint signed by another key",
    (message, { log }) => {
      const head = { ...log.head, root: Uint8Array.fromHex(log.head.root) };
      return { ...message, note: encodeNote(signCheckpoint(head, { ...parties.bank.keys.log, keyId: "bureau/log" })) };
    },
    "SIGNATURE_INVALID",
  ],
  [
    "a checkpoint of another collaboration's log",
    (message, { log }) => {
      const origin = `bureau/${"00".repeat(16)}/2026`;
      const head = { ...log.head, origin, root: Uint8Array.fromHex(log.head.root) };
      return { ...message, note: encodeNote(signCheckpoint(head, parties.bureau.keys.log)) };
    },
    "LOG_FORKED",
  ],
  [
    "the peer's own log",
    (message, { log }) => {
      const origin = log.origin.replace("bureau", "bank");
      const head = { ...log.head, origin, root: Uint8Array.fromHex(log.head.root) };
      return { ...message, note: encodeNote(signCheckpoint(head, parties.bureau.keys.log)) };
    },
    "LOG_FORKED",
  ],
  ["a note that is none", (message) => ({ ...message, note: new Uint8Array([1, 2, 3]) }), "WIRE_INVALID"],
  ["an index that is not the receipt's", (message) => ({ ...message, receiptIndex: 5 }), "RECEIPT_MISMATCH"],
])("%s is refused, and nothing of it is stored", async (_what, change, code) => {
  const both = await world();
  const results = await settle(both, 1, {
    bureauSays: (message) => (message.kind === "checkpointOffer" ? change(message, both.bureau) : message),
  });
  expect(codes(results)).toEqual([code, code]);
  expect(await both.bank.store.witness(both.bureau.log.origin)).toBeUndefined();
  expect(both.bureau.log.lastCosigned()).toBeUndefined();
});

test("a cosignature by another key, or of another head, is not kept", async () => {
  const both = await world();
  const results = await settle(both, 1, {
    bureauSays: (message) =>
      message.kind === "cosignature"
        ? { ...message, line: message.line.replace("bureau/cosigner", "bank/cosigner") }
        : message,
  });
  expect(codes(results)[0]).toBe("SIGNATURE_INVALID");
  expect(both.bank.log.lastCosigned()).toBeUndefined();
  let old: SessionMessage | undefined;
  const again = await world();
  await settle(again, 1, {
    bureauSays: (message) => {
      if (message.kind === "cosignature") old = message;
      return message;
    },
  });
  const replayed = await settle(again, 2, {
    bureauSays: (message) => (message.kind === "cosignature" && old !== undefined ? old : message),
  });
  expect(codes(replayed)[0]).toBe("SIGNATURE_INVALID");
  expect(again.bank.log.lastCosigned()?.head.size).toBe(1);
});

test("every head that was cosigned is known again, and no other", async () => {
  const both = await world();
  const heads = [];
  for (let n = 1; n <= 3; n++) {
    await settle(both, n);
    heads.push(both.bureau.log.head);
  }
  const [first] = heads as [(typeof heads)[number]];
  for (const head of heads) expect(await both.bank.witness.hasCosigned(head)).toBe(true);
  for (const other of [
    { ...first, size: first.size + 10 },
    { ...first, root: testHash("fork") },
    { ...first, origin: both.bank.log.origin },
    both.bank.log.head,
  ])
    expect(await both.bank.witness.hasCosigned(other)).toBe(false);
});

test("what is cosigned survives: the log opens again and verifies", async () => {
  const both = await world();
  await settle(both, 1);
  const { files, log } = both.bank;
  const folder = `/evidence/${collaboration}/${log.origin.split("/")[2]}`;
  const opened = await EvidenceLog.open({ files, folder, origin: log.origin, key: parties.bank.keys.log });
  expect(opened.lastCosigned()?.head).toEqual(log.lastCosigned()?.head);
});
