/** A job at the receiver: asked for by a person here, offered to the provider's node, run, opened, and turned into tags. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import { otherParty } from "../../proto/agreement/agreement.ts";
import { type JobSpec, readJobAnswer, signJobSpec } from "../../proto/agreement/job-spec.ts";
import { concat, equalBytes, fromHex, fromUtf8, toHex, uintBe, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson } from "../../proto/encoding/canonical-json.ts";
import { envelopeToJson } from "../../proto/encoding/dsse.ts";
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { commit } from "../../proto/evidence/commitment.ts";
import type { RouteInput } from "../../proto/http/routes.ts";
import { type Digest, type JobId, jobId as toJobId } from "../../proto/ids.ts";
import { featuresOf, parseModel } from "../../proto/model/linear-model.ts";
import { partnerView } from "../../proto/model/partner-view.ts";
import { quantise } from "../../proto/model/quantise.ts";
import { decide, isReleasable } from "../../proto/policy/rules.ts";
import { gateKeyHash } from "../crypto/seal.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import { featureIndex } from "../data/dataset.ts";
import { prepareInput } from "../data/prepare.ts";
import { sizeClassOf } from "../protocols/plan.ts";
import type { Channel } from "../session/channel.ts";
import { ControlClient } from "../session/control.ts";
import type { Peer } from "../session/peers.ts";
import { SessionWorker } from "../session/worker-port.ts";
import { type AttemptInput, runPartitions, type SettledReceipt, settleReceipt } from "./attempt.ts";
import { failedEvent } from "./book.ts";
import type { JobDeps } from "./deps.ts";
import { type JobEvidence, jobEvidence } from "./evidence.ts";
import { isFinal, type Job } from "./lifecycle.ts";
import { countMatches, type LoadedModel, type OpenedPartition, tagsOf } from "./open-result.ts";
import { jobKeyOf, jobShape, partitionContext } from "./shape.ts";

export type JobRequestInput = RouteInput<"startJob">;

const GATE_TIMEOUT_MS = 60_000;
const DAY_MS = 86_400_000;
const FIRST_ATTEMPT = 1;

/** A job that this node's policy has allowed and that is about to be offered. */
interface Asked {
  readonly deps: JobDeps;
  readonly request: JobRequestInput;
  readonly agreement: Agreement;
  readonly peer: Peer;
  readonly registration: DatasetRegistration;
  readonly loaded: LoadedModel | undefined;
  readonly spec: JobSpec;
  readonly specEnvelope: ReturnType<typeof signJobSpec>["envelope"];
  readonly jobDigest: Digest;
  readonly evidence: JobEvidence;
}

/** Checks everything that can be checked here, records the job, and lets it run; resolves when it has been recorded.
 * Throws the agreement's, the policy's, the dataset's and the model's errors; nothing is recorded for those. */
export async function startJob(
  deps: JobDeps,
  request: JobRequestInput,
): Promise<{ job: Job; finished: Promise<void> }> {
  const asked = await ask(deps, request);
  const { spec, jobDigest, evidence, agreement, registration } = asked;
  await evidence.requested();
  await evidence.decided(decideOwn(asked));
  await deps.store.putJobDocument(spec.jobId, "spec", fromUtf8(canonicalJson(envelopeToJson(asked.specEnvelope))));
  const job = await deps.book.append(spec.jobId, {
    type: "proposed",
    at: deps.logbook.now(),
    role: "receiver",
    peer: asked.peer.party,
    operation: spec.operation,
    agreement: agreement.digest,
    collaboration: agreement.collaboration,
    jobDigest,
    ownRows: registration.accepted,
    ownSizeClass: spec.receiverSizeClass,
  });
  return { job, finished: run(asked) };
}

