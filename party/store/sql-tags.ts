/**
 * Tags in the store. A batch is one job's issue of one key; a person's value of a key is that of the newest batch
 * that has been published, also when that has expired: what it superseded does not come back. Withdrawal is as if it had
 * never been issued: it wipes the values, and an earlier one that is still in force stands again. Every change has a number.
 */
import type { Statements } from "../../proto/database/database.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Tag } from "../tags/tag.ts";
import { listed, SqlTables } from "./sql-tables.ts";
import { changesIn, type HeadBatch, type TagRow } from "./tag-heads.ts";
import type { ChangesFilter, TagBatchRecord, TagChange, TagHistoryRecord, TagStore } from "./tag-records.ts";

const BATCH_FIELDS =
  "id AS batchId, jobId, key, agreement, issuedAt, expiresAt, model, scoredAt, state, published, ended";
const FORGOTTEN = "tags-forgotten";
/** Changes that are given at a time. */
const CHANGES = 4_000;
/** Rows that are written in one statement. */
const STAGED_ROWS = 4_096;
/** Rows that are sorted into the table in one statement, during which no other writes. */
const SORTED_ROWS = 500_000;

type StagedRow = [batchId: number, subject: string, value: string, score: number | null];

export class SqlTags extends SqlTables implements TagStore {
  async putTags(jobId: string, part: number, tags: Iterable<Tag>): Promise<boolean> {
    // A transaction may run again; a source cannot.
    const all = [...tags];
    return this.db.transaction(async (sql) => {
      if ((await sql.insert("tag_part", ["jobId", "part"], [[jobId, part]], { ignore: true })) === 0) return false;
      const counts = new Map<number, Map<string, number>>();
      let rows: StagedRow[] = [];
      const write = () => sql.insert("tag_staged", ["batchId", "subject", "value", "score"], rows);
      let last: Tag | undefined;
      let batch = 0;
      for (const tag of all) {
        const isLike = last?.key === tag.key && last.issuedAt === tag.issuedAt && last.expiresAt === tag.expiresAt;
        if (!isLike || last?.agreement !== tag.agreement) batch = await batchOf(sql, { ...tag, jobId });
        last = tag;
        const ofBatch = counts.get(batch) ?? new Map<string, number>();
        counts.set(batch, ofBatch.set(tag.value, (ofBatch.get(tag.value) ?? 0) + 1));
        if (rows.push([batch, tag.subject, tag.value, tag.score]) < STAGED_ROWS) continue;
        await write();
        rows = [];
      }
      await write();
      for (const [batchId, ofBatch] of counts)
        for (const [value, count] of ofBatch)
          await sql.run(
            `INSERT INTO tag_batch_count (batchId, value, count) VALUES (?, ?, ?)
             ON CONFLICT (batchId, value) DO UPDATE SET count = tag_batch_count.count + excluded.count`,
            ...[batchId, value, count],
          );
      return true;
    });
  }

  async publishTags(jobId: string, at: string, lineage: string | null): Promise<void> {
    const ofJob = "SELECT id FROM tag_batch WHERE jobId = ? AND state = 'staged' ORDER BY id";
    const staged = await this.db.all<{ id: number }>(ofJob, jobId);
    if (staged.length === 0) return;
    const among = staged.map(({ id }) => id).join(", ");
    const bounds = await this.#bounds(among);
    for (const [i, from] of bounds.entries()) {
      const to = bounds[i + 1];
      // In the table's order: a random one would write every page of it again and again. Of two rows of a subject, which an
      // attempt and the one before it may have left, the last counts; PostgreSQL has to be told before it writes.
      const [distinct, order] =
        this.db.dialect === "postgres" ? ["DISTINCT ON (subject, batchId)", "id DESC"] : ["", "id"];
      await this.db.run(
        `INSERT INTO tag (subject, batchId, value, score, ended)
         SELECT ${distinct} subject, batchId, value, score, CAST(NULL AS INTEGER) FROM tag_staged
         WHERE batchId IN (${among}) AND subject >= ? ${to === undefined ? "" : "AND subject < ?"}
         ORDER BY subject, batchId, ${order}
         ON CONFLICT (subject, batchId) DO UPDATE SET value = excluded.value, score = excluded.score, ended = NULL`,
        ...(to === undefined ? [from] : [from, to]),
      );
    }
    await this.db.transaction(async (sql) => {
      const change = await changed(sql, at, "issued");
      await sql.run(`DELETE FROM tag_staged WHERE batchId IN (${among})`);
      await sql.run(
        `UPDATE tag_batch SET state = 'in-force', published = ?, lineage = ? WHERE id IN (${among}) AND state = 'staged'`,
        ...[change, lineage],
      );
    });
  }

