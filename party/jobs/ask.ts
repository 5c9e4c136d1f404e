/** What a person asks for, as a job: everything that can be checked at the receiver before the peer hears of it. */
import {
  type AgreedOperation,
  type Agreement,
  type AgreementDocument,
  otherParty,
} from "../../proto/agreement/agreement.ts";
import {
  AGGREGATE_OUTPUTS,
  type Alignment,
  OUTPUTS_OF,
  type Output,
  PSI_PROTOCOLS,
} from "../../proto/agreement/fields.ts";
import { type JobSpec, signJobSpec } from "../../proto/agreement/job-spec.ts";
import { agreedLabels, type LabelColumn } from "../../proto/agreement/label-columns.ts";
import { equalBytes, fromUtf8, toHex } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { type Envelope, encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { RouteInput } from "../../proto/http/routes.ts";
import { type Digest, jobId } from "../../proto/ids.ts";
import { columnsOf, modelDigest, parseModel } from "../../proto/model/model.ts";
import { partnerView } from "../../proto/model/partner-view.ts";
import { encryptedPolynomials, quantise } from "../../proto/model/quantise.ts";
import { agreedOperation, allowsSegment, operationsOver } from "../../proto/policy/request.ts";
import type { DifferenceSketch } from "../../proto/policy/sketch.ts";
import { countGroups, type Grouping } from "../../proto/report/grouping.ts";
import type { SegmentRef } from "../../proto/segments/names.ts";
import { sizeClassOf } from "../../proto/size-class.ts";
import { type DatasetRegistration, featureIndex } from "../data/dataset.ts";
import type { Selection } from "../data/selection.ts";
import type { Question } from "../policy/desk.ts";
import { type Epoch, epochAt, versionTag } from "../policy/epoch-keys.ts";
import type { Peer } from "../session/peers.ts";
import { audienceSegment, type Matched, matchedPeople } from "./audience.ts";
import type { JobDeps } from "./deps.ts";
import { type JobEvidence, jobEvidence } from "./evidence.ts";
import { type Issued, issuedBy, issuedKeys } from "./issued-tags.ts";
import type { LoadedModel } from "./open-result.ts";
import { type DatasetThen, isSameInput, normaliserProfiles, requireAgreedForm } from "./own-dataset.ts";
import { storedGroupings, storeGroupings } from "./report-plan.ts";
import { readGroupings } from "./reporting.ts";
import { countList, smallestDifference } from "./sketching.ts";
import { readStoredSpec } from "./stored-spec.ts";
import { keepTakingPart, requireSamePeople, type TakingPart, takingPart } from "./taking-part.ts";

export type JobRequestInput = RouteInput<"startJob">;

/** A job in this node's own words, not yet decided on. */
export interface Asked {
  readonly deps: JobDeps;
  readonly request: JobRequestInput;
  readonly agreement: Agreement;
  readonly peer: Peer;
  readonly registration: DatasetRegistration;
  readonly taking: TakingPart;
  /** Who of it enters the protocol; everybody when undefined. */
  readonly selection: Selection | undefined;
  readonly loaded: LoadedModel | undefined;
  /** Undefined for an output that issues no tags. */
  readonly issued: Issued | undefined;
  /** Of a report. */
  readonly groupings: readonly Grouping[] | undefined;
  readonly spec: JobSpec;
  readonly specEnvelope: Envelope;
  readonly jobDigest: Digest;
  readonly evidence: JobEvidence;
  readonly list: OwnList;
}

/** What of the own dataset takes part. */
export interface OwnList {
  /** Distinct people. */
  readonly rows: number;
  /** Of an aggregate output. */
  readonly sketched?: {
    readonly sketch: DifferenceSketch;
    /** The epoch's, under which the ids were hashed. */
    readonly key: Uint8Array;
    readonly epoch: Epoch;
  };
  /** Of a shared score: those whom the audience found, out of `rows`. */
  readonly matched?: Matched;
}

const REQUEST_SECRET = "request";
const MATCHED_SECRET = "matched";

/** Throws the agreement's, the dataset's, the filter's and the model's errors; nothing is decided or recorded. */
export async function ask(deps: JobDeps, request: JobRequestInput): Promise<Asked> {
  const { keyring, ports } = deps;
  const gathered = await gather(deps, request);
  const { agreement, peer, registration, loaded } = gathered;
  const view = loaded && partnerView(loaded.model, await deps.vault.modelSalt(modelDigest(loaded.model)));
  const { document } = agreement;
  const alignment = alignmentOf(request);
  const { audience, peerSegment } = request;
  const providerSegment = audience === undefined ? peerSegment : await audienceSegment(deps, audience);
  const operations = operationsOver(document, {
    operation: request.operation,
    receiver: keyring.party,
    receiverDataset: request.dataset,
    providerDataset: request.peerDataset,
  });
  const aligned = operations.filter((item) => item.alignment === alignment);
  const operation = aligned.find((item) => allowsSegment(item, providerSegment)) ?? aligned[0] ?? operations[0];
  const output = request.output ?? operation?.outputs[0] ?? OUTPUTS_OF[request.operation][0];
  const labels = labelsOf(request, output, document, peer.party);
  if (labels.length > 0) await deps.kept.requireResultRoom(peer.party);
  const wishes = await readWishes(gathered, output, operation, labels);
  const epoch = epochAt(document.budgets.epochDays, await deps.clock.keep());
  const base = {
    format: "entente-job/1",
    jobId: jobId(toHex(ports.random.bytes(16))),
    agreement: agreement.digest,
    operation: request.operation,
    output,
    purpose: request.purpose ?? document.purposes[0]?.id ?? "",
    protocol: operation?.protocol ?? PSI_PROTOCOLS[0],
    receiver: keyring.party,
    provider: peer.party,
    receiverDataset: request.dataset,
    providerDataset: request.peerDataset,
    ...(providerSegment === undefined ? {} : { providerSegment }),
    normalisers: normaliserProfiles(registration),
    ...(view === undefined ? {} : { model: view }),
    ...(labels.length === 0 ? {} : { labels: [...labels] }),
    alignment,
    receiverVersion: toHex(versionTag(keyring.epochSeed, epoch, registration)),
    tagDays: wishes.issued?.expiresInDays ?? null,
    receiverNonce: toHex(ports.random.bytes(32)),
    createdAt: deps.logbook.now(),
  } as const;
  const { selection: own } = gathered.taking;
  const groupings = await readGroupings({ deps, request, output, registration, selection: own });
  const list = await ownList(gathered, base, epoch);
  deps.gates.requireRows(list.rows);
  const spec: JobSpec = {
    ...base,
    receiverSizeClass: sizeClassOf(list.rows),
    ...(list.matched && { matched: matchedOf(list.matched) }),
    ...(groupings && { groups: countGroups(groupings) }),
  };
  const { envelope, digest } = signJobSpec(spec, keyring.keys.jobs);
  const evidence = jobEvidence(deps.logbook, agreement, spec, digest);
  const selection = selectionOf(gathered, list);
  const all = { ...gathered, ...wishes, selection, groupings };
  return { ...all, spec, specEnvelope: envelope, jobDigest: digest, evidence, list };
}

type Gathered = Pick<Asked, "deps" | "request" | "agreement" | "peer" | "registration" | "taking" | "loaded">;

/** What a request names. `before`: what its dataset must still be. */
async function gather(deps: JobDeps, given: JobRequestInput, before?: DatasetThen): Promise<Gathered> {
  const { party } = deps.keyring;
  const request = await pinned(deps, given);
  const { agreement } = await deps.agreements.require(request.agreement);
  const peer = await deps.peers.require(otherParty(agreement.document, party).name);
  const registration = await deps.datasets.require(request.dataset);
  if (before !== undefined && !isSameInput(registration, before))
    throw new EntenteError("DATASET_CHANGED", { detail: registration.name });
  requireAgreedForm(agreement, party, registration);
  const taking = await takingPart(deps, registration, request.segment);
  return { deps, request, agreement, peer, registration, taking, loaded: loadModel(request, registration) };
}

type PinnedRequest = JobRequestInput & { readonly segment?: SegmentRef | undefined };

/** A job that goes on later goes on with the version that was asked for. A version that the request names may be retired. */
async function pinned(deps: JobDeps, request: JobRequestInput): Promise<PinnedRequest> {
  const { segment, ...rest } = request;
  if (segment === undefined) return rest;
  const { name } = segment;
  const version = segment.version ?? (await deps.segments.pin(name)).version;
  return { ...rest, segment: { name, version } };
}

/** The tags that the person wants. */
async function readWishes(
  { deps: { vault, catalogue }, request, registration, agreement, loaded }: Gathered,
  output: Output,
  operation: AgreedOperation | undefined,
  labels: readonly LabelColumn[],
): Promise<Pick<Asked, "issued">> {
  const { columns } = registration;
  const asked = await issuedBy({ request, output, operation, columns, labels, model: loaded?.model, vault });
  const keys = asked && issuedKeys(asked, loaded?.model.tiers);
  const issued = asked &&
    keys && { ...asked, expiresInDays: await catalogue.check(keys, agreement.digest, asked.expiresInDays) };
  return { issued };
}

/** So that a restart can go on with the job. The request may hold a model: it is kept as a secret. */
export async function storeAsked(asked: Asked): Promise<void> {
  const { deps, spec, specEnvelope, request, taking } = asked;
  const { matched } = asked.list;
  await storeGroupings(asked);
  await keepTakingPart(deps, spec.jobId, taking);
  if (matched !== undefined) await deps.vault.put(spec.jobId, MATCHED_SECRET, matched.digest);
  await deps.vault.put(spec.jobId, REQUEST_SECRET, canonicalJson(request as unknown as Json));
  await deps.store.putJobDocument(spec.jobId, "spec", fromUtf8(encodeEnvelope(specEnvelope)));
}

/** The job as it was asked. A list that is not charged yet is compared with those of the epoch of now. Throws what `ask`
 * would now, DATASET_CHANGED when the dataset was registered anew since, or when of a shared score's people some do not
 * count any more, and SEGMENT_CHANGED when others are in the segment. */
export async function restoreAsked(deps: JobDeps, id: string, before: DatasetThen): Promise<Asked> {
  const { spec, digest, envelope } = await readStoredSpec(deps.store, id, deps.keyring.everyKey("jobs"));
  const request = parseCanonicalJson(await deps.vault.get(id, REQUEST_SECRET)) as unknown as JobRequestInput;
  const gathered = await gather(deps, request, before);
  const { agreement, registration } = gathered;
  const wishes = await readWishes(gathered, spec.output, agreedOperation(agreement, spec), spec.labels ?? []);
  const charged = (await deps.policy.runs(agreement)).find((run) => run.jobId === spec.jobId);
  const epoch = epochAt(agreement.document.budgets.epochDays, charged?.at ?? (await deps.clock.keep()));
  await requireSamePeople(deps, id, gathered.taking);
  const list = await ownList(gathered, spec, epoch);
  const { matched } = list;
  const isSame =
    String(normaliserProfiles(registration)) === String(spec.normalisers) &&
    sizeClassOf(list.rows) === spec.receiverSizeClass &&
    (matched === undefined || equalBytes(matched.digest, await deps.vault.get(id, MATCHED_SECRET)));
  if (!isSame) throw new EntenteError("DATASET_CHANGED", { detail: registration.name });
  const evidence = jobEvidence(deps.logbook, agreement, spec, digest);
  const selection = selectionOf(gathered, list);
  const groupings = await storedGroupings(gathered, spec);
  const all = { ...gathered, ...wishes, selection, groupings };
  return { ...all, spec, specEnvelope: envelope, jobDigest: digest, evidence, list };
}

/** What this node's policy is asked; `peer`: once the provider has said it. */
export async function questionOf(
  asked: Asked,
  peer: Pick<Question, "peerSizeClass" | "providerVersion"> = {},
): Promise<Question> {
  const { agreement, spec, list } = asked;
  return {
    agreement,
    spec,
    role: "receiver",
    ownRows: list.rows,
    difference: await smallestDifference({ ...asked, role: "receiver" }),
    ...peer,
  };
}

/** Of a shared score those whom the audience found. */
function selectionOf({ taking }: Gathered, { matched }: OwnList): Selection | undefined {
  return matched === undefined ? taking.selection : { kind: "people", people: matched.people };
}

/** Reads the dataset only where the registration does not say it already. */
async function ownList(
  { deps, request: { audience }, agreement, registration, taking: { selection } }: Gathered,
  spec: Omit<JobSpec, "receiverSizeClass" | "matched">,
  epoch: Epoch,
): Promise<OwnList> {
  if (audience !== undefined) {
    const matched = await matchedPeople(deps, audience, { agreement, pair: spec, own: registration });
    // The list is the audience's: floors and ratio of lists are about that one.
    return { rows: matched.audience.proposed.ownRows, matched };
  }
  const spill = deps.vault.spillPlace(spec.jobId, spec.provider);
  return countList(deps, { output: spec.output, registration, selection, epoch, spill });
}

/** Throws POLICY_OUTPUT for a column that the agreement does not give away, BAD_REQUEST beside an aggregate. */
function labelsOf(
  { labels: names = [], peerDataset }: JobRequestInput,
  output: Output,
  document: AgreementDocument,
  provider: string,
): readonly LabelColumn[] {
  if (names.length > 0 && AGGREGATE_OUTPUTS.includes(output))
    throw new EntenteError("BAD_REQUEST", { detail: "labels: an aggregate has none" });
  return agreedLabels(document, { provider, providerDataset: peerDataset }, names);
}

/** A segment beside the audience's own would tell the provider more of each person than that. Throws BAD_REQUEST. */
function alignmentOf({ operation, audience, segment, peerSegment }: JobRequestInput): Alignment {
  if (audience === undefined) return "hidden";
  if (operation !== "score") throw new EntenteError("BAD_REQUEST", { detail: "audience: only a score has one" });
  if (segment !== undefined) throw new EntenteError("BAD_REQUEST", { detail: "segment: the audience has its own" });
  if (peerSegment !== undefined)
    throw new EntenteError("BAD_REQUEST", { detail: "peerSegment: the audience has its own" });
  return "shared";
}

function matchedOf({ audience, people }: Matched): NonNullable<JobSpec["matched"]> {
  return { audience: jobId(audience.jobId), sizeClass: sizeClassOf(people.count) };
}

function loadModel(request: JobRequestInput, registration: DatasetRegistration): LoadedModel | undefined {
  if (request.operation !== "score") {
    if (request.model !== undefined) throw new EntenteError("BAD_REQUEST", { detail: "model: only a score has one" });
    return undefined;
  }
  const model = parseModel(request.model);
  for (const column of columnsOf(model, "own")) featureIndex(registration.columns, column);
  const quantised = quantise(model);
  return { model, quantised, weights: encryptedPolynomials(quantised.partner) };
}
