/**
 * The gate at the receiver. The keys arrive and must be the receipt's; the session ends; only then is anything opened, and
 * nothing of what is found is told to the peer or to the coordinator. Released or withheld, the log grows by one entry.
 */
import { concat, equalBytes, fromHex, toHex, uintBe, utf8 } from "../../proto/encoding/bytes.ts";
import { sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { commit } from "../../proto/evidence/commitment.ts";
import { isReleasable } from "../../proto/policy/rules.ts";
import { gateKeyHash } from "../crypto/seal.ts";
import { sizeClassOf } from "../protocols/plan.ts";
import type { Channel } from "../session/channel.ts";
import { SessionWorker } from "../session/worker-port.ts";
import type { Tag } from "../tags/tag.ts";
import type { Asked } from "./ask.ts";
import { attemptsOf, type SettledReceipt, submitReceipt } from "./attempt.ts";
import type { JobInput } from "./inputs.ts";
import type { FinishedPartition } from "./lifecycle.ts";
import { countMatches, type OpenedPartition, type TagOrder, tagsOf } from "./open-result.ts";
import { type JobShape, partitionContext } from "./shape.ts";

const GATE_TIMEOUT_MS = 60_000;
const DAY_MS = 86_400_000;
const TAG_BATCH = 10_000;

/** All that is needed to open: kept until it has been done. */
export interface OpenableResult {
  readonly input: JobInput<Float64Array>;
  readonly shape: JobShape;
  readonly finished: readonly FinishedPartition[];
  /** By partition. */
  readonly gateKeys: ReadonlyMap<number, Uint8Array>;
  readonly settled: SettledReceipt;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The keys of every partition. Throws SEAL_INVALID when they are not the receipt's. */
export async function hearGateKeys(
  { deps, spec }: Asked,
  channel: Channel,
  settled: SettledReceipt,
  finished: readonly FinishedPartition[],
): Promise<ReadonlyMap<number, Uint8Array>> {
  const { keys } = await channel.hear(GATE_TIMEOUT_MS, "gateKeys");
  const refused = () => new EntenteError("SEAL_INVALID", { detail: "other gate keys than the receipt names" });
  if (keys.length !== finished.length) throw refused();
  const byPartition = new Map<number, Uint8Array>();
  let at = 0;
  for (const [i, { partitions }] of attemptsOf(finished).entries()) {
    const own = keys.slice(at, at + partitions.length);
    if (!equalBytes(gateKeyHash(...own), fromHex(settled.gateKeyHashes[i] as string))) throw refused();
    for (const [j, partition] of partitions.entries()) byPartition.set(partition, own[j] as Uint8Array);
    at += partitions.length;
  }
  await deps.vault.put(spec.jobId, "gate-keys", concat(...keys));
  await deps.book.append(spec.jobId, { type: "gate-opened", at: deps.logbook.now() });
  return byPartition;
}

export async function releaseResult(asked: Asked, result: OpenableResult, startedMs: number): Promise<void> {
  const { deps, spec, agreement, evidence } = asked;
  const { settled } = result;
  const { jobId } = spec;
  await submitReceipt(deps, jobId, settled.entry);
  deps.book.report(jobId, { step: "opening", done: 0, total: 1 });
  const opened = await openPartitions(asked, result);
  const matched = countMatches(opened);
  const figures = () => ({
    seconds: (deps.ports.clock.monotonicMs() - startedMs) / 1000,
    bytesSent: result.bytesSent,
    bytesReceived: result.bytesReceived,
  });
  if (!isReleasable(agreement, matched)) {
    await evidence.withheld({ receiptDigest: settled.digest, code: "POLICY_RESULT_FLOOR" });
    await deps.book.append(jobId, { type: "done", at: deps.logbook.now(), withheld: true, summary: figures() });
    return;
  }
  const order = tagOrder(asked);
  const { counts, digest } = await surveyTags(asked, result, opened, order);
  const output = concat(uintBe(matched, 4), ...opened.map(({ matches }) => sha256(bytesOf(matches.rows))));
  await evidence.opened({
    receiptDigest: settled.digest,
    outputCommitment: await commitTo(asked, "output", output),
    outputSizeClass: sizeClassOf(matched),
    tags: { commitment: await commitTo(asked, "tags", digest), expiresAt: order.expiresAt },
    receiver: spec.receiver,
    cosigned: { receiver: settled.cosigned.own, sender: settled.cosigned.peer },
  });
  await storeTags(asked, result, opened, order);
  const summary = { matched, tags: counts, ...figures() };
  await deps.book.append(jobId, { type: "done", at: deps.logbook.now(), withheld: false, summary });
}

/** A commitment whose salt is kept for its owner to open. Hex. */
async function commitTo({ deps, spec }: Asked, what: "output" | "tags", value: Uint8Array): Promise<string> {
  const salt = deps.ports.random.bytes(32);
  await deps.vault.keepOpening(spec.jobId, what, salt);
  return toHex(commit(salt, `entente ${what}/1`, value));
}

async function openPartitions({ deps, spec }: Asked, result: OpenableResult): Promise<OpenedPartition[]> {
  const worker = new SessionWorker();
  try {
    const opened: OpenedPartition[] = [];
    for (const { partition, attempt, exporter } of result.finished) {
      const { sealed, masked } = await deps.vault.partition(spec.jobId, attempt, partition);
      const context = partitionContext(result.shape, fromHex(exporter), partition);
      const gateKey = result.gateKeys.get(partition);
      if (gateKey === undefined) throw new EntenteError("SEAL_INVALID");
      const matches = await worker.run({ kind: "open", protocol: spec.protocol, context, sealed, gateKey });
      opened.push({ partition, matches, masked });
    }
    return opened.sort((a, b) => a.partition - b.partition);
  } finally {
    await worker.close();
  }
}

function tagOrder({ deps, spec, agreement, request }: Asked): TagOrder {
  const nowMs = deps.ports.clock.nowMs();
  return {
    jobId: spec.jobId,
    agreement: agreement.digest,
    key: request.tag.key,
    // A model without tiers gives scores alone.
    value: request.tag.value ?? "scored",
    issuedAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(nowMs + request.tag.expiresInDays * DAY_MS).toISOString(),
  };
}

async function tagsIn(
  { loaded }: Asked,
  { input }: OpenableResult,
  part: OpenedPartition,
  order: TagOrder,
): Promise<Iterable<Tag>> {
  const { features } = await input.rows(part.partition);
  return tagsOf(await input.subjects(part.partition), features, part, order, loaded);
}

/** In batches, so that the node goes on answering; a stop in between leaves a job that is not done, whose tags are removed. */
async function storeTags(asked: Asked, result: OpenableResult, opened: readonly OpenedPartition[], order: TagOrder) {
  const { store } = asked.deps;
  let number = 0;
  for (const part of opened) {
    for (const batch of batches(await tagsIn(asked, result, part, order))) {
      await store.putTags(order.jobId, number++, batch);
      await breathe();
    }
  }
}

function* batches<T>(items: Iterable<T>): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < TAG_BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Lets the process see to what else is waiting. */
function breathe(): Promise<void> {
  return new Promise((resume) => setImmediate(resume));
}

/** What the evidence says of the tags before they are stored: how many of each value, and a digest over all of them. */
async function surveyTags(asked: Asked, result: OpenableResult, opened: readonly OpenedPartition[], order: TagOrder) {
  const counts: Record<string, number> = {};
  const digests: Uint8Array[] = [];
  for (const part of opened) {
    for (const batch of batches(await tagsIn(asked, result, part, order))) {
      for (const { value } of batch) counts[value] = (counts[value] ?? 0) + 1;
      digests.push(sha256(utf8(batch.map(({ subject, key, value }) => `${subject}\t${key}\t${value}\n`).join(""))));
      await breathe();
    }
  }
  return { counts: Object.fromEntries(Object.entries(counts).sort()), digest: concat(...digests) };
}

function bytesOf(rows: Uint32Array): Uint8Array {
  return new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
}
