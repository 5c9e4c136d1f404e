/** The differencing guard at the receiver: its list is sketched before an aggregate output of it is asked for. */
import { AGGREGATE_OUTPUTS } from "../../proto/agreement/fields.ts";
import { concat, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf, sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { commit } from "../../proto/evidence/commitment.ts";
import { countedRuns } from "../../proto/policy/history.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import type { Selection } from "../data/selection.ts";
import type { SpillPlace } from "../data/spill.ts";
import { type Epoch, noiseKey, sketchKey, versionTag } from "../policy/epoch-keys.ts";
import { sketchInput } from "../policy/sketches.ts";
import type { Asked, OwnList } from "./ask.ts";
import type { JobDeps } from "./deps.ts";

export interface SketchingInput {
  readonly registration: DatasetRegistration;
  readonly selection: Selection | undefined;
  readonly epoch: Epoch;
  readonly spill: SpillPlace;
}

export async function sketchOwnList(
  deps: JobDeps,
  { registration, selection, epoch, spill }: SketchingInput,
): Promise<OwnList> {
  const key = sketchKey(deps.keyring.epochSeed, epoch);
  const { rows, sketch } = await sketchInput(registration, selection, key, { spill, access: deps.datasets.access });
  return { rows, sketched: { sketch, key, epoch } };
}

/** The smallest difference of the list to those of the epoch's aggregate runs before it, over the same version of the
 * dataset; undefined for outputs by person, and when none is too small. To be asked in turn with what is charged. */
export async function smallestDifference({
  deps,
  agreement,
  spec,
  registration,
  list,
}: Asked): Promise<number | undefined> {
  if (list.sketched === undefined) return undefined;
  const { sketch, key, epoch } = list.sketched;
  const { document } = agreement;
  const { inEpoch } = countedRuns(await deps.policy.runs(agreement), spec, deps.clock.nowMs(), document);
  const earlier = inEpoch.filter((run) => AGGREGATE_OUTPUTS.includes(run.output));
  const versionTagNow = toHex(versionTag(deps.keyring.epochSeed, epoch, registration));
  const own = { sketch, key, datasetVersion: registration.version, versionTag: versionTagNow };
  return deps.sketches.smallestDifference(own, earlier, document.budgets.smallestDifference);
}

/** Before the job is charged: a charged run without a sketch would block all that follow it. */
export async function keepSketch({ deps, spec, list, registration }: Asked): Promise<void> {
  if (list.sketched === undefined) return;
  const { sketch, key, epoch } = list.sketched;
  await deps.sketches.sweep(deps.clock.nowMs());
  await deps.sketches.put(spec.jobId, epoch.endsAtMs, { sketch, key, datasetVersion: registration.version });
}

/** What the receipt says of the sketch: a salted commitment to it, 32 bytes. Undefined for outputs by person. */
export async function sketchCommitment({ deps, spec, list }: Asked): Promise<Uint8Array | undefined> {
  if (list.sketched === undefined) return undefined;
  const salt = await deps.vault.drawOnce(spec.jobId, "sketch-salt");
  const digest = digestOf(list.sketched.sketch.toBytes());
  return deps.vault.commitTo("sketch", { rows: list.rows, digest }, salt);
}

/** 32 bytes that the noise of an aggregate output is drawn from: the same for the same pair, list, epoch and version of the
 * provider's dataset, so that asking again draws nothing new, and a change at the provider does not show through equal noise. */
export function noiseSecret({ deps, spec, list }: Asked, providerVersion: string): Uint8Array {
  if (list.sketched === undefined) throw new EntenteError("INTERNAL", { cause: new Error("noise without a sketch") });
  const { sketch, epoch } = list.sketched;
  const pair = utf8(`${spec.provider}\n${spec.receiverDataset}\n${spec.providerDataset}\n${providerVersion}\n`);
  const key = noiseKey(deps.keyring.epochSeed, epoch);
  return commit(key, "entente noise/1", concat(pair, sha256(sketch.toBytes())));
}
