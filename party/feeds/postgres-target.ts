/**
 * A feed into a table of PostgreSQL: one transaction for a delivery, which the target remembers in a table beside it. The
 * changes stream by COPY into a temporary table, in the order of the key, and are merged from there.
 */
import { once } from "node:events";
import { finished } from "node:stream/promises";
import type { Client } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { EntenteError } from "../../proto/errors.ts";
import { databaseError } from "../databases/database-error.ts";
import type { TagChange } from "../store/tag-records.ts";
import type { DeliveryCounts, Outgoing, Target } from "./target.ts";

export interface PostgresTargetConfig {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
}

const COLUMNS = "subject, key, value, score, model, scored_at, job_id, agreement, issued_at, expires_at";
/** Compared by bytes: in the order in which they come, and independent of the server's locale. */
const TYPES = `subject text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, value text NOT NULL, score double precision,
  model text, scored_at timestamptz, job_id text NOT NULL, agreement text NOT NULL, issued_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL`;
const CHANGED = COLUMNS.split(", ").slice(2);

/** `connect`: a connection of the delivery's own. Throws DATABASE_UNREACHABLE, DATABASE_REFUSED, and FEED_VALUE for a text that
 * PostgreSQL cannot hold. */
export function postgresTarget(config: PostgresTargetConfig, connect: (name: string) => Promise<Client>): Target {
  return async (outgoing) => {
    const client = await connect(config.database);
    try {
      return await deliver(client, config, outgoing);
    } catch (error) {
      throw databaseError(config.database, error);
    } finally {
      // What has not been committed is rolled back.
      await client.end().catch(() => {});
    }
  };
}

async function deliver(client: Client, config: PostgresTargetConfig, outgoing: Outgoing): Promise<DeliveryCounts> {
  const { deliveryId, feed, mode } = outgoing;
  const table = `"${config.schema}"."${config.table}"`;
  const known = `"${config.schema}"."${config.table}_deliveries"`;
  await client.query("BEGIN");
  // Two deliveries into one table wait for each other.
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`entente feed ${table}`]);
  await create(client, config, { table, known });
  const before = await client.query<{ written: string; ended: string }>(
    `SELECT written, ended FROM ${known} WHERE delivery_id = $1`,
    [deliveryId],
  );
  const [done] = before.rows;
  if (done !== undefined) {
    await client.query("COMMIT");
    return { written: Number(done.written), ended: Number(done.ended) };
  }
  await client.query(`CREATE TEMPORARY TABLE entente_changes (${TYPES}, is_ended boolean NOT NULL) ON COMMIT DROP`);
  const counts = await copy(client, outgoing);
  await merge(client, table, { mode, hasEnded: counts.ended > 0 });
  await client.query(
    `INSERT INTO ${known} (delivery_id, feed, mode, written, ended, applied_at) VALUES ($1, $2, $3, $4, $5, now())`,
    [deliveryId, feed, mode, counts.written, counts.ended],
  );
  await client.query("COMMIT");
  return counts;
}

/** Nothing is asked of the user's rights when all of it is there. */
async function create(
  client: Client,
  { schema, table: name }: PostgresTargetConfig,
  { table, known }: { readonly table: string; readonly known: string },
): Promise<void> {
  const found = await client.query("SELECT to_regclass($1) AS one, to_regclass($2) AS two, to_regclass($3) AS three", [
    table,
    known,
    `"${schema}"."${name}_current"`,
  ]);
  const { one, two, three } = found.rows[0] as Record<string, unknown>;
  if (one === null) await client.query(`CREATE TABLE ${table} (${TYPES}, PRIMARY KEY (subject, key))`);
  if (two === null)
    await client.query(
      `CREATE TABLE ${known} (delivery_id text PRIMARY KEY, feed text NOT NULL, mode text NOT NULL, written bigint NOT NULL,
         ended bigint NOT NULL, applied_at timestamptz NOT NULL)`,
    );
  if (three === null)
    await client.query(
      `CREATE VIEW "${schema}"."${name}_current" AS SELECT ${COLUMNS} FROM ${table} WHERE expires_at > now()`,
    );
}

async function copy(client: Client, outgoing: Outgoing): Promise<DeliveryCounts> {
  const counts = { written: 0, ended: 0 };
  const stream = client.query(copyFrom(`COPY entente_changes (${COLUMNS}, is_ended) FROM STDIN`));
  const over = finished(stream);
  // Reported where it is awaited; without this a failure in between ends the process.
  over.catch(() => {});
  try {
    for await (const changes of outgoing.changes(null)) {
      let text = "";
      for (const change of changes) {
        // It was never there.
        if (change.isEnded && change.tag.subject.includes("\0")) continue;
        if (change.isEnded) counts.ended++;
        else counts.written++;
        text += lineOf(change);
      }
      if (!stream.write(text)) await Promise.race([once(stream, "drain"), over]);
    }
    stream.end();
  } catch (error) {
    stream.destroy();
    throw error;
  }
  await over;
  return counts;
}

/** COPY's text format (PostgreSQL manual, COPY, "Text Format"). */
function lineOf({ tag, isEnded }: TagChange): string {
  const { subject, key, value, score, model, scoredAt, jobId, agreement, issuedAt, expiresAt } = tag;
  const fields = [subject, key, value, score, model, scoredAt, jobId, agreement, issuedAt, expiresAt, isEnded];
  return `${fields.map(cellOf).join("\t")}\n`;
}

const SPECIAL = /[\\\t\n\r\0]/;
const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r" };

function cellOf(value: string | number | boolean | null): string {
  if (value === null) return "\\N";
  if (typeof value !== "string") return String(value);
  if (!SPECIAL.test(value)) return value;
  if (value.includes("\0")) throw new EntenteError("FEED_VALUE", { detail: "PostgreSQL holds no NUL" });
  return value.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character] as string);
}

/** A row that is as it was is not written again. */
async function merge(
  client: Client,
  table: string,
  { mode, hasEnded }: { readonly mode: Outgoing["mode"]; readonly hasEnded: boolean },
): Promise<void> {
  const set = CHANGED.map((column) => `${column} = excluded.${column}`).join(", ");
  const tuple = (of: string) => `(${CHANGED.map((column) => `${of}.${column}`).join(", ")})`;
  await client.query("ANALYZE entente_changes");
  if (mode === "full")
    await client.query(
      `DELETE FROM ${table} t WHERE NOT EXISTS (
         SELECT 1 FROM entente_changes c WHERE c.subject = t.subject AND c.key = t.key AND NOT c.is_ended)`,
    );
  else if (hasEnded)
    await client.query(
      `DELETE FROM ${table} t USING entente_changes c WHERE c.subject = t.subject AND c.key = t.key AND c.is_ended`,
    );
  await client.query(
    `INSERT INTO ${table} AS t (${COLUMNS}) SELECT ${COLUMNS} FROM entente_changes WHERE NOT is_ended
     ON CONFLICT (subject, key) DO UPDATE SET ${set} WHERE ${tuple("t")} IS DISTINCT FROM ${tuple("excluded")}`,
  );
}
