/**
 * The gate at the receiver. The keys arrive and must be the receipt's; the session ends; only then is anything opened, and
 * nothing of what is found is told to the peer or to the coordinator. Released or withheld, the log grows by one entry.
 */

import { AGGREGATE_OUTPUTS } from "../../proto/agreement/fields.ts";
import { concat, equalBytes, fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json } from "../../proto/encoding/canonical-json.ts";
import { digestOf, sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { matchRate, noisyCount } from "../../proto/policy/match-rate.ts";
import { isReleasable } from "../../proto/policy/rules.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { isReportable } from "../../proto/report/overlap-report.ts";
import { sizeClassOf } from "../../proto/size-class.ts";
import { gateKeyHash } from "../crypto/seal.ts";
import { idForm } from "../data/datasets.ts";
import type { Channel } from "../session/channel.ts";
import { alignmentOf } from "../session/protocols.ts";
import { tagsCommitmentSetting } from "../tags/exported.ts";
import { rulesDigest, type TagLineage } from "../tags/lineage.ts";
import type { Tag } from "../tags/tag.ts";
import type { Asked } from "./ask.ts";
import { attemptsOf, type SettledReceipt, submitReceipt } from "./attempt.ts";
import type { JobInput } from "./inputs.ts";
import type { Issued } from "./issued-tags.ts";
import type { FinishedPartition, JobSummary } from "./lifecycle.ts";
import {
  countMatches,
  issueTags,
  type OpenedPartition,
  openedPartition,
  resultRows,
  type TagOrder,
} from "./open-result.ts";
import { reportFloors } from "./report-plan.ts";
import { reportOf } from "./reporting.ts";
import { outputCommitmentSetting, type ResultRow } from "./results.ts";
import { type JobShape, partitionContext } from "./shape.ts";
import { noiseSecret } from "./sketching.ts";

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
  const opened = await openPartitions(asked, result);
  const matched = countMatches(opened);
  const figures = () => ({
    seconds: (deps.ports.clock.monotonicMs() - startedMs) / 1000,
    bytesSent: result.bytesSent,
    bytesReceived: result.bytesReceived,
  });
  if (!mayRelease(asked, matched)) {
    await evidence.withheld({ receiptDigest: settled.digest, code: "POLICY_RESULT_FLOOR" });
    await deps.book.append(jobId, { type: "done", at: deps.logbook.now(), withheld: true, summary: figures() });
    return;
  }
  if (AGGREGATE_OUTPUTS.includes(spec.output)) return releaseAggregate(asked, result, opened, figures());
  const form = idForm(asked.registration.ids);
  const optedOut = await deps.optOuts.of(form);
  const issuing = issuingOf(asked, settled, await deps.optOuts.has(form));
  const { counts, digest } = await surveyTags(asked, result, opened, issuing);
  const count = Object.values(counts).reduce((sum, each) => sum + each, 0);
  const rows = digestOf(concat(...opened.map(({ rows, labels }) => sha256(bytesOf(rows), labels))));
  const tagsCommitment = toHex(await deps.vault.commitTo("tags", { count, digest }));
  await deps.store.putSetting(tagsCommitmentSetting(jobId), tagsCommitment);
  const outputCommitment = toHex(await deps.vault.commitTo("output", { matched, digest: rows }));
  if (spec.labels !== undefined) await deps.store.putSetting(outputCommitmentSetting(jobId), outputCommitment);
  await recordOpened(asked, {
    receiptDigest: settled.digest,
    outputCommitment,
    outputSizeClass: sizeClassOf(matched),
    tags: { commitment: tagsCommitment, expiresAt: issuing.order.expiresAt },
    receiver: spec.receiver,
    cosigned: { receiver: settled.cosigned.own, sender: settled.cosigned.peer },
  });
  await storeTags(asked, result, opened, issuing, count);
  if (spec.labels !== undefined) await deps.results.put(jobId, form, resultBatches(asked, result, opened, issuing));
  const labelsUnreadable = opened.reduce((sum, part) => sum + part.labelsUnreadable, 0);
  const summary = { matched, tags: counts, ...(labelsUnreadable > 0 && { labelsUnreadable }), ...figures() };
  // In turn with a revocation, so that what it stops is never in force. A stop before the last step takes the tags back.
  await deps.policy.inTurn(agreement, async () => {
    if ((await deps.agreements.stateOf(agreement.digest)) === "revoked") throw new EntenteError("AGREEMENT_REVOKED");
    await deps.store.publishTags(jobId, deps.logbook.now(), JSON.stringify(await lineageOf(asked, issuing.issued)));
    if ((await deps.optOuts.of(form))?.digest !== optedOut?.digest) await deps.optOuts.withdrawAll(form);
    await deps.book.append(jobId, { type: "done", at: deps.logbook.now(), withheld: false, summary });
  });
}

