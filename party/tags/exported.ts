/** Evidence of tags that leave the node: an entry for each job whose tags they are, before anybody gets them. */

import { fromUtf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson } from "../../proto/encoding/canonical-json.ts";
import { collaborationId } from "../../proto/ids.ts";
import type { Logbook } from "../evidence/logbook.ts";
import type { SideNotes } from "../evidence/side-notes.ts";
import type { JobBook } from "../jobs/book.ts";
import type { Store } from "../store/store.ts";

export interface ExportedTags {
  /** Jobs whose tags are among them. */
  readonly jobIds: readonly string[];
  readonly person: string;
  readonly format: string;
  /** Where they go, in the person's words. */
  readonly destination: string;
}

interface Deps {
  readonly store: Pick<Store, "setting">;
  readonly book: JobBook;
  readonly logbook: Logbook;
  readonly sideNotes: SideNotes;
}

/** Throws what the log throws: nothing may be handed out then. */
export async function recordExport({ store, book, logbook, sideNotes }: Deps, tags: ExportedTags): Promise<void> {
  const { jobIds, person, format, destination } = tags;
  for (const jobId of jobIds) {
    const { proposed } = await book.require(jobId);
    const tagsCommitment = await store.setting(tagsCommitmentSetting(jobId));
    if (tagsCommitment === undefined) continue;
    const note = fromUtf8(canonicalJson({ person, format, destination }));
    await logbook.record(
      collaborationId(proposed.collaboration),
      "tags-exported",
      [{ name: "job", digest: { sha256: proposed.jobDigest } }],
      { jobId, tagsCommitment, destination: await sideNotes.put("destination", note), at: logbook.now() },
    );
  }
}

/** Where a job's `opened` entry is remembered to have committed to its tags. */
export function tagsCommitmentSetting(jobId: string): string {
  return `tags-commitment/${jobId}`;
}
