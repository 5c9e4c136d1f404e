/**
 * The gate, at both roles, in the job session that ends with the receipt or in a release session after it: cosigning, the
 * keys, `opened`. Every step looks at what is persisted: nothing is recorded twice, and the keys are the same as often as they
 * are asked for.
 */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import { equalBytes, fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { JobId } from "../../proto/ids.ts";
import { gateKeyHash } from "../crypto/seal.ts";
import { type CosignedPair, cosignEachOther } from "../evidence/cosigning.ts";
import { WAITING } from "../progress/meter.ts";
import type { Channel } from "../session/channel.ts";
import type { Peer } from "../session/peers.ts";
import { attemptsOf, CLOSING_TIMEOUT_MS } from "./attempt.ts";
import type { JobDeps } from "./deps.ts";
import type { JobEvidence } from "./evidence.ts";
import type { FinishedPartition, Job } from "./lifecycle.ts";
import { nextStep } from "./next-step.ts";
import { claimsOf } from "./receipt.ts";

/** What the receipt says, as this node has it. */
export interface SettledReceipt {
  /** SHA-256 of the entry's bytes, hex. */
  readonly digest: string;
  readonly entry: Uint8Array;
  /** In the order of `attemptsOf`. */
  readonly gateKeyHashes: readonly string[];
  /** When the sender had finished the last partition, as both signed it. */
  readonly finishedAt: string;
}

export interface AtGate {
  readonly deps: JobDeps;
  readonly jobId: JobId;
  readonly agreement: Agreement;
  readonly peer: Peer;
  readonly evidence: JobEvidence;
}

/** What opens the partitions, and the heads that covered the receipt when the keys came. */
export interface Opener {
  readonly gateKeys: ReadonlyMap<number, Uint8Array>;
  readonly cosigned: CosignedPair;
}

const GATE_TIMEOUT_MS = 60_000;
const OPENED_TIMEOUT_MS = 120_000;
const OPENER_SECRET = "gate";

/** Throws STORAGE_FAILED when it is not there. */
export async function settledReceipt({ store }: JobDeps, jobId: JobId): Promise<SettledReceipt> {
  const text = await store.jobDocument(jobId, "receipt");
  if (text === undefined) throw new EntenteError("STORAGE_FAILED", { detail: "the job's receipt is gone" });
  const entry = utf8(text);
  return { digest: digestOf(entry), entry, ...claimsOf(entry) };
}

/** Throws RECEIPT_MISMATCH when the log that was begun since does not hold the receipt, and as `cosignEachOther`. */
async function cosignReceipt(
  { deps, agreement, peer }: AtGate,
  channel: Channel,
  { entry }: SettledReceipt,
): Promise<CosignedPair> {
  const { logbook, keyring, witness } = deps;
  const { collaboration } = agreement;
  const log = await logbook.log(collaboration);
  const index = await log.find(entry);
  if (index === undefined)
    throw new EntenteError("RECEIPT_MISMATCH", { detail: "this node's log does not hold the receipt" });
  return cosignEachOther({
    channel,
    log,
    inTurn: (work) => logbook.inTurn(collaboration, work),
    speaksFirst: keyring.party < peer.party,
    collaboration,
    peer,
    witness,
    timeoutMs: CLOSING_TIMEOUT_MS,
    receipt: { entry, index },
  });
}

/** The receiver's end: what it holds when this resolves is durable, and the peer has been told. Throws SEAL_INVALID when the keys
 * are not the receipt's. */
export async function fetchKeys(gate: AtGate, channel: Channel): Promise<void> {
  const { deps, jobId } = gate;
  const settled = await settledReceipt(deps, jobId);
  const cosigned = await cosignReceipt(gate, channel, settled);
  const { keys } = await channel.hear(GATE_TIMEOUT_MS, "gateKeys");
  const { finished } = await deps.book.require(jobId);
  if (byPartition(finished, keys, settled) === undefined) throw otherKeys();
  const secret = canonicalJson({ keys: keys.map(toHex), cosigned } as unknown as Json);
  await deps.vault.put(jobId, OPENER_SECRET, secret);
  await deps.book.append(jobId, { type: "gate-opened", at: deps.logbook.now() });
  // The last word to the peer, before this node knows what it may show: what follows is nobody else's business. When it does
  // not arrive the peer asks.
  await channel.say({ kind: "opened" }).catch(() => undefined);
}

/** What `fetchKeys` kept. Throws STORAGE_FAILED. */
export async function openerOf(deps: JobDeps, jobId: JobId, settled: SettledReceipt): Promise<Opener> {
  const kept = parseCanonicalJson(await deps.vault.get(jobId, OPENER_SECRET));
  const { keys, cosigned } = kept as unknown as { readonly keys: readonly string[]; readonly cosigned: CosignedPair };
  const { finished } = await deps.book.require(jobId);
  const gateKeys = byPartition(finished, keys.map(fromHex), settled);
  if (gateKeys === undefined) throw otherKeys();
  return { gateKeys, cosigned };
}

function otherKeys(): EntenteError {
  return new EntenteError("SEAL_INVALID", { detail: "other gate keys than the receipt names" });
}

/** Undefined when they are not the receipt's, every one of them. */
function byPartition(
  finished: readonly FinishedPartition[],
  keys: readonly Uint8Array[],
  { gateKeyHashes }: SettledReceipt,
): ReadonlyMap<number, Uint8Array> | undefined {
  const attempts = attemptsOf(finished);
  if (keys.length !== finished.length || attempts.length !== gateKeyHashes.length) return undefined;
  const found = new Map<number, Uint8Array>();
  let at = 0;
  for (const [i, { partitions }] of attempts.entries()) {
    const own = keys.slice(at, at + partitions.length);
    if (!equalBytes(gateKeyHash(...own), fromHex(gateKeyHashes[i] as string))) return undefined;
    for (const [j, partition] of partitions.entries()) found.set(partition, own[j] as Uint8Array);
    at += partitions.length;
  }
  return found;
}

/** In the order of `attemptsOf`. */
export function gateKeysOf(deps: JobDeps, { jobId, finished }: Pick<Job, "jobId" | "finished">) {
  return Promise.all(
    attemptsOf(finished).map(({ attempt, partitions }) =>
      Promise.all(partitions.map((partition) => deps.vault.get(jobId, gateKeyName(attempt, partition)))),
    ),
  );
}

export function gateKeyName(attempt: number, partition: number): string {
  return `gate-key-${attempt}-${partition}`;
}

/**
 * The provider's end. `requireAllowed` is asked before the keys are recorded as released, in turn with a revocation: the log
 * shows no release after it. Keys that are recorded are given again. Resolves when the peer says that it has them; throws
 * what a channel throws when it does not, and the keys are kept then. Throws RECEIPT_MISMATCH, and gives none, when the keys
 * are not those that the receipt names; RELEASE_OVERDUE when the day is over.
 */
export async function giveKeys(gate: AtGate, channel: Channel, requireAllowed: () => Promise<void>): Promise<void> {
  const { deps, jobId, agreement, evidence } = gate;
  const settled = await settledReceipt(deps, jobId);
  const cosigned = await cosignReceipt(gate, channel, settled);
  const job = await deps.book.require(jobId);
  const keys = (await gateKeysOf(deps, job)).flat();
  // An attempt that the peer began after the receipt was proposed has other ones.
  if (byPartition(job.finished, keys, settled) === undefined)
    throw new EntenteError("RECEIPT_MISMATCH", { detail: "other partitions are finished than the receipt names" });
  const attempts = attemptsOf(job.finished).map(({ attempt }, i) => ({
    attempt,
    gateKeyHash: settled.gateKeyHashes[i] as string,
  }));
  await deps.turns.take(jobId, () =>
    deps.policy.inTurn(agreement, async () => {
      const now = await deps.book.require(jobId);
      if (now.state !== "releasing") throw new EntenteError(now.reason?.code ?? "RELEASE_OVERDUE");
      if (now.isOpened) return;
      // Whether or not somebody has looked at the day since it was over.
      if (nextStep(now, deps.clock.nowMs()) === "give-up") throw new EntenteError("RELEASE_OVERDUE");
      await requireAllowed();
      await evidence.gateKeyReleased({
        receiptDigest: settled.digest,
        attempts,
        cosigned: { receiver: cosigned.peer, sender: cosigned.own },
      });
      await deps.book.append(jobId, { type: "gate-opened", at: deps.logbook.now() });
    }),
  );
  deps.book.report(jobId, { step: "releasing-keys", ...WAITING });
  await channel.say({ kind: "gateKeys", keys });
  // Said before the peer knows what it may show, so it tells nothing of what matched.
  await channel.hear(OPENED_TIMEOUT_MS, "opened");
}
