/** Which of the values that a person has had of a key counts, and since when. Pure: rows in, changes out. */
import type { Tag } from "../tags/tag.ts";
import type { TagChange } from "./tag-records.ts";

/** A batch as far as its rows need it. */
export interface HeadBatch extends Omit<Tag, "subject" | "value" | "score"> {
  readonly batchId: number;
  readonly state: string;
  /** Numbers of changes. */
  readonly published: number | null;
  readonly ended: number | null;
}

/** Subject, batch, value, score, and the change that ended this row alone. */
export type TagRow = [subject: string, batchId: number, value: string, score: number | null, ended: number | null];

interface Head {
  readonly row: TagRow;
  readonly batch: HeadBatch;
  /** The last change that ended a row of the same key. */
  readonly lastEnded: number;
}

/**
 * Of each key of one subject, whose rows come in the order of batches: the newest row that has not been withdrawn, or the
 * newest at all when every one has. What has expired keeps its place: the value before it is no truer for that.
 */
function* headsOf(rows: readonly TagRow[], batches: ReadonlyMap<number, HeadBatch>, until: number): Generator<Head> {
  const heads = new Map<string, Head>();
  for (const row of rows) {
    const batch = batches.get(row[1]);
    if (batch === undefined || batch.state === "staged" || (batch.published ?? 0) > until) continue;
    const before = heads.get(batch.key);
    const lastEnded = Math.max(before?.lastEnded ?? 0, row[4] ?? 0);
    const stays = before !== undefined && row[4] !== null && before.row[4] === null;
    heads.set(batch.key, stays ? { ...before, lastEnded } : { row, batch, lastEnded });
  }
  yield* heads.values();
}

/** What of a subject's tags changed after the change `since` and not after `until`, in the order of batches. What was issued after
 * `until` is as if it were not there; what ended after it, or was uncovered by that, is left to a later read. */
export function changesIn(
  rows: readonly TagRow[],
  batches: ReadonlyMap<number, HeadBatch>,
  { since, until = Number.MAX_SAFE_INTEGER }: { readonly since: number; readonly until?: number | undefined },
): TagChange[] {
  const changes: TagChange[] = [];
  for (const { row, batch, lastEnded } of headsOf(rows, batches, until)) {
    const [subject, batchId, value, score, ended] = row;
    const isEnded = ended !== null || batch.state !== "in-force";
    // What a withdrawal uncovers has changed, too.
    const change = Math.max((isEnded ? batch.ended : batch.published) ?? 0, lastEnded);
    if (change <= since || change > until) continue;
    const { key, jobId, agreement, model, scoredAt, issuedAt, expiresAt } = batch;
    const shown = isEnded ? { value: "", score: null } : { value, score };
    const tag = { subject, key, ...shown, jobId, agreement, model, scoredAt, issuedAt, expiresAt };
    changes.push({ tag, isEnded, batchId, change });
  }
  return changes.length > 1 ? changes.sort((a, b) => a.batchId - b.batchId) : changes;
}