async function ask(deps: JobDeps, request: JobRequestInput): Promise<Asked> {
  const { keyring, ports } = deps;
  const { agreement } = await deps.agreements.require(request.agreement);
  const peer = await deps.peers.require(otherParty(agreement.document, keyring.party).name);
  const registration = await deps.datasets.require(request.dataset);
  const loaded = loadModel(request, registration);
  const view = loaded && partnerView(loaded.model, ports.random.bytes(32));
  const operation = agreement.document.operations.find(
    (item) => item.operation === request.operation && item.receiver === keyring.party,
  );
  const spec: JobSpec = {
    format: "entente-job/1",
    jobId: toJobId(toHex(ports.random.bytes(16))),
    agreement: agreement.digest,
    operation: request.operation,
    protocol: operation?.protocol ?? "psi-dh",
    receiver: keyring.party,
    provider: peer.party,
    receiverDataset: request.dataset,
    providerDataset: request.peerDataset,
    ...(view === undefined ? {} : { model: view }),
    receiverSizeClass: sizeClassOf(registration.accepted),
    receiverNonce: toHex(ports.random.bytes(32)),
    createdAt: deps.logbook.now(),
  };
  const { envelope, digest } = signJobSpec(spec, keyring.keys.jobs);
  const asked = {
    deps,
    request,
    agreement,
    peer,
    registration,
    loaded,
    spec,
    specEnvelope: envelope,
    jobDigest: digest,
    evidence: jobEvidence(deps.logbook, agreement, spec, digest),
  };
  const { refusedBy } = decideOwn(asked);
  if (refusedBy !== undefined) throw new EntenteError(refusedBy);
  return asked;
}

function loadModel(request: JobRequestInput, registration: DatasetRegistration): LoadedModel | undefined {
  if (request.operation !== "score") {
    if (request.model !== undefined) throw new EntenteError("BAD_REQUEST", { detail: "model: only a score has one" });
    if (request.tag.value === undefined) throw new EntenteError("BAD_REQUEST", { detail: "tag.value" });
    return undefined;
  }
  const model = parseModel(request.model);
  for (const { column } of featuresOf(model, "own")) featureIndex(registration.columns, column);
  return { model, quantised: quantise(model) };
}

function decideOwn({
  agreement,
  spec,
  registration,
  deps,
}: Pick<Asked, "agreement" | "spec" | "registration" | "deps">) {
  const job = { ...spec, providerFeatures: spec.model?.features.map((feature) => feature.column) ?? [] };
  return decide(agreement, job, { nowMs: deps.ports.clock.nowMs(), ownRows: registration.accepted });
}

/** Never rejects: what goes wrong becomes the job's last event. */
async function run(asked: Asked): Promise<void> {
  const { deps, spec, evidence, jobDigest, agreement, peer } = asked;
  const { jobId } = spec;
  const startedMs = deps.ports.clock.monotonicMs();
  try {
    await deps.link.createJob({ jobId, agreementDigest: agreement.digest, peer: peer.party, jobDigest });
    const prepared = await offer(asked);
    if (prepared === undefined) return;
    await attempt(asked, prepared, startedMs);
  } catch (error) {
    deps.logger.error({ jobId, err: error }, "job failed");
    const job = await deps.book.require(jobId);
    if (isFinal(job.state)) return;
    const event = failedEvent(error, deps.logbook.now());
    await evidence.failed(job.attempt === 0 ? null : job.attempt, event.code);
    await deps.book.append(jobId, event);
    await tell(asked, "failed", event.code);
  } finally {
    await deps.vault.destroy(jobId);
  }
}

interface Prepared {
  readonly senderSizeClass: number;
  readonly jobKey: Uint8Array;
}

/** In a control session: the provider's node admits or refuses, then says what the plan needs. */
async function offer(asked: Asked): Promise<Prepared | undefined> {
  const { deps, peer, spec, specEnvelope, jobDigest, evidence } = asked;
  const { jobId } = spec;
  deps.book.report(jobId, { step: "asking the peer", done: 0, total: 1 });
  const client = new ControlClient(await deps.meetings.openControl(peer));
  try {
    const answerEnvelope = await client.job(specEnvelope);
    const answer = readJobAnswer(answerEnvelope, peer.key("jobs"), jobDigest);
    await deps.store.putJobDocument(jobId, "answer", fromUtf8(canonicalJson(envelopeToJson(answerEnvelope))));
    if (answer.decision === "refused") {
      const { code } = answer;
      await evidence.refused(peer.party, code);
      await deps.book.append(jobId, { type: "refused", at: deps.logbook.now(), by: "peer", code });
      await tell(asked, "refused", code);
      return undefined;
    }
    await deps.book.append(jobId, { type: "admitted", at: deps.logbook.now() });
    deps.book.report(jobId, { step: "the peer reads its dataset", done: 0, total: 1 });
    const { sizeClass, nonce } = await client.prepare(toJobId(jobId));
    const jobKey = jobKeyOf(jobDigest, fromHex(spec.receiverNonce), nonce);
    await deps.vault.put(jobId, "job-key", jobKey);
    return { senderSizeClass: sizeClass, jobKey };
  } finally {
    await client.close();
  }
}

