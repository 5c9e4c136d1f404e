/**
 * What came out of a job, from the entry that says so on: tags and people are staged by then, and what is kept here is all
 * that putting them in force needs. So an entry that was written is never without its result, whatever stops in between.
 */
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { EntenteError } from "../../proto/errors.ts";
import { collaborationId } from "../../proto/ids.ts";
import type { JobDeps } from "./deps.ts";
import type { JobSummary } from "./lifecycle.ts";

export interface Publication {
  readonly summary: JobSummary;
  /** Of an output by person. */
  readonly tags?: {
    /** The `TagLineage` as JSON. */
    readonly lineage: string;
    /** Of the people's ids, as opt-outs know it, and who had opted out when the tags were staged. */
    readonly form: string;
    readonly optedOut: string | null;
  };
}

const PUBLICATION_SECRET = "publication";

/** Durable when it resolves; before the entry, another one may take its place. */
export function keepPublication({ vault }: JobDeps, jobId: string, publication: Publication): Promise<void> {
  return vault.put(jobId, PUBLICATION_SECRET, canonicalJson(publication as unknown as Json));
}

/** Puts the result in force, once; in turn with a revocation, so that what it stops never is. Repeatable. Throws
 * AGREEMENT_REVOKED, STORAGE_FAILED. */
export async function publishResult(deps: JobDeps, jobId: string): Promise<void> {
  const { agreement, collaboration } = (await deps.book.require(jobId)).proposed;
  const kept = parseCanonicalJson(await deps.vault.get(jobId, PUBLICATION_SECRET));
  const { summary, tags } = kept as unknown as Publication;
  await deps.policy.inTurn({ collaboration: collaborationId(collaboration) }, async () => {
    if ((await deps.agreements.stateOf(agreement)) === "revoked") throw new EntenteError("AGREEMENT_REVOKED");
    if (tags !== undefined) {
      await deps.store.publishTags(jobId, deps.logbook.now(), tags.lineage);
      if (((await deps.optOuts.of(tags.form))?.digest ?? null) !== tags.optedOut)
        await deps.optOuts.withdrawAll(tags.form);
    }
    await deps.book.append(jobId, { type: "done", at: deps.logbook.now(), withheld: false, summary });
  });
}
