/** A peer's offer of a job: admitted, refused, or left to a person here. The answer is signed, and the same when asked again. */
import { otherParty } from "../../proto/agreement/agreement.ts";
import {
  type JobAnswer,
  type JobSpec,
  readJobAnswer,
  readJobSpec,
  signJobAnswer,
} from "../../proto/agreement/job-spec.ts";
import { requireAgreedLabels } from "../../proto/agreement/label-columns.ts";
import { fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import type { Digest, JobId } from "../../proto/ids.ts";
import { viewColumns } from "../../proto/model/partner-view.ts";
import { classRange, sizeClassOf } from "../../proto/size-class.ts";
import { effectiveVersion, featureIndex, formDigest, peopleOf } from "../data/dataset.ts";
import { placedLabels } from "../data/label-cells.ts";
import type { Question } from "../policy/desk.ts";
import { epochAt, versionTag } from "../policy/epoch-keys.ts";
import type { Peer } from "../session/peers.ts";
import { requireAudience } from "./audience.ts";
import { type Charged, charge } from "./charge.ts";
import type { JobDeps } from "./deps.ts";
import { destroySecrets, endFailed, endRefused } from "./ending.ts";
import { type JobEvidence, jobEvidence } from "./evidence.ts";
import type { JobProposed } from "./lifecycle.ts";
import { requireAgreedForm, requireSameRules } from "./own-dataset.ts";
import { endWhenIdle, type LoadedJob, questionOf, sameDataset } from "./served-job.ts";
import { countList, keepSketch, type OwnSide, smallestDifference } from "./sketching.ts";
import { keepTakingPart, requireSamePeople, type TakingPart, takingPartOf } from "./taking-part.ts";

/** The answer to an offer. A refusal is an answer, signed and in evidence; what is no offer at all, or another one under a
 * known id, throws and nothing is signed. */
export function answerOffer(deps: JobDeps, peer: Peer, specEnvelope: Envelope): Promise<Envelope> {
  const { spec, digest } = readJobSpec(specEnvelope, peer.key("jobs"));
  if (spec.receiver !== peer.party || spec.provider !== deps.keyring.party)
    throw new EntenteError("SESSION_MISMATCH", { detail: "the job is between others" });
  deps.stopping.requireRunning();
  return deps.turns.take(spec.jobId, () => answer(deps, peer, { spec, digest, specEnvelope }));
}

interface Offer {
  readonly spec: JobSpec;
  readonly digest: Digest;
  readonly specEnvelope: Envelope;
}

async function answer(deps: JobDeps, peer: Peer, offer: Offer): Promise<Envelope> {
  const { spec, digest } = offer;
  const [known] = await deps.store.jobEvents(spec.jobId);
  if (known !== undefined) {
    if (known.type !== "proposed" || known.jobDigest !== digest)
      throw new EntenteError("ALREADY_EXISTS", { detail: "job id" });
    return answerAgain(deps, spec.jobId, digest);
  }
  await deps.gates.offered(peer.party);
  const said = await admit(deps, peer, offer);
  return putAnswer(deps, spec.jobId, digest, said);
}

/** What the job has come to by now: the answer that was given, unless somebody has decided since. */
async function answerAgain(deps: JobDeps, jobId: JobId, digest: Digest): Promise<Envelope> {
  const { state, awaitsApproval, reason } = await deps.book.require(jobId);
  const said: Said =
    reason !== undefined && (state === "refused" || state === "failed")
      ? { decision: "refused", code: reason.code }
      : { decision: state === "proposed" && awaitsApproval ? "pending" : "admitted" };
  const text = await deps.store.jobDocument(jobId, "answer");
  const before = text === undefined ? undefined : decodeEnvelope(utf8(text));
  const isSame = before && readJobAnswer(before, deps.keyring.keys.jobs, digest).decision === said.decision;
  return isSame ? before : putAnswer(deps, jobId, digest, said);
}

type Said = { readonly decision: "admitted" | "pending" } | { readonly decision: "refused"; readonly code: ErrorCode };

async function putAnswer(deps: JobDeps, jobId: JobId, jobDigest: Digest, said: Said): Promise<Envelope> {
  const answered: JobAnswer = { format: "entente-job-answer/1", jobDigest, answeredAt: deps.logbook.now(), ...said };
  const signed = signJobAnswer(answered, deps.keyring.keys.jobs);
  await deps.store.putJobDocument(jobId, "answer", fromUtf8(encodeEnvelope(signed)));
  return signed;
}

/** The job is recorded, unless there is no agreement or dataset that it could be recorded under. */
async function admit(deps: JobDeps, peer: Peer, { spec, digest, specEnvelope }: Offer): Promise<Said> {
  const { jobId } = spec;
  let evidence: JobEvidence | undefined;
  try {
    const { agreement } = await deps.agreements.require(spec.agreement);
    if (otherParty(agreement.document, deps.keyring.party).name !== peer.party)
      throw new EntenteError("AGREEMENT_UNKNOWN");
    evidence = jobEvidence(deps.logbook, agreement, spec, digest);
    const registration = await deps.datasets.require(spec.providerDataset);
    const epoch = epochAt(agreement.document.budgets.epochDays, await deps.clock.keep());
    const ownVersion = toHex(versionTag(deps.keyring.epochSeed, epoch, registration));
    await evidence.requested(spec);
    const offered = { deps, agreement, spec, registration, versionTag: ownVersion };
    if (spec.providerSegment !== undefined)
      await deps.segments.requirePublished(spec.providerSegment, registration.name, peer.party);
    const hopeless = await refusedUnread(offered);
    const side = hopeless === undefined ? await deps.reads.take(peer.party, () => servedSide(offered)) : undefined;
    const ownRows = side?.list.rows ?? peopleOf(registration);
    deps.gates.requireRows(Math.max(ownRows, classRange(spec.receiverSizeClass).from));
    const question = questionOf(agreement, spec, { ownRows, versionTag: ownVersion });
    const draft: JobProposed = {
      type: "proposed",
      at: deps.logbook.now(),
      role: "provider",
      peer: peer.party,
      operation: spec.operation,
      output: spec.output,
      agreement: agreement.digest,
      collaboration: agreement.collaboration,
      jobDigest: digest,
      ownRows,
      ownSizeClass: sizeClassOf(ownRows),
      datasetVersion: registration.version,
      datasetForm: formDigest(registration),
      effectiveVersion: effectiveVersion(registration),
      versionTag: ownVersion,
      awaitsApproval: false,
    };
    // Durable before it is charged: what was charged goes on after a stop.
    if (side !== undefined) await keepTakingPart(deps, jobId, side.taking);
    await deps.store.putJobDocument(jobId, "spec", fromUtf8(encodeEnvelope(specEnvelope)));
    await deps.vault.putDraft(jobId, draft);
    const charged = await chargeFor(offered, question, side, evidence);
    const awaitsApproval = charged.as === "approval-needed";
    await deps.book.append(jobId, { ...draft, at: deps.logbook.now(), awaitsApproval });
    if (charged.as === "refused") throw new EntenteError(charged.code);
    if (charged.as === "approval-needed") return { decision: "pending" };
    await beginServing(deps, jobId);
    return { decision: "admitted" };
  } catch (error) {
    const { code, detail } = toEntenteError(error);
    deps.logger.warn({ jobId, code, detail, err: code === "INTERNAL" ? error : undefined }, "job refused");
    await recordRefusal(deps, evidence, jobId, error);
    return { decision: "refused", code };
  }
}

/** Also of a job whose recording has failed: what the disk has of it is ended. */
async function recordRefusal(
  deps: JobDeps,
  evidence: JobEvidence | undefined,
  jobId: JobId,
  error: unknown,
): Promise<void> {
  if (evidence === undefined) return;
  const { code } = toEntenteError(error);
  const isRecorded = (await deps.store.jobEvents(jobId)).length > 0;
  try {
    await evidence.refused(deps.keyring.party, code);
    if (isRecorded) await deps.book.append(jobId, { type: "refused", at: deps.logbook.now(), by: "own", code });
    await destroySecrets(deps, jobId);
  } catch (err) {
    if (!isRecorded) throw err;
    await endFailed(deps, evidence, jobId, error);
  }
}

interface Offered extends Pick<OwnSide, "deps" | "agreement" | "spec" | "registration"> {
  /** Of the own dataset's version. */
  readonly versionTag: string;
}

/** What of the own dataset takes part in a peer's job. */
type ServedSide = OwnSide & { readonly taking: TakingPart };

/** The code of what refuses the job however many of a segment take part: then nothing is read for the peer, who is charged
 * nothing for what is refused. */
async function refusedUnread({
  deps,
  agreement,
  spec,
  registration,
  versionTag: tag,
}: Offered): Promise<ErrorCode | undefined> {
  // Of the whole dataset it is known how many they are.
  const isSize = (code: ErrorCode) => spec.providerSegment !== undefined && code === "POLICY_SIZE_RATIO";
  const question = questionOf(agreement, spec, { ownRows: peopleOf(registration), versionTag: tag });
  const { rules, refusedBy } = await deps.policy.decide(question);
  const failed = rules.find(({ code, outcome }) => outcome === "failed" && !isSize(code));
  if (refusedBy !== undefined && failed !== undefined) return failed.code;
  try {
    await requireFit({ deps, agreement, spec, registration });
    return undefined;
  } catch (error) {
    return toEntenteError(error).code;
  }
}

/** A dataset that is not of the agreed form, or lacks a column, is charged nothing, nor is an audience that cannot be gone on
 * from; they are looked at only for a job that the rules allow. */
async function requireFit({ deps, agreement, spec, registration }: Omit<Offered, "versionTag">): Promise<void> {
  requireAgreedForm(agreement, deps.keyring.party, registration);
  requireSameRules(spec, registration);
  for (const column of spec.model === undefined ? [] : viewColumns(spec.model))
    featureIndex(registration.columns, column);
  requireAgreedLabels(agreement.document, spec);
  placedLabels(registration.columns, spec.labels ?? []);
  if (spec.matched !== undefined) await requireAudience(deps, spec.matched.audience, spec, registration);
}

/** Reads the dataset where who takes part is not known already, and always for an aggregate. Throws as `takingPartOf` and
 * `prepareInput`. */
async function servedSide({ deps, agreement, spec, registration }: Omit<Offered, "versionTag">): Promise<ServedSide> {
  const taking = await takingPartOf(deps, spec, registration);
  const epoch = epochAt(agreement.document.budgets.epochDays, await deps.clock.keep());
  const spill = deps.vault.spillPlace(spec.jobId, spec.receiver);
  const { selection } = taking;
  const list = await countList(deps, { output: spec.output, registration, selection, epoch, spill });
  return { deps, agreement, spec, registration, list, groupings: undefined, role: "provider", taking };
}

async function chargeFor(
  offered: Offered,
  question: Question,
  /** Undefined when the job is refused anyhow. */
  side: ServedSide | undefined,
  evidence: JobEvidence,
): Promise<Charged> {
  const { deps, agreement, spec } = offered;
  return deps.policy.inTurn(agreement, async () => {
    // A node that has lost its store still knows from its log what it has run: an old spec is not run again.
    if ((await deps.policy.runs(agreement)).some((run) => run.jobId === spec.jobId))
      return { as: "refused", code: "ATTEMPT_REPLAYED" };
    const requireFitNow = async () => {
      await requireFit(offered);
      if (side === undefined) throw new EntenteError("OVERLOADED", { detail: "what refused the job has changed" });
    };
    const asked = { ...question, difference: side && (await smallestDifference(side)) };
    const beforeCharge = async () => side && keepSketch(side);
    return charge(deps, { question: asked, evidence, isApproved: false, requireFit: requireFitNow, beforeCharge });
  });
}

async function beginServing(deps: JobDeps, jobId: JobId): Promise<void> {
  await deps.book.append(jobId, { type: "admitted", at: deps.logbook.now() });
  endWhenIdle(deps, jobId);
  await reportAdmitted(deps, jobId);
}

/** To the coordinator; again before every attempt, as a report may have been lost with a process. Never rejects. */
export async function reportAdmitted({ link, logger }: JobDeps, jobId: JobId): Promise<void> {
  await link.reportJob({ jobId, state: "admitted" }).catch((err: unknown) => {
    logger.warn({ jobId, err }, "report to the coordinator failed");
  });
}

/** A person here has approved a pending job, and evidence says so: decides anew, and answers the peer when it asks again. */
export async function admitApproved(deps: JobDeps, peer: Peer, loaded: LoadedJob): Promise<void> {
  const { job, spec, agreement, evidence } = loaded;
  const { jobId } = spec;
  const registration = await sameDataset(deps, loaded);
  if (spec.providerSegment !== undefined)
    await deps.segments.requirePublished(spec.providerSegment, registration.name, peer.party);
  const side = await servedSide({ deps, agreement, spec, registration });
  await requireSamePeople(deps, jobId, side.taking);
  const charged = await deps.policy.inTurn(agreement, async () => {
    const question = { ...questionOf(agreement, spec, job.proposed), difference: await smallestDifference(side) };
    return charge(deps, { question, evidence, isApproved: true, beforeCharge: () => keepSketch(side) });
  });
  if (charged.as === "refused") return endRefused(deps, evidence, jobId, charged.code);
  await deps.book.append(jobId, { type: "approved", at: deps.logbook.now() });
  await beginServing(deps, jobId);
}