/** The coordinator's view of the job: a courtesy to whoever looks there, so a failure of it is only logged. */
async function tell(
  { deps, spec }: Asked,
  state: "running" | "releasing" | "done" | "refused" | "failed",
  reason?: ErrorCode,
): Promise<void> {
  const report = { jobId: spec.jobId, state, ...(reason === undefined ? {} : { reason }) };
  await deps.link
    .reportJob(report)
    .catch((err: unknown) => deps.logger.warn({ jobId: spec.jobId, err }, "report to the coordinator failed"));
}

async function attempt(asked: Asked, { senderSizeClass, jobKey }: Prepared, startedMs: number): Promise<void> {
  const { deps, peer, spec, jobDigest, registration, loaded, agreement, evidence } = asked;
  const { jobId } = spec;
  const shape = jobShape(spec, senderSizeClass);
  const featureColumns = loaded === undefined ? [] : loaded.quantised.own.features.map((feature) => feature.column);
  const prepared = await prepareInput(registration, { jobKey, featureColumns, partitions: shape.plan.partitions });
  await deps.book.append(jobId, {
    type: "attempt-started",
    at: deps.logbook.now(),
    attempt: FIRST_ATTEMPT,
    peerSizeClass: senderSizeClass,
  });
  await tell(asked, "running");
  const purpose = {
    kind: "job",
    jobDigest,
    attempt: FIRST_ATTEMPT,
    parameters: shape.parameters,
    plan: shape.planDigest,
  } as const;
  const channel = await deps.meetings.openJob(peer, jobId, purpose);
  const worker = new SessionWorker();
  try {
    const input: AttemptInput = {
      deps,
      spec,
      jobDigest,
      agreement,
      peer,
      evidence,
      channel,
      worker,
      shape,
      senderSizeClass,
      attempt: FIRST_ATTEMPT,
      prepared,
      datasetVersion: registration.version,
    };
    const score = loaded && {
      weights: loaded.quantised.partner.weights,
      features: loaded.quantised.partner.weights.length,
      maxMatchedRows: shape.maxMatchedRows,
    };
    const finished = await runPartitions(
      input,
      (partition, context) => ({
        kind: "receive" as const,
        protocol: spec.protocol,
        context,
        ids: prepared.partitions[partition]?.ids ?? new Uint8Array(0),
        ...(score === undefined ? {} : { score }),
      }),
      (partition, output) => deps.vault.putPartition(jobId, FIRST_ATTEMPT, partition, output),
    );
    deps.book.report(jobId, { step: "signing the receipt", done: 1, total: 1 });
    await tell(asked, "releasing");
    const settled = await settleReceipt(input, finished);
    await release(asked, input, settled, startedMs);
  } catch (error) {
    await channel.fail(toEntenteError(error));
    throw error;
  } finally {
    channel.close();
    await worker.close();
  }
}

