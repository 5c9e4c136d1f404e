/**
 * One attempt of a job, the part that both roles share: partition after partition through the worker, each recorded when
 * it is durable, then the receipt. Roles differ in the tasks they run and in what they keep.
 */

import type { Agreement } from "../../proto/agreement/agreement.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import type { FrameHeader } from "../../proto/codec/frame.ts";
import { concat, fromHex, fromUtf8, toHex } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { digestOf, sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { TreeHead } from "../../proto/evidence/checkpoint.ts";
import type { Digest } from "../../proto/ids.ts";
import { encryptedWeights } from "../../proto/model/partner-view.ts";
import { ID_HASH_BYTES } from "../data/id-hash.ts";
import type { PartitionContext } from "../protocols/step.ts";
import type { Channel } from "../session/channel.ts";
import type { FrameIo } from "../session/drive.ts";
import type { Peer } from "../session/peers.ts";
import { phasesOf } from "../session/phases.ts";
import type { ProvideTask, ReceiveTask, ScoreShape, TaskOutput } from "../session/task.ts";
import type { TaskWorker } from "../session/worker-port.ts";
import type { JobDeps } from "./deps.ts";
import type { JobEvidence } from "./evidence.ts";
import type { JobInput } from "./inputs.ts";
import type { ModelRole } from "./kept-models.ts";
import type { FinishedPartition } from "./lifecycle.ts";
import { PASSING } from "./passing.ts";
import { Pauses } from "./pauses.ts";
import {
  acceptReceipt,
  type FinishedAttempt,
  type OwnPart,
  proposeReceipt,
  type ReceiptFacts,
  type SignedReceipt,
} from "./receipt.ts";
import { type JobShape, partitionContext } from "./shape.ts";

/** A frame of the protocol is due within this time: the peer's own computation of a chunk, and the network. */
const FRAME_TIMEOUT_MS = 300_000;
/** For each message from the receipt on. */
export const CLOSING_TIMEOUT_MS = 60_000;
const PROTOCOL_VERSION = 1;

export interface AttemptInput {
  readonly deps: JobDeps;
  readonly spec: JobSpec;
  readonly jobDigest: string;
  readonly agreement: Agreement;
  readonly peer: Peer;
  readonly evidence: JobEvidence;
  readonly channel: Channel;
  readonly worker: TaskWorker;
  readonly shape: JobShape;
  readonly senderSizeClass: number;
  readonly attempt: number;
  readonly input: JobInput;
  /** Of this node's own dataset. */
  readonly datasetVersion: string;
  /** Digest of the definition of its segment. */
  readonly segment: Digest | undefined;
  /** Hex tag of the provider's. */
  readonly providerVersion: string;
  /** At the receiver, of an aggregate output. */
  readonly sketchCommitment: Uint8Array | undefined;
}

/** Makes what a task needs of a job's model beside weights or columns, for one task of a session after the other; undefined when the job has no model. What an earlier job left of it
 * is megabytes that only a session's first task reads: it goes to no other. */
export async function modelForTasks(
  { deps, spec, shape, peer, agreement }: AttemptInput,
  role: ModelRole,
): Promise<(() => ScoreShape) | undefined> {
  if (spec.model === undefined) return undefined;
  const { commitment, kind } = spec.model;
  const features = encryptedWeights(spec.model);
  const { maxMatchedRows } = shape;
  const modelCommitment = fromHex(commitment);
  let kept = await deps.models.get({ role, peer: peer.party, commitment }, agreement.digest);
  return () => {
    const keptModel = kept;
    kept = undefined;
    return { kind, features, maxMatchedRows, modelCommitment, ...(keptModel === undefined ? {} : { keptModel }) };
  };
}

/** Keeps what a session made or was sent of the job's model for later jobs. */
export async function keepModel(
  { deps, spec, peer, agreement }: AttemptInput,
  role: ModelRole,
  model: Uint8Array | undefined,
): Promise<void> {
  if (model === undefined || spec.model === undefined) return;
  const { commitment } = spec.model;
  await deps.models.put({ role, peer: peer.party, commitment }, agreement.digest, model);
}

/** Tells from frames how far the partition is. */
function channelIo(input: AttemptInput, partition: number, task: ReceiveTask | ProvideTask): FrameIo {
  const { channel, deps, spec, shape } = input;
  const phaseOf = phasesOf(task);
  const tell = (frame: FrameHeader) => {
    const phase = phaseOf(frame);
    if (phase === undefined) return;
    deps.book.report(spec.jobId, { ...phase, partition: { number: partition + 1, of: shape.plan.partitions } });
  };
  return {
    async send(frame) {
      await channel.send(frame);
      tell(frame);
    },
    async receive() {
      const frame = await channel.receive(FRAME_TIMEOUT_MS);
      tell(frame);
      return frame;
    },
  };
}

/** Runs every partition that is not finished; `keep` makes what came out durable before the partition counts as finished.
 * Returns all finished ones, those of earlier attempts first. */
export async function runPartitions<T extends ReceiveTask | ProvideTask>(
  input: AttemptInput,
  before: readonly FinishedPartition[],
  task: (partition: number, context: PartitionContext) => Promise<T>,
  keep: (partition: number, output: TaskOutput<T>) => Promise<void>,
): Promise<readonly FinishedPartition[]> {
  const { deps, channel, shape, spec, attempt, evidence, worker } = input;
  const finished = [...before];
  const exporter = toHex(channel.exporter);
  for (let partition = 0; partition < shape.plan.partitions; partition++) {
    if (before.some((done) => done.partition === partition)) continue;
    deps.stopping.requireRunning();
    const context = partitionContext(shape, channel.exporter, partition);
    const todo = await task(partition, context);
    const output = await worker.run(todo, channelIo(input, partition, todo));
    await keep(partition, output);
    const transcript = toHex(channel.transcript());
    await evidence.partitionFinished({ attempt, partition, transcriptHash: transcript });
    const done = { partition, attempt, exporter, transcript };
    await deps.book.append(spec.jobId, { type: "partition-finished", at: deps.logbook.now(), ...done });
    finished.push(done);
  }
  return finished;
}

/** Every attempt that finished a partition, as the receipt names it: its transcript up to the last one it finished. */
export function attemptsOf(finished: readonly FinishedPartition[]): FinishedAttempt[] {
  return [...Map.groupBy(finished, ({ attempt }) => attempt)]
    .sort(([a], [b]) => a - b)
    .map(([attempt, partitions]) => {
      const last = partitions.at(-1) as FinishedPartition;
      return {
        attempt,
        exporter: last.exporter,
        transcriptHash: last.transcript,
        partitions: partitions.map(({ partition }) => partition).sort((a, b) => a - b),
      };
    });
}

/** A salted commitment to what this node brought: the dataset version, how many people, every partition's hashes. */
async function inputCommitment({
  deps,
  spec,
  input,
  shape,
  datasetVersion,
  segment,
}: AttemptInput): Promise<Uint8Array> {
  const salt = await deps.vault.drawOnce(spec.jobId, "input-salt");
  const digests: Uint8Array[] = [];
  let rows = 0;
  for (let partition = 0; partition < shape.plan.partitions; partition++) {
    deps.book.report(spec.jobId, {
      ...{ step: "committing-input", done: partition, total: shape.plan.partitions, unit: "partitions" },
    });
    const { ids } = await input.rows(partition);
    digests.push(sha256(ids));
    rows += ids.length / ID_HASH_BYTES;
  }
  const brought = { datasetVersion, ...(segment && { segment }), rows, digest: digestOf(concat(...digests)) };
  return deps.vault.commitTo("input", brought, salt);
}

/** What the receipt needs of this node; at the receiver the same in every session that comes to it. */
async function ownPart(input: AttemptInput): Promise<OwnPart> {
  const log = await input.deps.logbook.log(input.agreement.collaboration);
  const { sketchCommitment } = input;
  return { inputCommitment: await inputCommitment(input), lastCosigned: log.lastCosigned()?.head, sketchCommitment };
}

const PART_SECRET = "receipt-part";
const PROPOSAL_SECRET = "proposal";

/** The receiver's part as it was said first: of a job there is one receipt. Throws DATASET_CHANGED when what it commits to is
 * not the same any more. */
async function partSaid(input: AttemptInput): Promise<{ readonly own: OwnPart; readonly sinceMs: number }> {
  const { deps, spec } = input;
  const own = await ownPart(input);
  const committed = [own.inputCommitment, own.sketchCommitment ?? new Uint8Array(0)].map(toHex).join();
  const known = await deps.vault.find(spec.jobId, PART_SECRET);
  if (known === undefined) {
    const said: PartSaid = { committed, lastCosigned: own.lastCosigned ?? null, sinceMs: deps.clock.nowMs() };
    await deps.vault.put(spec.jobId, PART_SECRET, canonicalJson(said as unknown as Json));
    return { own, sinceMs: said.sinceMs };
  }
  const said = parseCanonicalJson(known) as unknown as PartSaid;
  if (said.committed !== committed) throw new EntenteError("DATASET_CHANGED", { detail: spec.receiverDataset });
  return { own: { ...own, lastCosigned: said.lastCosigned ?? undefined }, sinceMs: said.sinceMs };
}

interface PartSaid {
  readonly committed: string;
  readonly lastCosigned: TreeHead | null;
  readonly sinceMs: number;
}

/** What this node, the provider, has proposed as the job's receipt. */
export async function proposalOf({ vault }: JobDeps, jobId: string): Promise<Envelope | undefined> {
  const known = await vault.find(jobId, PROPOSAL_SECRET);
  return known && decodeEnvelope(known);
}

/** The only one of the job. Throws OVERLOADED when another session of it has proposed one while this one waited for the peer. */
function keepProposal(deps: JobDeps, jobId: string, proposal: Envelope): Promise<void> {
  return deps.turns.take(jobId, async () => {
    if ((await proposalOf(deps, jobId)) !== undefined) throw new EntenteError("OVERLOADED", { detail: "receipt" });
    await deps.vault.put(jobId, PROPOSAL_SECRET, encodeEnvelope(proposal));
  });
}

/** Receipt signed by both, and in this node's log. `gateKeyHashes`: the sender's, hex, one for each attempt of `attemptsOf`; the
 * receiver learns them here. */
export async function signReceipt(
  input: AttemptInput,
  finished: readonly FinishedPartition[],
  gateKeyHashes?: readonly string[],
): Promise<void> {
  const { deps, channel, peer, spec, agreement } = input;
  const { keyring, logbook, ports, witness } = deps;
  const facts: ReceiptFacts = {
    spec,
    agreement,
    jobDigest: input.jobDigest,
    parametersDigest: input.shape.parameters,
    protocolVersion: PROTOCOL_VERSION,
    senderSizeClass: input.senderSizeClass,
    providerVersion: input.providerVersion,
    attempts: attemptsOf(finished),
  };
  const exchange = {
    channel,
    facts,
    jobsKey: keyring.keys.jobs,
    peer,
    clock: ports.clock,
    timeoutMs: CLOSING_TIMEOUT_MS,
    hasCosigned: (head: TreeHead) => witness.hasCosigned(head),
  };
  const record = ({ entry }: SignedReceipt) => recordReceipt(deps, { agreement, spec, channel }, entry);
  if (gateKeyHashes === undefined) {
    await acceptReceipt({ ...exchange, ...(await partSaid(input)), keep: record });
    return;
  }
  const signed = await proposeReceipt({
    ...exchange,
    own: await ownPart(input),
    claims: { finishedAt: logbook.now(), gateKeyHashes },
    proposed: await proposalOf(deps, spec.jobId),
    keep: (proposal) => keepProposal(deps, spec.jobId, proposal),
  });
  await record(signed);
}

/** Puts the receipt into the log, among the documents and into the job's events; repeatable. Throws the code that the job has
 * ended with meanwhile. */
export function recordReceipt(
  deps: JobDeps,
  { agreement, spec, channel }: Pick<AttemptInput, "agreement" | "spec" | "channel">,
  entry: Uint8Array,
): Promise<void> {
  const { jobId } = spec;
  const { collaboration } = agreement;
  return deps.turns.take(jobId, async () => {
    const { state, reason } = await deps.book.require(jobId);
    if (state === "releasing") return;
    if (state !== "running") throw new EntenteError(reason?.code ?? "CANCELLED");
    // In turn with a revocation: the log shows no receipt after it.
    await deps.policy.inTurn(agreement, async () => {
      if ((await deps.agreements.stateOf(agreement.digest)) === "revoked") throw new EntenteError("AGREEMENT_REVOKED");
      const log = await deps.logbook.log(collaboration);
      if ((await log.find(entry)) === undefined) await deps.logbook.append(collaboration, [entry]);
    });
    await deps.store.putJobDocument(jobId, "receipt", fromUtf8(entry));
    const { bytesSent, bytesReceived } = channel;
    const traffic = { bytesSent, bytesReceived };
    await deps.book.append(jobId, { type: "receipt-signed", at: deps.logbook.now(), traffic });
  });
}

const MAX_SUBMISSIONS = 8;

/** The coordinator's copy of the receipt; both nodes submit it. Nothing waits for it: a coordinator that is away is asked again for
 * some minutes. Never rejects. */
export async function submitReceipt(
  deps: JobDeps,
  jobId: JobSpec["jobId"],
  entry: Uint8Array,
  tries = 1,
  pauses = new Pauses(deps.ports),
): Promise<void> {
  try {
    await deps.link.submitReceipt({ jobId, envelope: entry });
  } catch (err) {
    deps.logger.warn({ jobId, tries, err }, "the coordinator did not take the receipt");
    if (!PASSING.includes(toEntenteError(err).code) || tries >= MAX_SUBMISSIONS || deps.stopping.isRequested) return;
    void pauses.next().then(() => submitReceipt(deps, jobId, entry, tries + 1, pauses));
  }
}