async function lineageOf({ deps, spec, registration, peer }: Asked, { rules, tag }: Issued): Promise<TagLineage> {
  const { peerVersion = null, proposed } = await deps.book.require(spec.jobId);
  const { requestedBy = null } = proposed;
  const { operation, purpose, receiverDataset, providerDataset, agreement } = spec;
  const keys = [...new Set([...rules.map(({ key }) => key), ...(tag === undefined ? [] : [tag.key])])];
  await deps.catalogue.note(keys, { purpose, agreement, person: requestedBy ?? "" });
  const own = { dataset: receiverDataset, datasetVersion: registration.version };
  const theirs = { peer: peer.party, peerDataset: providerDataset, peerVersion };
  return { operation, purpose, requestedBy, ...own, ...theirs, rulesDigest: rulesDigest(rules) };
}

function mayRelease({ spec, agreement, list }: Asked, matched: number): boolean {
  if (spec.output !== "overlap-report") return isReleasable(agreement, matched);
  return isReportable({ size: list.rows, matched }, reportFloors(agreement));
}

/** Nobody is named, and of the counts only what may be shown is kept. */
async function releaseAggregate(
  asked: Asked,
  { settled, input }: OpenableResult,
  opened: readonly OpenedPartition[],
  figures: Pick<JobSummary, "seconds" | "bytesSent" | "bytesReceived">,
): Promise<void> {
  const { deps, spec } = asked;
  const report = spec.output === "overlap-report" ? await reportOf(asked, input, opened) : undefined;
  // A total that is reportable has a rate.
  const shown = report === undefined ? await rateOf(asked, countMatches(opened)) : (report.total.rate ?? "");
  const digest = report && { report: digestOf(canonicalJson(report as unknown as Json)) };
  await recordOpened(asked, {
    receiptDigest: settled.digest,
    outputCommitment: toHex(await deps.vault.commitTo("rate", { shown, ...digest })),
    outputSizeClass: null,
    tags: null,
    receiver: spec.receiver,
    cosigned: { receiver: settled.cosigned.own, sender: settled.cosigned.peer },
  });
  const summary = { matchRate: shown, ...(report && { report }), ...figures };
  await deps.book.append(spec.jobId, { type: "done", at: deps.logbook.now(), withheld: false, summary });
}

async function rateOf(asked: Asked, matched: number): Promise<string> {
  const { deps, spec, agreement, list } = asked;
  const { floors, noise } = agreement.document;
  const { peerVersion = "" } = await deps.book.require(spec.jobId);
  return matchRate(noisyCount(matched, list.rows, noise, noiseSecret(asked, peerVersion)), list.rows, floors);
}

/** In turn with a revocation: nothing is opened after it. Throws AGREEMENT_REVOKED. */
function recordOpened(
  { deps, agreement, evidence }: Asked,
  fields: Parameters<Asked["evidence"]["opened"]>[0],
): Promise<void> {
  return deps.policy.inTurn(agreement, async () => {
    if ((await deps.agreements.stateOf(agreement.digest)) === "revoked") throw new EntenteError("AGREEMENT_REVOKED");
    await evidence.opened(fields);
  });
}

async function openPartitions({ deps, spec }: Asked, result: OpenableResult): Promise<OpenedPartition[]> {
  const worker = deps.machinery.startWorker();
  try {
    const opened: OpenedPartition[] = [];
    const total = result.finished.length;
    for (const { partition, attempt, exporter } of result.finished) {
      deps.book.report(spec.jobId, { step: "opening", done: opened.length, total, unit: "partitions" });
      const { sealed, masked } = await deps.vault.partition(spec.jobId, attempt, partition);
      const context = partitionContext(result.shape, fromHex(exporter), partition);
      const gateKey = result.gateKeys.get(partition);
      if (gateKey === undefined) throw new EntenteError("SEAL_INVALID");
      const matches = await worker.run({ kind: "open", protocol: alignmentOf(spec), context, sealed, gateKey });
      opened.push(openedPartition(spec, { partition, matches, masked }));
    }
    return opened.sort((a, b) => a.partition - b.partition);
  } finally {
    await worker.close();
  }
}

interface Issuing {
  readonly issued: Issued;
  readonly order: TagOrder;
  /** Since the job's input was read. */
  readonly isOptedOut: (subject: string) => boolean;
}

