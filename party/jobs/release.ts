/**
 * Behind the gate, at the receiver. The session has ended; only now is anything opened, and nothing of what is found is told to
 * the peer or to the coordinator. Released or withheld, the log grows by one entry.
 */

import { AGGREGATE_OUTPUTS } from "../../proto/agreement/fields.ts";
import { concat, fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json } from "../../proto/encoding/canonical-json.ts";
import { digestOf, sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PredicateInput } from "../../proto/evidence/predicates.ts";
import { matchRate, noisyCount } from "../../proto/policy/match-rate.ts";
import { isReleasable } from "../../proto/policy/rules.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { isReportable } from "../../proto/report/overlap-report.ts";
import { sizeClassOf } from "../../proto/size-class.ts";
import { idForm } from "../data/datasets.ts";
import { alignmentOf } from "../session/protocols.ts";
import { tagsCommitmentSetting } from "../tags/exported.ts";
import { rulesDigest, type TagLineage } from "../tags/lineage.ts";
import type { Tag } from "../tags/tag.ts";
import type { Asked } from "./ask.ts";
import { submitReceipt } from "./attempt.ts";
import { type Opener, openerOf, type SettledReceipt, settledReceipt } from "./gate.ts";
import type { JobInput } from "./inputs.ts";
import type { Issued } from "./issued-tags.ts";
import {
  countMatches,
  issueTags,
  type OpenedPartition,
  openedPartition,
  resultRows,
  type TagOrder,
} from "./open-result.ts";
import { keepPublication, type Publication } from "./publish.ts";
import { figuresOf } from "./reconcile.ts";
import { reportFloors } from "./report-plan.ts";
import { reportOf } from "./reporting.ts";
import { outputCommitmentSetting, type ResultRow } from "./results.ts";
import { type JobShape, partitionContext } from "./shape.ts";
import { noiseSecret } from "./sketching.ts";

const DAY_MS = 86_400_000;
const TAG_BATCH = 10_000;

/** What the receiver reads for it. */
export interface OpenableResult {
  readonly input: JobInput<Float64Array>;
  readonly shape: JobShape;
}

interface Opening extends OpenableResult {
  readonly settled: SettledReceipt;
  readonly opener: Opener;
  readonly opened: readonly OpenedPartition[];
}

/**
 * Opens what the keys of the job open, and makes everything that comes out of it durable, seen by nobody; then the log says what
 * came out. Until then a stop leaves nothing, and all is done again; from then on `publishResult` needs nothing but what is
 * kept. Or the result is withheld, and the job ends here.
 */
export async function openResult(asked: Asked, readable: OpenableResult): Promise<void> {
  const { deps, spec, evidence } = asked;
  const { jobId } = spec;
  const settled = await settledReceipt(deps, jobId);
  await submitReceipt(deps, jobId, settled.entry);
  const opener = await openerOf(deps, jobId, settled);
  const opened = await openPartitions(asked, readable.shape, opener);
  const matched = countMatches(opened);
  if (!mayRelease(asked, matched)) {
    await evidence.withheld({ receiptDigest: settled.digest, code: "POLICY_RESULT_FLOOR" });
    const summary = await figures(asked);
    await deps.book.append(jobId, { type: "done", at: deps.logbook.now(), withheld: true, summary });
    return;
  }
  const opening = { ...readable, settled, opener, opened };
  if (AGGREGATE_OUTPUTS.includes(spec.output)) await openAggregate(asked, opening);
  else await openPeople(asked, opening);
}

async function figures({ deps, spec }: Asked) {
  return figuresOf(await deps.book.require(spec.jobId), deps.clock.nowMs());
}

