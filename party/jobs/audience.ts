/**
 * What a shared score goes on from: an audience that has been run between the same two datasets, as they still are, under
 * an agreement that is still in force. Each node looks at its own record of it.
 */

import type { Agreement } from "../../proto/agreement/agreement.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { isReleasable } from "../../proto/policy/rules.ts";
import type { SegmentRef } from "../../proto/segments/names.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import { type PackedText, packTexts } from "../data/packed-text.ts";
import type { JobDeps } from "./deps.ts";
import type { Job } from "./lifecycle.ts";
import { isSameContent, isSameInput } from "./own-dataset.ts";
import { storedSpec } from "./stored-spec.ts";

/** The people of an audience at its receiver. */
export interface Matched {
  readonly audience: Job;
  /** Normalised ids, each once. */
  readonly people: PackedText;
  /** SHA-256 over them: a restart goes on with the same ones or not at all. */
  readonly digest: Uint8Array;
}

function unusable(detail: string): EntenteError {
  return new EntenteError("POLICY_AUDIENCE", { detail });
}

type Pair = Pick<JobSpec, "receiver" | "provider" | "receiverDataset" | "providerDataset" | "providerSegment">;

/** The provider's segment that an audience was of: a score over it is of the same. Undefined for what is no audience. */
export async function audienceSegment(deps: JobDeps, audienceId: string): Promise<SegmentRef | undefined> {
  const [known] = await deps.store.jobEvents(audienceId);
  if (known === undefined) return undefined;
  const { providerSegment } = await storedSpec(deps, await deps.book.require(audienceId));
  return providerSegment;
}

/** `own`: this node's dataset of the pair. Throws POLICY_AUDIENCE, saying to this node's people what stands against it. */
export async function requireAudience(
  deps: JobDeps,
  audienceId: string,
  pair: Pair,
  own: DatasetRegistration,
): Promise<Job> {
  const [known] = await deps.store.jobEvents(audienceId);
  if (known === undefined) throw unusable("no job of that id");
  const job = await deps.book.require(audienceId);
  const { operation, output, agreement, role } = job.proposed;
  if (operation !== "audience" || output !== "list") throw unusable("not an audience with a list");
  // A result that was withheld is known to nobody: scoring over it would tell that it was not.
  if (job.state !== "done" || job.withheld) throw unusable("it has no result");
  const spec = await storedSpec(deps, job);
  const isOfPair =
    spec.receiver === pair.receiver &&
    spec.provider === pair.provider &&
    spec.receiverDataset === pair.receiverDataset &&
    spec.providerDataset === pair.providerDataset &&
    spec.providerSegment?.name === pair.providerSegment?.name &&
    spec.providerSegment?.version === pair.providerSegment?.version;
  if (!isOfPair) throw unusable("of other datasets, or of another segment");
  if (!isSameContent(own, job.proposed)) throw unusable("the dataset has changed since");
  // Who has opted out at the receiver since has no tag any more; at the provider the receiver would name such a person.
  if (role === "provider" && !isSameInput(own, job.proposed)) throw unusable("people have opted out since");
  if ((await deps.agreements.stateOf(agreement)) !== "active") throw unusable("its agreement is no longer in force");
  return job;
}

/** At the receiver: those whose tags of the audience are in force. Throws POLICY_AUDIENCE, also when they are fewer than the
 * result floor. */
export async function matchedPeople(
  deps: JobDeps,
  audienceId: string,
  { agreement, pair, own }: { readonly agreement: Agreement; readonly pair: Pair; readonly own: DatasetRegistration },
): Promise<Matched> {
  const audience = await requireAudience(deps, audienceId, pair, own);
  if (audience.proposed.role !== "receiver") throw unusable("its result is another's");
  const people = await packTexts(deps.store.subjectsOf(audienceId, deps.logbook.now()));
  if (!isReleasable(agreement, people.count)) throw unusable("too few of its people still count");
  const ends = new Uint8Array(people.offsets.buffer, people.offsets.byteOffset, people.offsets.byteLength);
  return { audience, people, digest: sha256(utf8("entente matched people/1"), ends, people.bytes) };
}

/** At the receiver, once the provider has said which version of its dataset it has (hex tag): from another one some of the
 * people may be missing, and would be named to somebody who does not know them. A tag is of its epoch, so an audience is
 * good until that ends. Throws POLICY_AUDIENCE. */
export function requireSameProvider({ audience }: Matched, providerVersion: string): void {
  if (audience.peerVersion !== providerVersion)
    throw unusable("the peer's dataset has changed since, or the epoch has");
}
