/** A job at the provider: offered by a peer's node, admitted or refused by this one, served, and released by its key. */
import { otherParty } from "../../proto/agreement/agreement.ts";
import { type JobAnswer, type JobSpec, readJobSpec, signJobAnswer } from "../../proto/agreement/job-spec.ts";
import { fromHex, fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { type Envelope, envelopeFromJson, envelopeToJson } from "../../proto/encoding/dsse.ts";
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import type { Digest, JobId, RelayId } from "../../proto/ids.ts";
import { quantiseFeature } from "../../proto/model/feature.ts";
import type { PartnerView } from "../../proto/model/partner-view.ts";
import { decide } from "../../proto/policy/rules.ts";
import { gateKeyHash } from "../crypto/seal.ts";
import { featureIndex } from "../data/dataset.ts";
import { prepareInput } from "../data/prepare.ts";
import { sizeClassOf } from "../protocols/plan.ts";
import type { Peer } from "../session/peers.ts";
import { SessionWorker } from "../session/worker-port.ts";
import { type AttemptInput, runPartitions, settleReceipt } from "./attempt.ts";
import { failedEvent } from "./book.ts";
import type { JobDeps } from "./deps.ts";
import { type JobEvidence, jobEvidence } from "./evidence.ts";
import { isFinal, type Job } from "./lifecycle.ts";
import { submitReceipt } from "./receiver.ts";
import { jobKeyOf, jobShape } from "./shape.ts";

const OPENED_TIMEOUT_MS = 120_000;

/** The answer to an offer. A refusal is an answer, signed and in evidence; only what is no offer at all throws. */
export async function answerOffer(deps: JobDeps, peer: Peer, specEnvelope: Envelope): Promise<Envelope> {
  const { spec, digest } = readJobSpec(specEnvelope, peer.key("jobs"));
  const { keyring } = deps;
  if (spec.receiver !== peer.party || spec.provider !== keyring.party)
    throw new EntenteError("SESSION_MISMATCH", { detail: "the job is between others" });
  const answered = { format: "entente-job-answer/1", jobDigest: digest, answeredAt: deps.logbook.now() } as const;
  const code = await admit(deps, peer, spec, specEnvelope, digest);
  const answer: JobAnswer =
    code === undefined ? { ...answered, decision: "admitted" } : { ...answered, decision: "refused", code };
  const signed = signJobAnswer(answer, keyring.keys.jobs);
  if (code === undefined)
    await deps.store.putJobDocument(spec.jobId, "answer", fromUtf8(canonicalJson(envelopeToJson(signed))));
  return signed;
}

/** Undefined when admitted, with the job recorded; the code of the refusal otherwise. */
async function admit(
  deps: JobDeps,
  peer: Peer,
  spec: JobSpec,
  specEnvelope: Envelope,
  digest: Digest,
): Promise<ErrorCode | undefined> {
  let evidence: JobEvidence | undefined;
  try {
    const { agreement } = await deps.agreements.require(spec.agreement);
    if (otherParty(agreement.document, deps.keyring.party).name !== peer.party)
      throw new EntenteError("AGREEMENT_UNKNOWN");
    evidence = jobEvidence(deps.logbook, agreement, spec, digest);
    await evidence.requested();
    const registration = await deps.datasets.require(spec.providerDataset);
    const job = { ...spec, providerFeatures: spec.model?.features.map((feature) => feature.column) ?? [] };
    const decision = decide(agreement, job, { nowMs: deps.ports.clock.nowMs(), ownRows: registration.accepted });
    await evidence.decided(decision);
    if (decision.refusedBy !== undefined) throw new EntenteError(decision.refusedBy);
    for (const feature of job.providerFeatures) featureIndex(registration.columns, feature);
    await deps.store.putJobDocument(spec.jobId, "spec", fromUtf8(canonicalJson(envelopeToJson(specEnvelope))));
    const at = deps.logbook.now();
    await deps.book.append(spec.jobId, {
      type: "proposed",
      at,
      role: "provider",
      peer: peer.party,
      operation: spec.operation,
      agreement: agreement.digest,
      collaboration: agreement.collaboration,
      jobDigest: digest,
      ownRows: registration.accepted,
      ownSizeClass: sizeClassOf(registration.accepted),
    });
    await deps.book.append(spec.jobId, { type: "admitted", at });
    await deps.link.reportJob({ jobId: spec.jobId, state: "admitted" }).catch((err: unknown) => {
      deps.logger.warn({ jobId: spec.jobId, err }, "report to the coordinator failed");
    });
    return undefined;
  } catch (error) {
    const { code } = toEntenteError(error);
    deps.logger.warn({ jobId: spec.jobId, code, err: code === "INTERNAL" ? error : undefined }, "job refused");
    await evidence?.refused(deps.keyring.party, code);
    return code;
  }
}

/** The control session's second question: this node's size class and nonce. The same answer each time it is asked. */
export async function prepareJob(
  deps: JobDeps,
  peer: Peer,
  jobId: JobId,
): Promise<{ sizeClass: number; nonce: Uint8Array }> {
  const job = await requireFrom(deps, peer, jobId);
  if (job.state !== "admitted") throw new EntenteError("WIRE_UNEXPECTED", { detail: `job is ${job.state}` });
  const nonce = await deps.vault.get(jobId, "nonce").catch(() => deps.vault.draw(jobId, "nonce"));
  return { sizeClass: job.proposed.ownSizeClass, nonce };
}

/** A job session that the receiver's node asked for. Never rejects: what goes wrong becomes the job's last event. */
export async function serveJob(
  deps: JobDeps,
  peer: Peer,
  wake: { relayId: RelayId; jobId: JobId; attempt: number },
): Promise<void> {
  const { jobId, attempt } = wake;
  const job = await requireFrom(deps, peer, jobId);
  if (attempt <= job.attempt || job.state !== "admitted") throw new EntenteError("ATTEMPT_REPLAYED");
  const { spec, digest } = await storedSpec(deps, peer, jobId);
  const { agreement } = await deps.agreements.require(spec.agreement);
  const evidence = jobEvidence(deps.logbook, agreement, spec, digest);
  const startedMs = deps.ports.clock.monotonicMs();
  try {
    await attemptAsSender({ deps, peer, wake, job, spec, digest, agreement, evidence, startedMs });
  } catch (error) {
    deps.logger.error({ jobId, err: error }, "job failed");
    if (isFinal((await deps.book.require(jobId)).state)) return;
    const event = failedEvent(error, deps.logbook.now());
    await evidence.failed(attempt, event.code);
    await deps.book.append(jobId, event);
  } finally {
    await deps.vault.destroy(jobId);
  }
}

interface Serving {
  readonly deps: JobDeps;
  readonly peer: Peer;
  readonly wake: { relayId: RelayId; jobId: JobId; attempt: number };
  readonly job: Job;
  readonly spec: JobSpec;
  readonly digest: Digest;
  readonly agreement: Awaited<ReturnType<JobDeps["agreements"]["require"]>>["agreement"];
  readonly evidence: JobEvidence;
  readonly startedMs: number;
}

async function attemptAsSender({
  deps,
  peer,
  wake,
  job,
  spec,
  digest,
  agreement,
  evidence,
  startedMs,
}: Serving): Promise<void> {
  const { jobId, attempt } = wake;
  const { ownSizeClass } = job.proposed;
  const registration = await deps.datasets.require(spec.providerDataset);
  const shape = jobShape(spec, ownSizeClass);
  const jobKey = jobKeyOf(digest, fromHex(spec.receiverNonce), await deps.vault.get(jobId, "nonce"));
  // Persisted before the session: the same attempt is never served twice.
  await deps.book.append(jobId, {
    type: "attempt-started",
    at: deps.logbook.now(),
    attempt,
    peerSizeClass: spec.receiverSizeClass,
  });
  const gateKey = await deps.vault.draw(jobId, `gate-key-${attempt}`);
  const purpose = {
    kind: "job",
    jobDigest: digest,
    attempt,
    parameters: shape.parameters,
    plan: shape.planDigest,
  } as const;
  const [channel, prepared] = await Promise.all([
    deps.meetings.acceptJob(wake.relayId, peer, purpose),
    prepareInput(registration, {
      jobKey,
      featureColumns: spec.model?.features.map((feature) => feature.column) ?? [],
      partitions: shape.plan.partitions,
    }),
  ]);
  const worker = new SessionWorker();
  try {
    const input: AttemptInput = {
      deps,
      spec,
      jobDigest: digest,
      agreement,
      peer,
      evidence,
      channel,
      worker,
      shape,
      senderSizeClass: ownSizeClass,
      attempt,
      prepared,
      datasetVersion: registration.version,
    };
    const finished = await runPartitions(
      input,
      (partition, context) => {
        const rows = prepared.partitions[partition];
        const score = spec.model && {
          features: spec.model.features.length,
          maxMatchedRows: shape.maxMatchedRows,
          columns: quantised(spec.model, rows?.features ?? []),
        };
        return {
          kind: "provide" as const,
          protocol: spec.protocol,
          context,
          ids: rows?.ids ?? new Uint8Array(0),
          gateKey,
          ...(score === undefined ? {} : { score }),
        };
      },
      async () => {},
    );
    const hash = toHex(gateKeyHash(gateKey));
    const settled = await settleReceipt(input, finished, hash);
    const cosigned = { receiver: settled.cosigned.peer, sender: settled.cosigned.own };
    await evidence.gateKeyReleased({
      receiptDigest: settled.digest,
      attempts: [{ attempt, gateKeyHash: hash }],
      cosigned,
    });
    await deps.book.append(jobId, { type: "gate-opened", at: deps.logbook.now() });
    await channel.say({ kind: "gateKeys", keys: [gateKey] });
    // The peer says so before it knows what it may show: this tells nothing of what matched.
    await channel.hear(OPENED_TIMEOUT_MS, "opened");
    const summary = {
      seconds: (deps.ports.clock.monotonicMs() - startedMs) / 1000,
      bytesSent: channel.bytesSent,
      bytesReceived: channel.bytesReceived,
    };
    await deps.book.append(jobId, { type: "done", at: deps.logbook.now(), withheld: false, summary });
    await submitReceipt(deps, jobId, settled.entry);
  } catch (error) {
    await channel.fail(toEntenteError(error));
    throw error;
  } finally {
    channel.close();
    await worker.close();
  }
}

/** The model's columns as int16; a missing value (NaN) takes the model's stand-in. */
function quantised(view: PartnerView, columns: readonly Float64Array[]): Int16Array[] {
  return view.features.map((feature, j) =>
    Int16Array.from(columns[j] ?? [], (value) => quantiseFeature(feature, Number.isNaN(value) ? null : value)),
  );
}

async function requireFrom(deps: JobDeps, peer: Peer, jobId: string): Promise<Job> {
  const job = await deps.book.require(jobId);
  if (job.proposed.peer !== peer.party || job.proposed.role !== "provider")
    throw new EntenteError("NOT_FOUND", { detail: "job" });
  return job;
}

async function storedSpec(deps: JobDeps, peer: Peer, jobId: string): Promise<{ spec: JobSpec; digest: Digest }> {
  const text = await deps.store.jobDocument(jobId, "spec");
  if (text === undefined) throw new EntenteError("NOT_FOUND", { detail: "job spec" });
  return readJobSpec(envelopeFromJson(parseCanonicalJson(utf8(text))), peer.key("jobs"));
}
