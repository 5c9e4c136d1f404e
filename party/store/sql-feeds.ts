/** Opt-outs, feeds and their deliveries in the store. */
import type { Statements } from "../../proto/database/database.ts";
import { listed } from "./sql-tables.ts";
import { endTagsOf, SqlTags } from "./sql-tags.ts";
import type { DeliveryRecord, FeedRecord, FeedStore, OptOutRecord, OptOutStore } from "./tag-records.ts";

type DeliveryRow = Omit<DeliveryRecord, "isRecorded" | "place"> & {
  readonly isRecorded: number;
  readonly placeSubject: string | null;
  readonly placeBatch: number | null;
};

export class SqlFeeds extends SqlTags implements OptOutStore, FeedStore {
  async addOptOuts(
    records: readonly OptOutRecord[],
    subjects: readonly string[],
    at: string,
  ): Promise<{ added: number; withdrawnTags: number }> {
    const rows = records.map(({ form, mark, sealed, addedAt, person }) => [form, mark, sealed, addedAt, person]);
    return this.db.transaction(async (sql) => ({
      added: await sql.insert("opt_out", ["form", "mark", "sealed", "addedAt", "person"], rows, { ignore: true }),
      withdrawnTags: await endTagsOf(sql, subjects, at),
    }));
  }

  async removeOptOuts(form: string, marks: readonly Uint8Array[]): Promise<number> {
    return this.db.transaction(async (sql) => {
      let removed = 0;
      for (const { places, some } of listed(marks))
        removed += await sql.run(`DELETE FROM opt_out WHERE form = ? AND mark IN (${places})`, form, ...some);
      return removed;
    });
  }

  async optOuts(form: string): Promise<OptOutRecord[]> {
    return this.db.all("SELECT form, mark, sealed, addedAt, person FROM opt_out WHERE form = ? ORDER BY mark", form);
  }

  async optOutCounts(): Promise<{ form: string; count: number; lastAddedAt: string }[]> {
    return this.db.all(
      `SELECT form, count(*) AS count, max(addedAt) AS lastAddedAt FROM opt_out GROUP BY form ORDER BY form`,
    );
  }

  async feeds(): Promise<FeedRecord[]> {
    return this.db.all("SELECT name, config, cursor, createdAt, createdBy FROM feed ORDER BY name");
  }

  async addFeed({ name, config, cursor, createdAt, createdBy }: FeedRecord): Promise<boolean> {
    const columns = ["name", "config", "cursor", "createdAt", "createdBy"];
    const rows = [[name, config, cursor, createdAt, createdBy]];
    return (await this.db.insert("feed", columns, rows, { ignore: true })) === 1;
  }

  async removeFeed(name: string): Promise<void> {
    await this.db.transaction(async (sql) => {
      await sql.run("DELETE FROM delivery WHERE feed = ?", name);
      await sql.run("DELETE FROM feed WHERE name = ?", name);
    });
    await this.forgetEndedTags("");
  }

  async deliveries(feed: string, limit: number): Promise<DeliveryRecord[]> {
    const rows = await this.db.all<DeliveryRow>(
      "SELECT * FROM delivery WHERE feed = ? ORDER BY id DESC LIMIT ?",
      feed,
      limit,
    );
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
    await putDelivery(this.db, delivery);
  }

  async endDelivery(delivery: DeliveryRecord, cursor: number): Promise<void> {
    await this.db.transaction(async (sql) => {
      await putDelivery(sql, delivery);
      await sql.run("UPDATE feed SET cursor = ? WHERE name = ? AND cursor < ?", ...[cursor, delivery.feed, cursor]);
    });
  }
}

async function putDelivery(sql: Statements, delivery: DeliveryRecord): Promise<void> {
  const { deliveryId, feed, mode, fromChange, toChange, state, person, startedAt, endedAt, written, ended } = delivery;
  const { isRecorded, place, code } = delivery;
  const told = [endedAt, written, ended, isRecorded ? 1 : 0, place?.subject ?? null, place?.batchId ?? null, code];
  await sql.run(
    `INSERT INTO delivery (deliveryId, feed, mode, fromChange, toChange, person, startedAt, state, endedAt, written, ended,
       isRecorded, placeSubject, placeBatch, code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (deliveryId) DO UPDATE SET state = excluded.state, endedAt = excluded.endedAt, written = excluded.written,
       ended = excluded.ended, isRecorded = excluded.isRecorded, placeSubject = excluded.placeSubject,
       placeBatch = excluded.placeBatch, code = excluded.code`,
    ...[deliveryId, feed, mode, fromChange, toChange, person, startedAt, state, ...told],
  );
}