/** The gate: the key arrives, must be the receipt's, and only then is anything opened. */
async function release(asked: Asked, input: AttemptInput, settled: SettledReceipt, startedMs: number): Promise<void> {
  const { deps, spec, agreement, evidence, request, loaded } = asked;
  const { channel } = input;
  const { jobId } = spec;
  const gateKey = await hearGateKey(channel, settled);
  await deps.vault.put(jobId, "gate-key", gateKey);
  await deps.book.append(jobId, { type: "gate-opened", at: deps.logbook.now() });
  const opened = await openPartitions(input, gateKey);
  await channel.say({ kind: "opened" });
  const matched = countMatches(opened);
  const summary = () => ({
    seconds: (deps.ports.clock.monotonicMs() - startedMs) / 1000,
    bytesSent: channel.bytesSent,
    bytesReceived: channel.bytesReceived,
  });
  await submitReceipt(deps, jobId, settled.entry);
  if (!isReleasable(agreement, matched)) {
    await evidence.withheld({ receiptDigest: settled.digest, code: "POLICY_RESULT_FLOOR" });
    await deps.book.append(jobId, { type: "done", at: deps.logbook.now(), withheld: true, summary: summary() });
  } else {
    const salt = deps.ports.random.bytes(32);
    await evidence.opened({
      receiptDigest: settled.digest,
      outputCommitment: toHex(
        commit(
          salt,
          "entente output/1",
          concat(uintBe(matched, 4), ...opened.map(({ matches }) => new Uint8Array(matches.rows.buffer))),
        ),
      ),
      outputSizeClass: sizeClassOf(matched),
      receiver: spec.receiver,
      cosigned: { receiver: settled.cosigned.own, sender: settled.cosigned.peer },
    });
    const tags = await issueTags(asked, input, opened, request, loaded);
    await deps.book.append(jobId, {
      type: "done",
      at: deps.logbook.now(),
      withheld: false,
      summary: { matched, tags, ...summary() },
    });
  }
  await tell(asked, "done");
}

async function hearGateKey(channel: Channel, settled: SettledReceipt): Promise<Uint8Array> {
  const { keys } = await channel.hear(GATE_TIMEOUT_MS, "gateKeys");
  const [key] = keys;
  const expected = settled.gateKeyHashes[0];
  if (
    keys.length !== 1 ||
    key === undefined ||
    expected === undefined ||
    !equalBytes(gateKeyHash(key), fromHex(expected))
  ) {
    throw new EntenteError("SEAL_INVALID", { detail: "another gate key than the receipt names" });
  }
  return key;
}

async function openPartitions(input: AttemptInput, gateKey: Uint8Array): Promise<OpenedPartition[]> {
  const { deps, spec, shape, channel, worker, attempt: number } = input;
  const opened: OpenedPartition[] = [];
  for (let partition = 0; partition < shape.plan.partitions; partition++) {
    const { sealed, masked } = await deps.vault.partition(spec.jobId, number, partition);
    const context = partitionContext(shape, channel.exporter, partition);
    const matches = await worker.run({ kind: "open", protocol: spec.protocol, context, sealed, gateKey });
    opened.push({ partition, matches, masked });
  }
  return opened;
}

async function issueTags(
  asked: Asked,
  input: AttemptInput,
  opened: readonly OpenedPartition[],
  request: JobRequestInput,
  loaded: LoadedModel | undefined,
): Promise<Record<string, number>> {
  const { deps, spec, agreement, evidence } = asked;
  const nowMs = deps.ports.clock.nowMs();
  const expiresAt = new Date(nowMs + request.tag.expiresInDays * DAY_MS).toISOString();
  const order = {
    jobId: spec.jobId,
    agreement: agreement.digest,
    key: request.tag.key,
    // A model without tiers gives scores alone.
    value: request.tag.value ?? "scored",
    issuedAt: new Date(nowMs).toISOString(),
    expiresAt,
  };
  const counts: Record<string, number> = {};
  const tags = [...tagsOf(input.prepared, opened, order, loaded)];
  for (const tag of tags) counts[tag.value] = (counts[tag.value] ?? 0) + 1;
  const value = utf8(tags.map((tag) => `${tag.subject}\t${tag.key}\t${tag.value}`).join("\n"));
  await evidence.tagsIssued({
    tagsCommitment: toHex(commit(deps.ports.random.bytes(32), "entente tags/1", value)),
    expiresAt,
  });
  await deps.store.putTags(spec.jobId, tags);
  return Object.fromEntries(Object.entries(counts).sort());
}

/** The coordinator's copy of the receipt. The gate does not wait for it. */
export async function submitReceipt(deps: JobDeps, jobId: JobId | string, entry: Uint8Array): Promise<void> {
  try {
    await deps.link.submitReceipt({ jobId: toJobId(jobId), envelope: entry });
  } catch (error) {
    deps.logger.warn({ jobId, err: error }, "the coordinator did not take the receipt");
  }
}