/** Tags end with the agreement, if not before. A score's name the model version by the commitment that the receipt names, and
 * the receipt's time as that of the score. Throws INTERNAL for an output that issues none. */
function issuingOf(
  { deps, spec, agreement, issued }: Asked,
  { finishedAt }: SettledReceipt,
  isOptedOut: Issuing["isOptedOut"],
): Issuing {
  if (issued === undefined) throw new EntenteError("INTERNAL", { cause: new Error("no tag was asked for") });
  const nowMs = deps.ports.clock.nowMs();
  const endsMs = Math.min(nowMs + issued.expiresInDays * DAY_MS, Date.parse(agreement.document.validUntil));
  const order = {
    jobId: spec.jobId,
    agreement: agreement.digest,
    model: spec.model?.commitment ?? null,
    scoredAt: spec.model === undefined ? null : finishedAt,
    issuedAt: new Date(nowMs).toISOString(),
    expiresAt: new Date(endsMs).toISOString(),
  };
  return { issued, order, isOptedOut };
}

async function tagsIn(
  { loaded }: Asked,
  { input }: OpenableResult,
  part: OpenedPartition,
  { issued, order, isOptedOut }: Issuing,
): Promise<Iterable<Tag>> {
  const { features: columns } = await input.rows(part.partition);
  const tags = issueTags({ part, subjects: await input.subjects(part.partition), columns }, order, issued, loaded);
  return only(tags, ({ subject }) => !isOptedOut(subject));
}

function* only<T>(items: Iterable<T>, isWanted: (item: T) => boolean): Generator<T> {
  for (const item of items) if (isWanted(item)) yield item;
}

/** In batches, so that the node goes on answering; a stop in between leaves a job that is not done, whose tags are removed. */
async function storeTags(
  asked: Asked,
  result: OpenableResult,
  opened: readonly OpenedPartition[],
  issuing: Issuing,
  total: number,
) {
  const { deps, spec } = asked;
  let number = 0;
  let done = 0;
  for (const part of opened) {
    for (const batch of batches(await tagsIn(asked, result, part, issuing))) {
      deps.book.report(spec.jobId, { step: "storing tags", done, total, unit: "tags" });
      await deps.store.putTags(spec.jobId, number++, batch);
      done += batch.length;
      await breathe(deps.ports);
    }
  }
}

/** With labels, the people themselves are kept beside their tags, as far as the output shows them. */
async function* resultBatches(
  asked: Asked,
  { input }: OpenableResult,
  opened: readonly OpenedPartition[],
  { issued, isOptedOut }: Issuing,
): AsyncGenerator<readonly ResultRow[]> {
  for (const part of opened) {
    const { features: columns } = await input.rows(part.partition);
    const rows = resultRows({ part, subjects: await input.subjects(part.partition), columns }, issued, asked.loaded);
    for (const batch of batches(only(rows, ({ subject }) => !isOptedOut(subject)))) {
      yield batch;
      await breathe(asked.deps.ports);
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
function breathe({ timers }: Ports): Promise<void> {
  return new Promise((resume) => timers.after(0, resume));
}

/** What the evidence says of the tags before they are stored: how many of each value (with rules, of each key and value),
 * and a digest over all of them: SHA-256 of what they have in common, as canonical JSON, then of each batch's lines. */
async function surveyTags(asked: Asked, result: OpenableResult, opened: readonly OpenedPartition[], issuing: Issuing) {
  const counts: Record<string, number> = {};
  const digests = [sha256(canonicalJson({ ...issuing.order }))];
  const isPlain = issuing.issued.rules.length === 0;
  const total = isPlain ? countMatches(opened) : null;
  let done = 0;
  for (const part of opened) {
    for (const batch of batches(await tagsIn(asked, result, part, issuing))) {
      for (const { key, value } of batch) {
        const name = isPlain ? value : `${key}=${value}`;
        counts[name] = (counts[name] ?? 0) + 1;
      }
      digests.push(sha256(utf8(batch.map(lineOf).join(""))));
      done += batch.length;
      asked.deps.book.report(asked.spec.jobId, { step: "issuing tags", done, total, unit: "tags" });
      await breathe(asked.deps.ports);
    }
  }
  return { counts: Object.fromEntries(Object.entries(counts).sort()), digest: digestOf(concat(...digests)) };
}

function lineOf({ subject, key, value, score }: Tag): string {
  return `${subject}\t${key}\t${value}\t${score ?? ""}\n`;
}

function bytesOf(rows: Uint32Array): Uint8Array {
  return new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
}
