/**
 * Tags in the embedded store. A batch is one job's issue of one key; a person's value of a key is that of the newest batch
 * that has been published, also when that has expired: what it superseded does not come back. Withdrawal is as if it had
 * never been issued: it wipes the values, and an earlier one that is still in force stands again. Every change has a number.
 */
import type { Tag } from "../tags/tag.ts";
import { SqliteTables } from "./sqlite-tables.ts";
import { changesIn, type HeadBatch, type TagRow } from "./tag-heads.ts";
import type { ChangesFilter, TagBatchRecord, TagChange, TagHistoryRecord, TagStore } from "./tag-records.ts";

export const TAG_SCHEMA = `
CREATE TABLE tag_change (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, what TEXT NOT NULL) STRICT;
CREATE TABLE tag_batch (
  id INTEGER PRIMARY KEY AUTOINCREMENT, jobId TEXT NOT NULL, key TEXT NOT NULL, agreement TEXT NOT NULL, issuedAt TEXT NOT NULL,
  expiresAt TEXT NOT NULL, model TEXT, scoredAt TEXT, state TEXT NOT NULL, published INTEGER, ended INTEGER, endedAt TEXT, lineage TEXT
) STRICT;
CREATE INDEX tag_batch_of_job ON tag_batch (jobId);
CREATE TABLE tag_batch_count (batchId INTEGER NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (batchId, value)) STRICT;
CREATE TABLE tag_part (jobId TEXT NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (jobId, part)) STRICT;
CREATE TABLE tag_staged (batchId INTEGER NOT NULL, subject TEXT NOT NULL, value TEXT NOT NULL, score REAL) STRICT;
CREATE TABLE tag (
  subject TEXT NOT NULL, batchId INTEGER NOT NULL, value TEXT NOT NULL, score REAL, ended INTEGER, PRIMARY KEY (subject, batchId)
) STRICT, WITHOUT ROWID;
CREATE TABLE tag_definition (key TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
`;

/** From the schema that knew neither batches nor history: what was there is in force. */
export const TAG_UPGRADE = `
ALTER TABLE tag RENAME TO tag_2;
ALTER TABLE tag_batch RENAME TO tag_part_2;
${TAG_SCHEMA}
INSERT INTO tag_part SELECT jobId, batch FROM tag_part_2;
INSERT INTO tag_change (at, what) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ'), 'upgraded');
INSERT INTO tag_batch (id, jobId, key, agreement, issuedAt, expiresAt, model, scoredAt, state, published)
  SELECT id, jobId, key, agreement, issuedAt, expiresAt, model, scoredAt, 'in-force', 1 FROM tag_order;
INSERT OR REPLACE INTO tag SELECT subject, orderId, value, score, NULL FROM tag_2 ORDER BY subject, orderId;
INSERT INTO tag_batch_count SELECT batchId, value, count(*) FROM tag GROUP BY batchId, value;
DROP TABLE tag_2;
DROP TABLE tag_part_2;
DROP TABLE tag_order;
`;

const BATCH_FIELDS =
  "id AS batchId, jobId, key, agreement, issuedAt, expiresAt, model, scoredAt, state, published, ended";
const FORGOTTEN = "tags-forgotten";
/** Changes that are given at a time. */
const CHANGES = 4_000;
/** Rows that are sorted into the table in one statement, during which the node answers nobody. */
const SORTED_ROWS = 500_000;