async function openPeople(asked: Asked, opening: Opening): Promise<void> {
  const { deps, spec } = asked;
  const { jobId } = spec;
  const { opened, settled } = opening;
  const matched = countMatches(opened);
  const form = idForm(asked.registration.ids);
  const optedOut = (await deps.optOuts.of(form))?.digest ?? null;
  const issuing = issuingOf(asked, settled, await deps.optOuts.has(form));
  const { counts, digest } = await stageTags(asked, opening, issuing);
  const count = Object.values(counts).reduce((sum, each) => sum + each, 0);
  if (spec.labels !== undefined) await deps.results.put(jobId, form, resultBatches(asked, opening, issuing));
  const rows = digestOf(concat(...opened.map((part) => sha256(bytesOf(part.rows), part.labels))));
  const tagsCommitment = toHex(await deps.vault.commitTo("tags", { count, digest }));
  await deps.store.putSetting(tagsCommitmentSetting(jobId), tagsCommitment);
  const outputCommitment = toHex(await deps.vault.commitTo("output", { matched, digest: rows }));
  if (spec.labels !== undefined) await deps.store.putSetting(outputCommitmentSetting(jobId), outputCommitment);
  const labelsUnreadable = opened.reduce((sum, part) => sum + part.labelsUnreadable, 0);
  const summary = {
    matched,
    tags: counts,
    ...(labelsUnreadable > 0 && { labelsUnreadable }),
    ...(await figures(asked)),
  };
  const lineage = JSON.stringify(await lineageOf(asked, issuing.issued));
  await recordOpened(
    asked,
    opening,
    { summary, tags: { lineage, form, optedOut } },
    {
      outputCommitment,
      outputSizeClass: sizeClassOf(matched),
      tags: { commitment: tagsCommitment, expiresAt: issuing.order.expiresAt },
    },
  );
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
async function openAggregate(asked: Asked, opening: Opening): Promise<void> {
  const { deps, spec } = asked;
  const { input, opened } = opening;
  const report = spec.output === "overlap-report" ? await reportOf(asked, input, opened) : undefined;
  // A total that is reportable has a rate.
  const shown = report === undefined ? await rateOf(asked, countMatches(opened)) : (report.total.rate ?? "");
  const digest = report && { report: digestOf(canonicalJson(report as unknown as Json)) };
  const outputCommitment = toHex(await deps.vault.commitTo("rate", { shown, ...digest }));
  const summary = { matchRate: shown, ...(report && { report }), ...(await figures(asked)) };
  await recordOpened(asked, opening, { summary }, { outputCommitment, outputSizeClass: null, tags: null });
}

async function rateOf(asked: Asked, matched: number): Promise<string> {
  const { deps, spec, agreement, list } = asked;
  const { floors, noise } = agreement.document;
  const { peerVersion = "" } = await deps.book.require(spec.jobId);
  return matchRate(noisyCount(matched, list.rows, noise, noiseSecret(asked, peerVersion)), list.rows, floors);
}

/** Keeps what is to be published, then says in the log what came out. In turn with a revocation: nothing is opened after it.
 * Throws AGREEMENT_REVOKED. */
async function recordOpened(
  { deps, spec, agreement, evidence }: Asked,
  { settled, opener }: Opening,
  publication: Publication,
  out: Pick<PredicateInput<"opened">, "outputCommitment" | "outputSizeClass" | "tags">,
): Promise<void> {
  await keepPublication(deps, spec.jobId, publication);
  await deps.policy.inTurn(agreement, async () => {
    if ((await deps.agreements.stateOf(agreement.digest)) === "revoked") throw new EntenteError("AGREEMENT_REVOKED");
    await evidence.opened({
      receiptDigest: settled.digest,
      ...out,
      receiver: spec.receiver,
      cosigned: { receiver: opener.cosigned.own, sender: opener.cosigned.peer },
    });
    await deps.book.append(spec.jobId, { type: "result-recorded", at: deps.logbook.now() });
  });
}

async function openPartitions(
  { deps, spec }: Asked,
  shape: JobShape,
  { gateKeys }: Opener,
): Promise<OpenedPartition[]> {
  const { finished } = await deps.book.require(spec.jobId);
  const worker = deps.machinery.startWorker();
  try {
    const opened: OpenedPartition[] = [];
    for (const { partition, attempt, exporter } of finished) {
      deps.book.report(spec.jobId, {
        step: "opening-result",
        done: opened.length,
        total: finished.length,
        unit: "partitions",
      });
      const { sealed, masked } = await deps.vault.partition(spec.jobId, attempt, partition);
      const context = partitionContext(shape, fromHex(exporter), partition);
      const gateKey = gateKeys.get(partition);
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
  input: OpenableResult["input"],
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

/** Stages them in batches, so that the node goes on answering; what an opening before that did not come to its end has staged is
 * replaced. What the evidence says of them: how many of each value (with rules, of each key and value), and a digest over
 * all of them: SHA-256 of what they have in common, as canonical JSON, then of each batch's lines. */
async function stageTags(asked: Asked, { input, opened }: Opening, issuing: Issuing) {
  const { deps, spec } = asked;
  await deps.store.removeTags(spec.jobId);
  const counts: Record<string, number> = {};
  const digests = [sha256(canonicalJson({ ...issuing.order }))];
  const isPlain = issuing.issued.rules.length === 0;
  const total = isPlain ? countMatches(opened) : null;
  let number = 0;
  let done = 0;
  for (const part of opened) {
    for (const batch of batches(await tagsIn(asked, input, part, issuing))) {
      for (const { key, value } of batch) {
        const name = isPlain ? value : `${key}=${value}`;
        counts[name] = (counts[name] ?? 0) + 1;
      }
      digests.push(sha256(utf8(batch.map(lineOf).join(""))));
      await deps.store.putTags(spec.jobId, number++, batch);
      done += batch.length;
      deps.book.report(spec.jobId, { step: "issuing-tags", done, total, unit: "tags" });
      await breathe(deps.ports);
    }
  }
  return { counts: Object.fromEntries(Object.entries(counts).sort()), digest: digestOf(concat(...digests)) };
}

/** With labels, the people themselves are kept beside their tags, as far as the output shows them. */
async function* resultBatches(
  asked: Asked,
  { input, opened }: Opening,
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

function lineOf({ subject, key, value, score }: Tag): string {
  return `${subject}\t${key}\t${value}\t${score ?? ""}\n`;
}

function bytesOf(rows: Uint32Array): Uint8Array {
  return new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
}
