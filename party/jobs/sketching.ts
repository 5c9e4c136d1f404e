/** The differencing guard: each node sketches its own list before an aggregate output of it is asked for, or admitted. */
import { AGGREGATE_OUTPUTS } from "../../proto/agreement/fields.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { concat, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf, sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { commit } from "../../proto/evidence/commitment.ts";
import { countedRuns } from "../../proto/policy/history.ts";
import { groupingsDigest, MAX_GROUPINGS_TOGETHER } from "../../proto/report/grouping.ts";
import { type DatasetRegistration, effectiveVersion } from "../data/dataset.ts";
import { effectiveRows } from "../data/effective.ts";
import type { Selection } from "../data/selection.ts";
import type { SpillPlace } from "../data/spill.ts";
import { type Epoch, noiseKey, sketchKey, versionTag } from "../policy/epoch-keys.ts";
import { type ReportTerms, type SketchedRun, sketchInput } from "../policy/sketches.ts";
import type { Asked, OwnList } from "./ask.ts";
import type { JobDeps } from "./deps.ts";
import type { JobRole } from "./lifecycle.ts";
import { areAsTheyWere, keepPlan, reportFloors } from "./report-plan.ts";

export interface SketchingInput {
  readonly registration: DatasetRegistration;
  readonly selection: Selection | undefined;
  readonly epoch: Epoch;
  readonly spill: SpillPlace;
}

/** Distinct people, and of an aggregate output their sketch. Throws the errors of `prepareInput`. */
export async function countList(deps: JobDeps, input: SketchingInput & Pick<JobSpec, "output">): Promise<OwnList> {
  if (AGGREGATE_OUTPUTS.includes(input.output)) return sketchOwnList(deps, input);
  const { registration, selection, spill } = input;
  return { rows: await effectiveRows(registration, selection, { spill, access: deps.datasets.access }) };
}

async function sketchOwnList(
  deps: JobDeps,
  { registration, selection, epoch, spill }: SketchingInput,
): Promise<OwnList> {
  const key = sketchKey(deps.keyring.epochSeed, epoch);
  const { rows, sketch } = await sketchInput(registration, selection, key, { spill, access: deps.datasets.access });
  return { rows, sketched: { sketch, key, epoch } };
}

/** A job's list at one of its two nodes. */
export interface OwnSide extends Pick<Asked, "deps" | "agreement" | "spec" | "registration" | "list" | "groupings"> {
  readonly role: JobRole;
}

/**
 * What of the dataset a list is compared within. The receiver's people choose its lists, and opting out changes one as much as
 * a filter. Nobody at the receiver chooses who opts out at the provider: that is another version, as new data are.
 */
function comparedVersion({ registration, role }: Pick<OwnSide, "registration" | "role">): string {
  return role === "receiver" ? registration.version : effectiveVersion(registration);
}

/** The smallest difference of the list to those of the epoch's aggregate runs before it, over the same version of the
 * dataset; undefined for outputs by person, and when none is too small. To be asked in turn with what is charged. */
export async function smallestDifference(side: OwnSide): Promise<number | undefined> {
  const { deps, agreement, spec, registration, list, groupings } = side;
  if (list.sketched === undefined) return undefined;
  const { sketch, key, epoch } = list.sketched;
  const versionTagNow = toHex(versionTag(deps.keyring.epochSeed, epoch, registration));
  const compared = { sketch, report: termsOf(side), key, datasetVersion: comparedVersion(side) };
  const own = { ...compared, versionTag: versionTagNow, output: spec.output };
  const limit = agreement.document.budgets.smallestDifference;
  const earlier = await earlierAggregates(side);
  if (groupings !== undefined) {
    const before = await deps.sketches.earlierGroupings(own, earlier);
    // Who was in a segment then cannot be said any more: its report might differ from this one by a few people.
    const isKnown = before.length + groupings.length <= MAX_GROUPINGS_TOGETHER && (await areAsTheyWere(side, before));
    if (!isKnown) return 1;
  }
  return deps.sketches.smallestDifference(own, earlier, limit);
}

function termsOf({ groupings, agreement }: Pick<OwnSide, "groupings" | "agreement">): ReportTerms | undefined {
  if (groupings === undefined) return undefined;
  const { group, matchRateCapPercent } = reportFloors(agreement);
  return { groupings, floors: { group, matchRateCapPercent } };
}

async function earlierAggregates({ deps, agreement, spec, role }: OwnSide): Promise<readonly SketchedRun[]> {
  const runs = await deps.policy.runs(agreement);
  const { inEpoch } = countedRuns(runs, spec, deps.clock.nowMs(), agreement.document);
  return inEpoch
    .filter((run) => AGGREGATE_OUTPUTS.includes(run.output))
    .map(({ jobId, output, receiverVersion, providerVersion }) => ({
      ...{ jobId, output },
      versionTag: role === "receiver" ? receiverVersion : providerVersion,
    }));
}

/** Before the job is charged, in turn with that: a charged run without a sketch would block all that follow it. */
export async function keepSketch(side: OwnSide): Promise<void> {
  const { deps, spec, list, groupings } = side;
  if (list.sketched === undefined) return;
  const { sketch, key, epoch } = list.sketched;
  const kept = { sketch, report: termsOf(side), key, datasetVersion: comparedVersion(side) };
  await deps.sketches.sweep(deps.clock.nowMs());
  if (groupings !== undefined)
    await keepPlan(side, await deps.sketches.earlierGroupings(kept, await earlierAggregates(side)));
  await deps.sketches.put(spec.jobId, epoch.endsAtMs, kept);
}

/** What the receipt says of the sketch: a salted commitment to it, 32 bytes. Undefined for outputs by person. */
export async function sketchCommitment({ deps, spec, list, groupings }: Asked): Promise<Uint8Array | undefined> {
  if (list.sketched === undefined) return undefined;
  const salt = await deps.vault.drawOnce(spec.jobId, "sketch-salt");
  const digest = digestOf(list.sketched.sketch.toBytes());
  const broken = groupings && { groupings: groupingsDigest(groupings) };
  return deps.vault.commitTo("sketch", { rows: list.rows, digest, ...broken }, salt);
}

/** 32 bytes that the noise of an aggregate output is drawn from: the same for the same pair, list, epoch, segment and version of
 * the provider's dataset, so that asking again draws nothing new. Another one for any other segment or version: equal noise
 * over a dataset, a part of it and the rest would cancel in their sum. */
export function noiseSecret({ deps, spec, list }: Asked, providerVersion: string): Uint8Array {
  if (list.sketched === undefined) throw new EntenteError("INTERNAL", { cause: new Error("noise without a sketch") });
  const { sketch, epoch } = list.sketched;
  const { provider, receiverDataset, providerDataset, providerSegment } = spec;
  const part = providerSegment === undefined ? "-" : `${providerSegment.name}@${providerSegment.version}`;
  const pair = utf8(`${[provider, receiverDataset, providerDataset, part, providerVersion].join("\n")}\n`);
  const key = noiseKey(deps.keyring.epochSeed, epoch);
  return commit(key, "entente noise/1", concat(pair, sha256(sketch.toBytes())));
}