export class SqliteTags extends SqliteTables implements TagStore {
  async putTags(jobId: string, part: number, tags: Iterable<Tag>): Promise<boolean> {
    return this.transaction(() => {
      if (this.run("INSERT OR IGNORE INTO tag_part VALUES (?, ?)", jobId, part) === 0) return false;
      const insert = this.db.prepare("INSERT INTO tag_staged VALUES (?, ?, ?, ?)");
      const counts = new Map<string, number>();
      let last: Tag | undefined;
      let batch = 0;
      for (const tag of tags) {
        const isLike = last?.key === tag.key && last.issuedAt === tag.issuedAt && last.expiresAt === tag.expiresAt;
        if (!isLike || last?.agreement !== tag.agreement) batch = this.#batchOf({ ...tag, jobId });
        last = tag;
        insert.run(batch, tag.subject, tag.value, tag.score);
        const name = `${batch}\n${tag.value}`;
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      for (const [name, count] of counts) {
        const end = name.indexOf("\n");
        this.run(
          `INSERT INTO tag_batch_count VALUES (?, ?, ?) ON CONFLICT (batchId, value) DO UPDATE SET count = count + excluded.count`,
          ...[Number(name.slice(0, end)), name.slice(end + 1), count],
        );
      }
      return true;
    });
  }

  /** What a job's tags have in common stands once: a million of them are 40 MB and not 250. */
  #batchOf({ jobId, key, agreement, issuedAt, expiresAt, model, scoredAt }: Tag): number {
    const fields = [jobId, key, agreement, issuedAt, expiresAt];
    const known = this.get<{ id: number }>(
      `SELECT id FROM tag_batch
       WHERE jobId = ? AND key = ? AND agreement = ? AND issuedAt = ? AND expiresAt = ? AND state = 'staged'`,
      ...fields,
    );
    if (known !== undefined) return known.id;
    // A job has one model and one time of its score.
    const { lastInsertRowid } = this.db
      .prepare(
        `INSERT INTO tag_batch (jobId, key, agreement, issuedAt, expiresAt, model, scoredAt, state)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'staged')`,
      )
      .run(...fields, model, scoredAt);
    return Number(lastInsertRowid);
  }

