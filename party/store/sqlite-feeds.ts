/** Opt-outs, feeds and their deliveries in the embedded store. */
import { SqliteTags } from "./sqlite-tags.ts";
import type { DeliveryRecord, FeedRecord, FeedStore, OptOutRecord, OptOutStore } from "./tag-records.ts";

/** What the SQL view shows, in its columns' order, is a contract: party/feeds/README.md. */
export const FEED_SCHEMA = `
CREATE TABLE opt_out (
  form TEXT NOT NULL, mark BLOB NOT NULL, sealed BLOB NOT NULL, addedAt TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (form, mark)
) STRICT, WITHOUT ROWID;
CREATE TABLE feed (name TEXT PRIMARY KEY, config TEXT NOT NULL, cursor INTEGER NOT NULL, createdAt TEXT NOT NULL, createdBy TEXT NOT NULL) STRICT;
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY, deliveryId TEXT NOT NULL UNIQUE, feed TEXT NOT NULL, mode TEXT NOT NULL, fromChange INTEGER NOT NULL,
  toChange INTEGER NOT NULL, state TEXT NOT NULL, person TEXT NOT NULL, startedAt TEXT NOT NULL, endedAt TEXT,
  written INTEGER NOT NULL, ended INTEGER NOT NULL, isRecorded INTEGER NOT NULL, placeSubject TEXT, placeBatch INTEGER, code TEXT
) STRICT;
CREATE INDEX delivery_of_feed ON delivery (feed);
CREATE VIEW tags_current (subject, key, value, score, model, scored_at, job_id, agreement, issued_at, expires_at) AS
  SELECT t.subject, b.key, t.value, t.score, b.model, b.scoredAt, b.jobId, b.agreement, b.issuedAt, b.expiresAt
  FROM tag t JOIN tag_batch b ON b.id = t.batchId
  WHERE b.state = 'in-force' AND t.ended IS NULL AND b.expiresAt > strftime('%Y-%m-%dT%H:%M:%fZ')
    AND NOT EXISTS (
      SELECT 1 FROM tag n JOIN tag_batch c ON c.id = n.batchId
      WHERE n.subject = t.subject AND n.batchId > t.batchId AND c.key = b.key AND c.state <> 'staged' AND n.ended IS NULL);
`;

type DeliveryRow = Omit<DeliveryRecord, "isRecorded" | "place"> & {
  readonly isRecorded: number;
  readonly placeSubject: string | null;
  readonly placeBatch: number | null;
};

export class SqliteFeeds extends SqliteTags implements OptOutStore, FeedStore {
  async addOptOuts(
    records: readonly OptOutRecord[],
    subjects: readonly string[],
    at: string,
  ): Promise<{ added: number; withdrawnTags: number }> {
    return this.transaction(() => {
      const insert = this.db.prepare("INSERT OR IGNORE INTO opt_out VALUES (?, ?, ?, ?, ?)");
      let added = 0;
      for (const { form, mark, sealed, addedAt, person } of records)
        added += Number(insert.run(form, mark, sealed, addedAt, person).changes);
      return { added, withdrawnTags: this.endTagsOf(subjects, at) };
    });
  }

  async removeOptOuts(form: string, marks: readonly Uint8Array[]): Promise<number> {
    return this.transaction(() => {
      const remove = this.db.prepare("DELETE FROM opt_out WHERE form = ? AND mark = ?");
      return marks.reduce((removed, mark) => removed + Number(remove.run(form, mark).changes), 0);
    });
  }

  async optOuts(form: string): Promise<OptOutRecord[]> {
    return this.all("SELECT * FROM opt_out WHERE form = ? ORDER BY mark", form);
  }

  async optOutCounts(): Promise<{ form: string; count: number; lastAddedAt: string }[]> {
    return this.all(
      `SELECT form, count(*) AS count, max(addedAt) AS lastAddedAt FROM opt_out GROUP BY form ORDER BY form`,
    );
  }

  async feeds(): Promise<FeedRecord[]> {
    return this.all("SELECT * FROM feed ORDER BY name");
  }

  async addFeed({ name, config, cursor, createdAt, createdBy }: FeedRecord): Promise<boolean> {
    return (
      this.run("INSERT OR IGNORE INTO feed VALUES (?, ?, ?, ?, ?)", name, config, cursor, createdAt, createdBy) === 1
    );
  }

  async removeFeed(name: string): Promise<void> {
    this.transaction(() => {
      this.run("DELETE FROM delivery WHERE feed = ?", name);
      this.run("DELETE FROM feed WHERE name = ?", name);
    });
    await this.forgetEndedTags("");
  }

  async deliveries(feed: string, limit: number): Promise<DeliveryRecord[]> {
    const rows = this.all<DeliveryRow>("SELECT * FROM delivery WHERE feed = ? ORDER BY id DESC LIMIT ?", feed, limit);
    return rows.map(({ isRecorded, placeSubject, placeBatch, ...row }) => ({
      deliveryId: row.deliveryId,
      feed: row.feed,
      mode: row.mode,
      fromChange: row.fromChange,
      toChange: row.toChange,
      state: row.state,
      person: row.person,
      startedAt: row.startedAt,
      endedAt: row.endedAt,
      written: row.written,
      ended: row.ended,
      isRecorded: isRecorded === 1,
      place: placeSubject === null || placeBatch === null ? null : { subject: placeSubject, batchId: placeBatch },
      code: row.code,
    }));
  }

  async putDelivery(delivery: DeliveryRecord): Promise<void> {
    this.#putDelivery(delivery);
  }

  #putDelivery(delivery: DeliveryRecord): void {
    const { deliveryId, feed, mode, fromChange, toChange, state, person, startedAt, endedAt, written, ended } =
      delivery;
    const { isRecorded, place, code } = delivery;
    const progress = [
      state,
      endedAt,
      written,
      ended,
      isRecorded ? 1 : 0,
      place?.subject ?? null,
      place?.batchId ?? null,
      code,
    ];
    this.run(
      `INSERT INTO delivery (deliveryId, feed, mode, fromChange, toChange, person, startedAt, state, endedAt, written, ended,
         isRecorded, placeSubject, placeBatch, code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (deliveryId) DO UPDATE SET state = excluded.state, endedAt = excluded.endedAt, written = excluded.written,
         ended = excluded.ended, isRecorded = excluded.isRecorded, placeSubject = excluded.placeSubject,
         placeBatch = excluded.placeBatch, code = excluded.code`,
      ...[deliveryId, feed, mode, fromChange, toChange, person, startedAt, ...progress],
    );
  }

  async endDelivery(delivery: DeliveryRecord, cursor: number): Promise<void> {
    this.transaction(() => {
      this.#putDelivery(delivery);
      this.run("UPDATE feed SET cursor = max(cursor, ?) WHERE name = ?", cursor, delivery.feed);
    });
  }
}
