/** What a person asks for, as a job: everything that can be checked at the receiver before the peer hears of it. */
import { type Agreement, otherParty } from "../../proto/agreement/agreement.ts";
import { PSI_PROTOCOLS } from "../../proto/agreement/fields.ts";
import { type JobSpec, readJobSpec, signJobSpec } from "../../proto/agreement/job-spec.ts";
import { fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { RouteInput } from "../../proto/http/routes.ts";
import { type Digest, jobId } from "../../proto/ids.ts";
import { featuresOf, modelDigest, parseModel } from "../../proto/model/linear-model.ts";
import { partnerView } from "../../proto/model/partner-view.ts";
import { quantise } from "../../proto/model/quantise.ts";
import { decide, type PolicyDecision } from "../../proto/policy/rules.ts";
import { type DatasetRegistration, featureIndex } from "../data/dataset.ts";
import { classRows, sizeClassOf } from "../protocols/plan.ts";
import type { Peer } from "../session/peers.ts";
import type { JobDeps } from "./deps.ts";
import { type JobEvidence, jobEvidence } from "./evidence.ts";
import type { LoadedModel } from "./open-result.ts";
import { requireAgreedForm } from "./own-dataset.ts";

export type JobRequestInput = RouteInput<"startJob">;

/** A job that this node's policy has allowed. */
export interface Asked {
  readonly deps: JobDeps;
  readonly request: JobRequestInput;
  readonly agreement: Agreement;
  readonly peer: Peer;
  readonly registration: DatasetRegistration;
  readonly loaded: LoadedModel | undefined;
  readonly spec: JobSpec;
  readonly specEnvelope: Envelope;
  readonly jobDigest: Digest;
  readonly evidence: JobEvidence;
}

const REQUEST_SECRET = "request";

/** Throws the agreement's, the policy's, the dataset's and the model's errors; nothing is recorded. */
export async function ask(deps: JobDeps, request: JobRequestInput): Promise<Asked> {
  const { keyring, ports } = deps;
  const { agreement } = await deps.agreements.require(request.agreement);
  const peer = await deps.peers.require(otherParty(agreement.document, keyring.party).name);
  const registration = await deps.datasets.require(request.dataset);
  const loaded = loadModel(request, registration);
  const view = loaded && partnerView(loaded.model, await deps.vault.modelSalt(modelDigest(loaded.model)));
  const operation = agreement.document.operations.find(
    (item) => item.operation === request.operation && item.receiver === keyring.party,
  );
  const spec: JobSpec = {
    format: "entente-job/1",
    jobId: jobId(toHex(ports.random.bytes(16))),
    agreement: agreement.digest,
    operation: request.operation,
    protocol: operation?.protocol ?? PSI_PROTOCOLS[0],
    receiver: keyring.party,
    provider: peer.party,
    receiverDataset: request.dataset,
    providerDataset: request.peerDataset,
    ...(view === undefined ? {} : { model: view }),
    receiverSizeClass: sizeClassOf(registration.accepted),
    receiverNonce: toHex(ports.random.bytes(32)),
    createdAt: deps.logbook.now(),
  };
  const { envelope: specEnvelope, digest: jobDigest } = signJobSpec(spec, keyring.keys.jobs);
  const evidence = jobEvidence(deps.logbook, agreement, spec, jobDigest);
  const asked = { deps, request, agreement, peer, registration, loaded, spec, specEnvelope, jobDigest, evidence };
  const { refusedBy } = decideOwn(asked);
  if (refusedBy !== undefined) throw new EntenteError(refusedBy);
  requireAgreedForm(agreement, keyring.party, registration);
  return asked;
}

/** So that a restart can go on with the job. The request may hold a model: it is kept as a secret. */
export async function storeAsked({ deps, spec, specEnvelope, request }: Asked): Promise<void> {
  await deps.vault.put(spec.jobId, REQUEST_SECRET, canonicalJson(request as unknown as Json));
  await deps.store.putJobDocument(spec.jobId, "spec", fromUtf8(encodeEnvelope(specEnvelope)));
}

/** The job as it was asked. Throws what `ask` would now, DATASET_CHANGED when the dataset was registered anew since. */
export async function restoreAsked(deps: JobDeps, id: string, datasetVersion: string): Promise<Asked> {
  const text = await deps.store.jobDocument(id, "spec");
  if (text === undefined) throw new EntenteError("NOT_FOUND", { detail: "job spec" });
  const specEnvelope = decodeEnvelope(utf8(text));
  const { spec, digest: jobDigest } = readJobSpec(specEnvelope, deps.keyring.keys.jobs);
  const request = parseCanonicalJson(await deps.vault.get(id, REQUEST_SECRET)) as unknown as JobRequestInput;
  const { agreement } = await deps.agreements.require(spec.agreement);
  const peer = await deps.peers.require(spec.provider);
  const registration = await deps.datasets.require(spec.receiverDataset);
  if (registration.version !== datasetVersion) throw new EntenteError("DATASET_CHANGED", { detail: registration.name });
  const loaded = loadModel(request, registration);
  const evidence = jobEvidence(deps.logbook, agreement, spec, jobDigest);
  return { deps, request, agreement, peer, registration, loaded, spec, specEnvelope, jobDigest, evidence };
}

export function decideOwn(
  { agreement, spec, registration, deps }: Pick<Asked, "agreement" | "spec" | "registration" | "deps">,
  peerSizeClass?: number,
): PolicyDecision {
  const job = { ...spec, providerFeatures: spec.model?.features.map((feature) => feature.column) ?? [] };
  const nowMs = deps.ports.clock.nowMs();
  const peerMaxRows = peerSizeClass === undefined ? {} : { peerMaxRows: classRows(peerSizeClass) };
  return decide(agreement, job, { nowMs, ownRows: registration.accepted, ...peerMaxRows });
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
