/**
 * One attempt of a job, the part that both roles share: partition after partition through the worker, each recorded when
 * it is durable, then the receipt, then cosigning. Roles differ in the tasks they run and in what they keep.
 */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { concat, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf, sha256 } from "../../proto/encoding/sha256.ts";
import { commit } from "../../proto/evidence/commitment.ts";
import type { PreparedInput } from "../data/prepare.ts";
import { type CosignedPair, cosignEachOther } from "../evidence/cosigning.ts";
import type { PartitionContext } from "../protocols/step.ts";
import type { Channel } from "../session/channel.ts";
import type { FrameIo } from "../session/drive.ts";
import type { Peer } from "../session/peers.ts";
import type { ProvideTask, ReceiveTask, TaskOutput } from "../session/task.ts";
import type { SessionWorker } from "../session/worker-port.ts";
import type { JobDeps } from "./deps.ts";
import type { JobEvidence } from "./evidence.ts";
import { acceptReceipt, type FinishedAttempt, proposeReceipt, type ReceiptFacts } from "./receipt.ts";
import { type JobShape, partitionContext } from "./shape.ts";

/** A frame of the protocol is due within this time: the peer's own computation of a chunk, and the network. */
const FRAME_TIMEOUT_MS = 300_000;
const CLOSING_TIMEOUT_MS = 60_000;
const PROTOCOL_VERSION = 1;

export interface AttemptInput {
  readonly deps: JobDeps;
  readonly spec: JobSpec;
  readonly jobDigest: string;
  readonly agreement: Agreement;
  readonly peer: Peer;
  readonly evidence: JobEvidence;
  readonly channel: Channel;
  readonly worker: SessionWorker;
  readonly shape: JobShape;
  readonly senderSizeClass: number;
  readonly attempt: number;
  readonly prepared: PreparedInput;
  readonly datasetVersion: string;
}

/** Counts frames into the job's progress. */
function channelIo(input: AttemptInput, partition: number): FrameIo {
  const { channel, deps, spec, shape } = input;
  let frames = 0;
  const count = () =>
    deps.book.report(spec.jobId, {
      step: `partition ${partition + 1} of ${shape.plan.partitions}: frame ${++frames}`,
      done: partition,
      total: shape.plan.partitions,
    });
  return {
    async send(frame: Frame) {
      count();
      await channel.send(frame);
    },
    receive: () => channel.receive(FRAME_TIMEOUT_MS),
  };
}

/** Runs every partition; `keep` makes what came out durable before the partition counts as finished. Returns the attempt
 * as the receipt names it. */
export async function runPartitions<T extends ReceiveTask | ProvideTask>(
  input: AttemptInput,
  task: (partition: number, context: PartitionContext) => T,
  keep: (partition: number, output: TaskOutput<T>) => Promise<void>,
): Promise<FinishedAttempt> {
  const { deps, channel, shape, spec, attempt, evidence, worker } = input;
  const finished: number[] = [];
  for (let partition = 0; partition < shape.plan.partitions; partition++) {
    const context = partitionContext(shape, channel.exporter, partition);
    const output = await worker.run(task(partition, context), channelIo(input, partition));
    await keep(partition, output);
    await evidence.partitionFinished({ attempt, partition, transcriptHash: toHex(channel.transcript()) });
    await deps.book.append(spec.jobId, { type: "partition-finished", at: deps.logbook.now(), attempt, partition });
    finished.push(partition);
  }
  return {
    attempt,
    exporter: toHex(channel.exporter),
    transcriptHash: toHex(channel.transcript()),
    partitions: finished,
  };
}

/** A salted commitment to what this node brought: the dataset version and every partition's hashes, in order. */
async function inputCommitment({ deps, spec, prepared, datasetVersion }: AttemptInput): Promise<Uint8Array> {
  const salt = await deps.vault.draw(spec.jobId, "input-salt");
  const value = concat(utf8(datasetVersion), ...prepared.partitions.map((rows) => sha256(rows.ids)));
  return commit(salt, "entente input/1", value);
}

export interface SettledReceipt {
  /** SHA-256 of the entry's bytes, hex. */
  readonly digest: string;
  readonly entry: Uint8Array;
  readonly gateKeyHashes: readonly string[];
  readonly cosigned: CosignedPair;
}

/** `gateKeyHash`: the sender's own, hex; the receiver learns it here. Receipt signed by both, in this node's log, and each log's checkpoint cosigned by the other. */
export async function settleReceipt(
  input: AttemptInput,
  finished: FinishedAttempt,
  gateKeyHash?: string,
): Promise<SettledReceipt> {
  const { deps, channel, peer, spec, agreement } = input;
  const { keyring, logbook, store, ports } = deps;
  const log = await logbook.log(agreement.collaboration);
  const facts: ReceiptFacts = {
    spec,
    jobDigest: input.jobDigest,
    parametersDigest: input.shape.parameters,
    protocolVersion: PROTOCOL_VERSION,
    senderSizeClass: input.senderSizeClass,
    attempts: [finished],
  };
  const own = { inputCommitment: await inputCommitment(input), lastCosigned: log.lastCosigned()?.head };
  const exchange = { channel, facts, own, jobsKey: keyring.keys.jobs, peer, timeoutMs: CLOSING_TIMEOUT_MS };
  const { entry, gateKeyHashes } =
    gateKeyHash === undefined
      ? await acceptReceipt(exchange)
      : await proposeReceipt({ ...exchange, claims: { finishedAt: logbook.now(), gateKeyHashes: [gateKeyHash] } });
  const { firstIndex } = await log.append([entry]);
  await store.putJobDocument(spec.jobId, "receipt", new TextDecoder().decode(entry));
  await deps.book.append(spec.jobId, { type: "receipt-signed", at: logbook.now() });
  const cosigned = await cosignEachOther({
    channel,
    log,
    collaboration: agreement.collaboration,
    peer,
    cosignerKey: keyring.keys.cosigner,
    store,
    clock: ports.clock,
    timeoutMs: CLOSING_TIMEOUT_MS,
    receipt: { entry, index: firstIndex },
  });
  return { digest: digestOf(entry), entry, gateKeyHashes, cosigned };
}