  #change(at: string, what: string): number {
    const { lastInsertRowid } = this.db.prepare("INSERT INTO tag_change (at, what) VALUES (?, ?)").run(at, what);
    return Number(lastInsertRowid);
  }

  async publishTags(jobId: string, at: string, lineage: string | null): Promise<void> {
    const staged = this.all<{ id: number }>("SELECT id FROM tag_batch WHERE jobId = ? AND state = 'staged'", jobId);
    if (staged.length === 0) return;
    const among = staged.map(({ id }) => id).join(", ");
    const bounds = this.#bounds(among);
    for (const [i, from] of bounds.entries()) {
      const to = bounds[i + 1];
      // In the table's order: a random one would write every page of it again and again.
      this.run(
        `INSERT OR REPLACE INTO tag SELECT subject, batchId, value, score, NULL FROM tag_staged
         WHERE batchId IN (${among}) AND subject >= ? ${to === undefined ? "" : "AND subject < ?"} ORDER BY subject, batchId`,
        ...(to === undefined ? [from] : [from, to]),
      );
      await new Promise((resume) => setImmediate(resume));
    }
    this.transaction(() => {
      const change = this.#change(at, "issued");
      this.run(`DELETE FROM tag_staged WHERE batchId IN (${among})`);
      this.run(
        `UPDATE tag_batch SET state = 'in-force', published = ?, lineage = ? WHERE id IN (${among}) AND state = 'staged'`,
        ...[change, lineage],
      );
    });
  }

  /** Subjects that cut the staged rows into pieces of some SORTED_ROWS, found in a sample; the first is the smallest text. */
  #bounds(among: string): string[] {
    const rows =
      this.get<{ rows: number }>(`SELECT count(*) AS rows FROM tag_staged WHERE batchId IN (${among})`)?.rows ?? 0;
    const pieces = Math.ceil(rows / SORTED_ROWS);
    if (pieces <= 1) return [""];
    const sample = this.all<{ subject: string }>(
      `SELECT subject FROM tag_staged WHERE batchId IN (${among}) AND rowid % ? = 0 ORDER BY subject`,
      Math.max(1, Math.floor(rows / 10_000)),
    );
    const cuts = Array.from({ length: pieces - 1 }, (_, i) => sample[Math.floor(((i + 1) * sample.length) / pieces)]);
    return ["", ...new Set(cuts.flatMap((row) => row?.subject ?? []))];
  }

  async removeTags(jobId: string, at = new Date(0).toISOString()): Promise<void> {
    this.transaction(() => {
      this.run("DELETE FROM tag_part WHERE jobId = ?", jobId);
      this.run("DELETE FROM tag_batch_count WHERE batchId IN (SELECT id FROM tag_batch WHERE jobId = ?)", jobId);
      this.#dropStaged("jobId", jobId);
      this.#endBatches("removed", at, "jobId = ? AND state <> 'removed'", jobId);
    });
  }

  #dropStaged(column: "jobId" | "agreement", of: string): void {
    const staged = `SELECT id FROM tag_batch WHERE ${column} = ? AND state = 'staged'`;
    if (this.get(staged, of) === undefined) return;
    for (const table of ["tag_staged", "tag", "tag_batch_count"])
      this.run(`DELETE FROM ${table} WHERE batchId IN (${staged})`, of);
    this.run(`DELETE FROM tag_batch WHERE ${column} = ? AND state = 'staged'`, of);
  }

  /** Their values are wiped. */
  #endBatches(state: "withdrawn" | "removed", at: string, where: string, of: string): void {
    const ids = this.all<{ id: number }>(`SELECT id FROM tag_batch WHERE ${where}`, of).map(({ id }) => id);
    if (ids.length === 0) return;
    const change = this.#change(at, state);
    const among = ids.join(", ");
    this.run(
      `UPDATE tag SET value = '', score = NULL, ended = ? WHERE batchId IN (${among}) AND ended IS NULL`,
      change,
    );
    this.run(
      `UPDATE tag_batch SET state = ?, ended = ifnull(ended, ?), endedAt = ifnull(endedAt, ?) WHERE id IN (${among})`,
      ...[state, change, at],
    );
    this.#forgetEnded("");
  }

  async *tags({ now, key, jobId }: { now: string; key?: string; jobId?: string }): AsyncIterable<Tag> {
    for (const { tag, isEnded } of this.#currentTags()) {
      const isWanted = (key === undefined || tag.key === key) && (jobId === undefined || tag.jobId === jobId);
      if (isWanted && !isEnded && tag.expiresAt > now) yield tag;
    }
  }

  /** In the order of subject and key. */
  *#currentTags(): Generator<TagChange> {
    for (const changes of this.#changes({ since: 0 }))
      yield* changes.length === 1 ? changes : changes.sort((a, b) => (a.tag.key < b.tag.key ? -1 : 1));
  }

  /** For one subject at a time. */
  *#changes({ since, until, after }: Pick<ChangesFilter, "since" | "until" | "after">): Generator<TagChange[]> {
    yield* this.snapshot(function* (reader) {
      const all = reader.prepare(`SELECT ${BATCH_FIELDS} FROM tag_batch`).all() as unknown as HeadBatch[];
      const batches = new Map(all.map((batch) => [batch.batchId, batch]));
      const touched = all.filter(({ published, ended }) => Math.max(published ?? 0, ended ?? 0) > since);
      const among = touched.map(({ batchId }) => batchId).join(", ") || "-1";
      const changed = `subject IN (SELECT subject FROM tag WHERE batchId IN (${among}) OR ended > ${since})`;
      const statement = reader.prepare(
        `SELECT subject, batchId, value, score, ended FROM tag WHERE subject >= ? ${since === 0 ? "" : `AND ${changed}`}
         ORDER BY subject, batchId`,
      );
      statement.setReturnArrays(true);
      let group: TagRow[] = [];
      for (const row of statement.iterate(after?.subject ?? "") as Iterable<unknown> as Iterable<TagRow>) {
        if (group.length > 0 && group[0]?.[0] !== row[0]) {
          const changes = changesIn(group, batches, { since, until });
          if (changes.length > 0) yield changes;
          group = [];
        }
        group.push(row);
      }
      const changes = changesIn(group, batches, { since, until });
      if (changes.length > 0) yield changes;
    });
  }

  async *subjectsOf(jobId: string, now: string): AsyncIterable<string> {
    const rows = this.db
      .prepare(
        `SELECT DISTINCT subject FROM tag WHERE ended IS NULL AND batchId IN (
           SELECT id FROM tag_batch WHERE jobId = ? AND state = 'in-force' AND expiresAt > ?) ORDER BY subject`,
      )
      .iterate(jobId, now);
    for (const { subject } of rows) yield subject as string;
  }

  async tagAgreements(now: string): Promise<string[]> {
    return this.all<{ agreement: string }>(
      "SELECT DISTINCT agreement FROM tag_batch WHERE state = 'in-force' AND expiresAt > ? ORDER BY agreement",
      now,
    ).map((row) => row.agreement);
  }

  async withdrawTags(agreement: string, at: string): Promise<{ jobId: string; count: number }[]> {
    return this.transaction(() => {
      const counts = this.all<{ jobId: string; count: number }>(
        `SELECT b.jobId, count(*) AS count FROM tag t CROSS JOIN tag_batch b ON b.id = t.batchId
         WHERE b.agreement = ? AND b.state = 'in-force' AND t.ended IS NULL GROUP BY b.jobId ORDER BY b.jobId`,
        agreement,
      );
      this.#dropStaged("agreement", agreement);
      this.#endBatches("withdrawn", at, "agreement = ? AND state IN ('in-force', 'expired')", agreement);
      return counts;
    });
  }

  async withdrawTagsOf(subjects: readonly string[], at: string): Promise<number> {
    return this.transaction(() => this.endTagsOf(subjects, at));
  }

  /** Within a transaction. */
  protected endTagsOf(subjects: readonly string[], at: string): number {
    const isStaging = this.get("SELECT 1 FROM tag_staged LIMIT 1") !== undefined;
    const staged = this.db.prepare("DELETE FROM tag_staged WHERE subject = ?");
    const published = this.db.prepare(
      "UPDATE tag SET value = '', score = NULL, ended = ? WHERE subject = ? AND ended IS NULL",
    );
    const change = this.#change(at, "withdrawn");
    let ended = 0;
    let dropped = 0;
    for (const subject of subjects) {
      if (isStaging) dropped += Number(staged.run(subject).changes);
      ended += Number(published.run(change, subject).changes);
    }
    if (ended === 0) this.run("DELETE FROM tag_change WHERE id = ?", change);
    else this.#forgetEnded("");
    return ended + dropped;
  }

  async tagCounts(now: string): Promise<{ key: string; value: string; jobId: string; count: number }[]> {
    const counts = new Map<string, { key: string; value: string; jobId: string; count: number }>();
    for (const { tag, isEnded } of this.#currentTags()) {
      if (isEnded || tag.expiresAt <= now) continue;
      const { key, value, jobId } = tag;
      const name = JSON.stringify([key, value, jobId]);
      const counted = counts.get(name);
      if (counted === undefined) counts.set(name, { key, value, jobId, count: 1 });
      else counted.count++;
    }
    return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counted]) => counted);
  }

  async expireTags(now: string): Promise<void> {
    this.transaction(() => {
      const where = "state = 'in-force' AND expiresAt <= ?";
      if (this.get(`SELECT 1 FROM tag_batch WHERE ${where}`, now) === undefined) return;
      const change = this.#change(now, "expired");
      this.run(`UPDATE tag_batch SET state = 'expired', ended = ?, endedAt = expiresAt WHERE ${where}`, change, now);
    });
  }

  async tagBatches(): Promise<TagBatchRecord[]> {
    const counts = new Map<number, Record<string, number>>();
    for (const { batchId, value, count } of this.all<{ batchId: number; value: string; count: number }>(
      "SELECT * FROM tag_batch_count ORDER BY batchId, value",
    ))
      counts.set(batchId, { ...counts.get(batchId), [value]: count });
    return this.all<Omit<TagBatchRecord, "counts">>(
      `SELECT id AS batchId, jobId, key, agreement, model, issuedAt, expiresAt, state, endedAt, lineage FROM tag_batch
       ORDER BY id DESC`,
    ).map((batch) => ({ ...batch, counts: counts.get(batch.batchId) ?? {} }));
  }

  async tagHistory(subject: string, now: string): Promise<TagHistoryRecord[]> {
    const rows = this.all<Omit<TagHistoryRecord, "state"> & { batchState: string; ended: number | null }>(
      `SELECT b.id AS batchId, b.key, t.value, b.jobId, b.agreement, b.issuedAt, b.expiresAt, b.state AS batchState, t.ended
       FROM tag t CROSS JOIN tag_batch b ON b.id = t.batchId WHERE t.subject = ? AND b.state <> 'staged' ORDER BY b.id DESC`,
      subject,
    );
    const seen = new Set<string>();
    return rows.map(({ batchState, ended, ...row }) => {
      const isNewest = !seen.has(row.key);
      if (ended === null) seen.add(row.key);
      const isOver = batchState === "expired" || row.expiresAt <= now;
      const state = ended !== null ? "withdrawn" : !isNewest ? "superseded" : isOver ? "expired" : "current";
      return { ...row, state };
    });
  }

  async lastTagChange(): Promise<number> {
    return this.get<{ id: number }>("SELECT ifnull(max(id), 0) AS id FROM tag_change")?.id ?? 0;
  }

  async forgottenTagChange(): Promise<number> {
    return Number(this.get<{ value: string }>("SELECT value FROM setting WHERE key = ?", FORGOTTEN)?.value ?? 0);
  }

  async *tagChanges(filter: ChangesFilter): AsyncIterable<readonly TagChange[]> {
    const { keys, onlyCurrent = false, after } = filter;
    let changes: TagChange[] = [];
    for (const ofSubject of this.#changes(filter)) {
      for (const change of ofSubject) {
        const isBefore = after !== undefined && change.tag.subject === after.subject && change.batchId <= after.batchId;
        if (isBefore || (onlyCurrent && change.isEnded) || keys?.includes(change.tag.key) === false) continue;
        changes.push(change);
      }
      if (changes.length < CHANGES) continue;
      yield changes;
      changes = [];
    }
    if (changes.length > 0) yield changes;
  }

  async tagChangeSources(filter: ChangesFilter): Promise<{ jobIds: string[]; agreements: string[] }> {
    const found = this.#sourcesByBatch(filter) ?? (await this.#sourcesByRow(filter));
    return { jobIds: [...found.keys()].sort(), agreements: [...new Set(found.values())].sort() };
  }

  /** Without a look at every row, where each batch that changed is its key's newest and nothing was withdrawn since. */
  #sourcesByBatch({ since, until = Number.MAX_SAFE_INTEGER, keys }: ChangesFilter): Map<string, string> | undefined {
    if (this.get("SELECT 1 FROM tag WHERE ended > ? LIMIT 1", since) !== undefined) return undefined;
    const changed = this.all<{ batchId: number; jobId: string; agreement: string; key: string; isNewest: number }>(
      `SELECT b.id AS batchId, b.jobId, b.agreement, b.key,
         b.id = (SELECT max(id) FROM tag_batch n WHERE n.key = b.key AND n.published <= ?) AS isNewest
       FROM tag_batch b WHERE b.state = 'in-force' AND b.published > ? AND b.published <= ?`,
      ...[until, since, until],
    ).filter(({ key }) => keys?.includes(key) !== false);
    if (changed.some(({ isNewest }) => isNewest === 0)) return undefined;
    const holds = (id: number) => this.get("SELECT 1 FROM tag WHERE batchId = ? AND ended IS NULL LIMIT 1", id);
    return new Map(changed.filter(({ batchId }) => holds(batchId)).map(({ jobId, agreement }) => [jobId, agreement]));
  }

  async #sourcesByRow(filter: ChangesFilter): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for await (const changes of this.tagChanges({ ...filter, onlyCurrent: true }))
      for (const { tag } of changes) found.set(tag.jobId, tag.agreement);
    return found;
  }

  async forgetEndedTags(before: string): Promise<void> {
    this.transaction(() => this.#forgetEnded(before));
  }

  #forgetEnded(before: string): void {
    const told = this.get<{ cursor: number | null }>("SELECT min(cursor) AS cursor FROM feed")?.cursor;
    const old = this.get<{ id: number | null }>("SELECT max(id) AS id FROM tag_change WHERE at < ?", before)?.id ?? 0;
    const limit = Math.max(told ?? Number.MAX_SAFE_INTEGER, old);
    const last = this.get<{ id: number | null }>("SELECT max(ended) AS id FROM tag WHERE ended <= ?", limit)?.id;
    if (this.run("DELETE FROM tag WHERE ended <= ?", limit) === 0) return;
    this.run(
      "INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      ...[FORGOTTEN, String(last)],
    );
  }

  async tagDefinitions(): Promise<{ key: string; document: string }[]> {
    return this.all("SELECT key, document FROM tag_definition ORDER BY key");
  }

  async putTagDefinition(key: string, document: string): Promise<void> {
    this.run("INSERT OR REPLACE INTO tag_definition VALUES (?, ?)", key, document);
  }
}