  /** Subjects that cut the staged rows into pieces of some SORTED_ROWS, found in a sample; the first is the smallest text. */
  async #bounds(among: string): Promise<string[]> {
    const counted = await this.db.get<{ rows: number }>(
      `SELECT count(*) AS rows FROM tag_staged WHERE batchId IN (${among})`,
    );
    const rows = counted?.rows ?? 0;
    const pieces = Math.ceil(rows / SORTED_ROWS);
    if (pieces <= 1) return [""];
    const sample = await this.db.all<{ subject: string }>(
      `SELECT subject FROM tag_staged WHERE batchId IN (${among}) AND id % ? = 0 ORDER BY subject`,
      Math.max(1, Math.floor(rows / 10_000)),
    );
    const cuts = Array.from({ length: pieces - 1 }, (_, i) => sample[Math.floor(((i + 1) * sample.length) / pieces)]);
    return ["", ...new Set(cuts.flatMap((row) => row?.subject ?? []))];
  }

  async removeTags(jobId: string, at = new Date(0).toISOString()): Promise<void> {
    await this.db.transaction(async (sql) => {
      await sql.run("DELETE FROM tag_part WHERE jobId = ?", jobId);
      await sql.run("DELETE FROM tag_batch_count WHERE batchId IN (SELECT id FROM tag_batch WHERE jobId = ?)", jobId);
      await dropStaged(sql, "jobId", jobId);
      await endBatches(sql, "removed", at, "jobId = ? AND state <> 'removed'", jobId);
    });
  }

  async *tags({ now, key, jobId }: { now: string; key?: string; jobId?: string }): AsyncIterable<Tag> {
    for await (const some of this.#currentTags())
      for (const { tag, isEnded } of some) {
        const isWanted = (key === undefined || tag.key === key) && (jobId === undefined || tag.jobId === jobId);
        if (isWanted && !isEnded && tag.expiresAt > now) yield tag;
      }
  }

  /** In the order of subject and key. */
  async *#currentTags(): AsyncGenerator<TagChange[]> {
    for await (const some of this.#changes({ since: 0 }))
      yield some.flatMap((of) => (of.length === 1 ? of : of.sort((a, b) => (a.tag.key < b.tag.key ? -1 : 1))));
  }

  /** Each subject's own, of some thousands of subjects at a time. */
  #changes({ since, until, after }: Pick<ChangesFilter, "since" | "until" | "after">): AsyncGenerator<TagChange[][]> {
    return this.db.snapshot(async function* (reader) {
      const all = await reader.all<HeadBatch>(`SELECT ${BATCH_FIELDS} FROM tag_batch`);
      const batches = new Map(all.map((batch) => [batch.batchId, batch]));
      const touched = all.filter(({ published, ended }) => Math.max(published ?? 0, ended ?? 0) > since);
      const among = touched.map(({ batchId }) => batchId).join(", ") || "-1";
      const isChanged = `subject IN (SELECT subject FROM tag WHERE batchId IN (${among}) OR ended > ${since})`;
      const rows = reader.rows<TagRow>(
        `SELECT subject, batchId, value, score, ended FROM tag WHERE subject >= ? ${since === 0 ? "" : `AND ${isChanged}`}
         ORDER BY subject, batchId`,
        after?.subject ?? "",
      );
      let group: TagRow[] = [];
      for await (const some of rows) {
        const found: TagChange[][] = [];
        for (const row of some) {
          if (group.length > 0 && group[0]?.[0] !== row[0]) {
            const changes = changesIn(group, batches, { since, until });
            if (changes.length > 0) found.push(changes);
            group = [];
          }
          group.push(row);
        }
        if (found.length > 0) yield found;
      }
      const changes = changesIn(group, batches, { since, until });
      if (changes.length > 0) yield [changes];
    });
  }

  async *subjectsOf(jobId: string, now: string): AsyncIterable<string> {
    const subjects = this.db.snapshot((reader) =>
      reader.rows<[string]>(
        `SELECT DISTINCT subject FROM tag WHERE ended IS NULL AND batchId IN (
           SELECT id FROM tag_batch WHERE jobId = ? AND state = 'in-force' AND expiresAt > ?) ORDER BY subject`,
        ...[jobId, now],
      ),
    );
    for await (const some of subjects) for (const [subject] of some) yield subject;
  }

  async tagAgreements(now: string): Promise<string[]> {
    const rows = await this.db.all<{ agreement: string }>(
      "SELECT DISTINCT agreement FROM tag_batch WHERE state = 'in-force' AND expiresAt > ? ORDER BY agreement",
      now,
    );
    return rows.map((row) => row.agreement);
  }

  async withdrawTags(agreement: string, at: string): Promise<{ jobId: string; count: number }[]> {
    return this.db.transaction(async (sql) => {
      const counts = await sql.all<{ jobId: string; count: number }>(
        `SELECT b.jobId, sum(t.count) AS count FROM tag_batch b JOIN (
           SELECT batchId, count(*) AS count FROM tag WHERE ended IS NULL
             AND batchId IN (SELECT id FROM tag_batch WHERE agreement = ? AND state = 'in-force') GROUP BY batchId
         ) t ON t.batchId = b.id GROUP BY b.jobId ORDER BY b.jobId`,
        agreement,
      );
      await dropStaged(sql, "agreement", agreement);
      await endBatches(sql, "withdrawn", at, "agreement = ? AND state IN ('in-force', 'expired')", agreement);
      return counts;
    });
  }

  async withdrawTagsOf(subjects: readonly string[], at: string): Promise<number> {
    return this.db.transaction((sql) => endTagsOf(sql, subjects, at));
  }

  async tagCounts(now: string): Promise<{ key: string; value: string; jobId: string; count: number }[]> {
    const counts = new Map<string, { key: string; value: string; jobId: string; count: number }>();
    for await (const some of this.#currentTags())
      for (const { tag, isEnded } of some) {
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
    const where = "state = 'in-force' AND expiresAt <= ?";
    // Asked first, as nothing has expired at most times.
    if ((await this.db.get(`SELECT 1 AS one FROM tag_batch WHERE ${where}`, now)) === undefined) return;
    await this.db.transaction(async (sql) => {
      const change = await changed(sql, now, "expired");
      await sql.run(
        `UPDATE tag_batch SET state = 'expired', ended = ?, endedAt = expiresAt WHERE ${where}`,
        change,
        now,
      );
    });
  }

  async tagBatches(): Promise<TagBatchRecord[]> {
    const counts = new Map<number, Record<string, number>>();
    for (const { batchId, value, count } of await this.db.all<{ batchId: number; value: string; count: number }>(
      "SELECT batchId, value, count FROM tag_batch_count ORDER BY batchId, value",
    ))
      counts.set(batchId, { ...counts.get(batchId), [value]: count });
    const batches = await this.db.all<Omit<TagBatchRecord, "counts">>(
      `SELECT id AS batchId, jobId, key, agreement, model, issuedAt, expiresAt, state, endedAt, lineage FROM tag_batch
       ORDER BY id DESC`,
    );
    return batches.map((batch) => ({ ...batch, counts: counts.get(batch.batchId) ?? {} }));
  }

  async tagHistory(subject: string, now: string): Promise<TagHistoryRecord[]> {
    const rows = await this.db.all<Omit<TagHistoryRecord, "state"> & { batchState: string; ended: number | null }>(
      `SELECT b.id AS batchId, b.key, t.value, b.jobId, b.agreement, b.issuedAt, b.expiresAt, b.state AS batchState, t.ended
       FROM tag t JOIN tag_batch b ON b.id = t.batchId WHERE t.subject = ? AND b.state <> 'staged' ORDER BY b.id DESC`,
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
    return (await this.db.get<{ id: number }>("SELECT coalesce(max(id), 0) AS id FROM tag_change"))?.id ?? 0;
  }

  async forgottenTagChange(): Promise<number> {
    const setting = await this.db.get<{ value: string }>("SELECT value FROM setting WHERE key = ?", FORGOTTEN);
    return Number(setting?.value ?? 0);
  }

  async *tagChanges(filter: ChangesFilter): AsyncIterable<readonly TagChange[]> {
    const { keys, onlyCurrent = false, after } = filter;
    let changes: TagChange[] = [];
    for await (const some of this.#changes(filter)) {
      for (const change of some.flat()) {
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
    const found = (await this.#sourcesByBatch(filter)) ?? (await this.#sourcesByRow(filter));
    return { jobIds: [...found.keys()].sort(), agreements: [...new Set(found.values())].sort() };
  }

  /** Without a look at every row, where each batch that changed is its key's newest and nothing was withdrawn since. */
  async #sourcesByBatch(filter: ChangesFilter): Promise<Map<string, string> | undefined> {
    const { since, until = Number.MAX_SAFE_INTEGER, keys } = filter;
    if ((await this.db.get("SELECT 1 AS one FROM tag WHERE ended > ? LIMIT 1", since)) !== undefined) return undefined;
    const all = await this.db.all<{ batchId: number; jobId: string; agreement: string; key: string; newest: number }>(
      `SELECT b.id AS batchId, b.jobId, b.agreement, b.key,
         (SELECT max(id) FROM tag_batch n WHERE n.key = b.key AND n.published <= ?) AS newest
       FROM tag_batch b WHERE b.state = 'in-force' AND b.published > ? AND b.published <= ?`,
      ...[until, since, until],
    );
    const issued = all.filter(({ key }) => keys?.includes(key) !== false);
    if (issued.some(({ batchId, newest }) => newest !== batchId)) return undefined;
    const found = new Map<string, string>();
    const holds = "SELECT 1 AS one FROM tag WHERE batchId = ? AND ended IS NULL LIMIT 1";
    for (const { batchId, jobId, agreement } of issued)
      if ((await this.db.get(holds, batchId)) !== undefined) found.set(jobId, agreement);
    return found;
  }

  async #sourcesByRow(filter: ChangesFilter): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for await (const changes of this.tagChanges({ ...filter, onlyCurrent: true }))
      for (const { tag } of changes) found.set(tag.jobId, tag.agreement);
    return found;
  }

  async forgetEndedTags(before: string): Promise<void> {
    await this.db.transaction((sql) => forgetEnded(sql, before));
  }

  async tagDefinitions(): Promise<{ key: string; document: string }[]> {
    return this.db.all("SELECT key, document FROM tag_definition ORDER BY key");
  }

  async putTagDefinition(key: string, document: string): Promise<void> {
    await this.db.run(
      "INSERT INTO tag_definition (key, document) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET document = excluded.document",
      ...[key, document],
    );
  }
}

/** What a job's tags have in common stands once: a million of them are 40 MB and not 250. */
async function batchOf(sql: Statements, tag: Tag): Promise<number> {
  const { jobId, key, agreement, issuedAt, expiresAt, model, scoredAt } = tag;
  const fields = [jobId, key, agreement, issuedAt, expiresAt];
  const known = await sql.get<{ id: number }>(
    `SELECT id FROM tag_batch
     WHERE jobId = ? AND key = ? AND agreement = ? AND issuedAt = ? AND expiresAt = ? AND state = 'staged'`,
    ...fields,
  );
  // A job has one model and one time of its score.
  return (
    known?.id ??
    (await made(
      sql,
      `INSERT INTO tag_batch (jobId, key, agreement, issuedAt, expiresAt, model, scoredAt, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'staged') RETURNING id`,
      ...fields,
      model,
      scoredAt,
    ))
  );
}

async function made(sql: Statements, text: string, ...values: (string | null)[]): Promise<number> {
  const row = await sql.get<{ id: number }>(text, ...values);
  if (row === undefined) throw new EntenteError("STORAGE_FAILED", { detail: "a row has no number" });
  return row.id;
}

/** The number of a new change. */
function changed(sql: Statements, at: string, what: string): Promise<number> {
  return made(sql, "INSERT INTO tag_change (at, what) VALUES (?, ?) RETURNING id", at, what);
}

async function dropStaged(sql: Statements, column: "jobId" | "agreement", of: string): Promise<void> {
  const staged = `SELECT id FROM tag_batch WHERE ${column} = ? AND state = 'staged'`;
  if ((await sql.get(staged, of)) === undefined) return;
  for (const table of ["tag_staged", "tag", "tag_batch_count"])
    await sql.run(`DELETE FROM ${table} WHERE batchId IN (${staged})`, of);
  await sql.run(`DELETE FROM tag_batch WHERE ${column} = ? AND state = 'staged'`, of);
}

/** Their values are wiped. */
async function endBatches(
  sql: Statements,
  state: "withdrawn" | "removed",
  at: string,
  where: string,
  of: string,
): Promise<void> {
  const ids = (await sql.all<{ id: number }>(`SELECT id FROM tag_batch WHERE ${where}`, of)).map(({ id }) => id);
  if (ids.length === 0) return;
  const change = await changed(sql, at, state);
  const among = ids.join(", ");
  await sql.run(
    `UPDATE tag SET value = '', score = NULL, ended = ? WHERE batchId IN (${among}) AND ended IS NULL`,
    change,
  );
  await sql.run(
    `UPDATE tag_batch SET state = ?, ended = coalesce(ended, ?), endedAt = coalesce(endedAt, ?) WHERE id IN (${among})`,
    ...[state, change, at],
  );
  await forgetEnded(sql, "");
}

/** Of these people, staged ones included; how many. */
export async function endTagsOf(sql: Statements, subjects: readonly string[], at: string): Promise<number> {
  const isStaging = (await sql.get("SELECT 1 AS one FROM tag_staged LIMIT 1")) !== undefined;
  const change = await changed(sql, at, "withdrawn");
  let ended = 0;
  let dropped = 0;
  for (const { places, some } of listed(subjects)) {
    if (isStaging) dropped += await sql.run(`DELETE FROM tag_staged WHERE subject IN (${places})`, ...some);
    ended += await sql.run(
      `UPDATE tag SET value = '', score = NULL, ended = ? WHERE ended IS NULL AND subject IN (${places})`,
      ...[change, ...some],
    );
  }
  if (ended === 0) await sql.run("DELETE FROM tag_change WHERE id = ?", change);
  else await forgetEnded(sql, "");
  return ended + dropped;
}

async function forgetEnded(sql: Statements, before: string): Promise<void> {
  const told = (await sql.get<{ cursor: number | null }>("SELECT min(cursor) AS cursor FROM feed"))?.cursor;
  const old = await sql.get<{ id: number | null }>("SELECT max(id) AS id FROM tag_change WHERE at < ?", before);
  const limit = Math.max(told ?? Number.MAX_SAFE_INTEGER, old?.id ?? 0);
  const last = await sql.get<{ id: number | null }>("SELECT max(ended) AS id FROM tag WHERE ended <= ?", limit);
  if ((await sql.run("DELETE FROM tag WHERE ended <= ?", limit)) === 0) return;
  await sql.run(
    "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    ...[FORGOTTEN, String(last?.id)],
  );
}
