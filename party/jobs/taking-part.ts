/** Who of the own dataset takes part in a job, at either node. */
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { equalBytes, utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import type { SegmentRef } from "../../proto/segments/names.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import type { Selection } from "../data/selection.ts";
import type { JobDeps } from "./deps.ts";

export interface TakingPart {
  /** Everybody when undefined. */
  readonly selection: Selection | undefined;
  /** Of the segment's definition, for evidence. */
  readonly definition: Digest | undefined;
  /** Of the people beside the dataset's version: where it is the same they are. */
  readonly content: Digest | undefined;
}

const CONTENT_SECRET = "taking-part";

/** Throws as `Segments.resolve`. */
export async function takingPart(
  deps: Pick<JobDeps, "segments">,
  registration: DatasetRegistration,
  segment: SegmentRef | undefined,
): Promise<TakingPart> {
  if (segment === undefined) return { selection: undefined, definition: undefined, content: undefined };
  return deps.segments.resolve(segment, registration);
}

/** At the provider, of a peer's job. What is wrong with a definition here is not the peer's to mend, or to know: PEER_FAILED. */
export async function takingPartOf(
  deps: JobDeps,
  { jobId, providerSegment }: JobSpec,
  registration: DatasetRegistration,
): Promise<TakingPart> {
  try {
    return await takingPart(deps, registration, providerSegment);
  } catch (error) {
    const { code, detail } = toEntenteError(error);
    deps.logger.error({ jobId, code, segment: providerSegment?.name, detail }, "a published segment cannot be used");
    throw new EntenteError("PEER_FAILED", { detail: `segment ${providerSegment?.name}`, cause: error });
  }
}

/** So that the job goes on with the same people or not at all. */
export async function keepTakingPart({ vault }: JobDeps, jobId: string, { content }: TakingPart): Promise<void> {
  if (content !== undefined) await vault.put(jobId, CONTENT_SECRET, utf8(content));
}

/** Throws SEGMENT_CHANGED. */
export async function requireSamePeople({ vault }: JobDeps, jobId: string, { content }: TakingPart): Promise<void> {
  if (content !== undefined && !equalBytes(utf8(content), await vault.get(jobId, CONTENT_SECRET)))
    throw new EntenteError("SEGMENT_CHANGED");
}
