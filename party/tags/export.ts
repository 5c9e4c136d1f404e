/** Tags as a file for the bank's other tools: CSV or Parquet, whole or not at all. */
import { dirname } from "node:path";
import { type DuckDBAppender, DuckDBTimestampTZValue } from "@duckdb/node-api";
import { EntenteError } from "../../proto/errors.ts";
import { diskError } from "../../proto/ports/disk-error.ts";
import { openDuckDb, sqlText, withoutValues } from "../data/duckdb.ts";
import { type DataLimits, DEFAULT_LIMITS } from "../data/limits.ts";
import { LineWriter, writeWhole } from "../data/private-file.ts";
import type { Tag } from "./tag.ts";

export interface ExportOptions {
  readonly format: "csv" | "parquet";
  /** Replaced when it exists. */
  readonly path: string;
  /**
   * CSV for people who open it in a spreadsheet: a cell that such a program would run as a formula gets an apostrophe
   * before it. Off by default, since it alters the subject: every telephone number begins with '+'.
   */
  readonly forSpreadsheet?: boolean;
  /** A last column tells tags that are in force from those that are not any more. */
  readonly withState?: boolean;
  readonly limits?: DataLimits;
}

/** Of an ended one the value is empty. */
export interface TagLine extends Tag {
  readonly state?: "current" | "ended";
}

const COLUMNS = "subject,key,value,score,model,scored_at,job_id,agreement,issued_at,expires_at";

/**
 * Writes all tags and resolves with their number. The file has mode 0600 and is either the whole new one or, when this
 * throws (STORAGE_FAILED, or what `tags` threw), as it was before.
 */
export async function exportTags(tags: AsyncIterable<TagLine>, options: ExportOptions): Promise<number> {
  let count = 0;
  await writeWhole(options.path, async (temporary) => {
    const write = options.format === "csv" ? writeCsv : writeParquet;
    count = await write(tags, temporary, options);
  });
  return count;
}

interface TimesMs {
  readonly scored: number | null;
  readonly issued: number;
  readonly expires: number;
}

/** Throws BAD_REQUEST when a time is not one: a file must not hold a tag that never expires by mistake. */
function timesMs({ scoredAt, issuedAt, expiresAt }: Tag): TimesMs {
  const scored = scoredAt === null ? null : Date.parse(scoredAt);
  const times = { scored, issued: Date.parse(issuedAt), expires: Date.parse(expiresAt) };
  if (Object.values(times).some(Number.isNaN)) throw new EntenteError("BAD_REQUEST", { detail: "a tag's time" });
  return times;
}

/** OWASP's list of the characters that begin a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** RFC 4180 section 2: quotes where the text needs them, doubled inside. */
export function csvField(text: string, forSpreadsheet = false): string {
  const safe = forSpreadsheet && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || safe.trim() !== safe ? `"${safe.replaceAll('"', '""')}"` : safe;
}

async function writeCsv(
  tags: AsyncIterable<TagLine>,
  path: string,
  { forSpreadsheet, withState = false }: ExportOptions,
): Promise<number> {
  const writer = await LineWriter.create(path);
  let count = 0;
  try {
    await writer.write(`${COLUMNS}${withState ? ",state" : ""}\r\n`);
    for await (const tag of tags) {
      const { scored, issued, expires } = timesMs(tag);
      const timeOf = (timeMs: number | null) => (timeMs === null ? "" : new Date(timeMs).toISOString());
      const { subject, key, value, score, model, jobId, agreement } = tag;
      const ofScore = [score === null ? "" : String(score), model ?? "", timeOf(scored)];
      const fields = [subject, key, value, ...ofScore, jobId, agreement, timeOf(issued), timeOf(expires)];
      if (withState) fields.push(tag.state ?? "current");
      await writer.write(`${fields.map((field) => csvField(field, forSpreadsheet)).join(",")}\r\n`);
      count++;
    }
  } finally {
    await writer.close();
  }
  return count;
}

const COLUMN_TYPES = `subject VARCHAR, key VARCHAR, value VARCHAR, score DOUBLE, model VARCHAR, scored_at TIMESTAMPTZ,
  job_id VARCHAR, agreement VARCHAR, issued_at TIMESTAMPTZ, expires_at TIMESTAMPTZ`;

/** DuckDB's failures here are those of disk and memory, and their texts may quote values. */
function exportError(error: unknown): EntenteError {
  return diskError(withoutValues(error));
}

function append(appender: DuckDBAppender, tag: TagLine, withState: boolean): void {
  const { scored, issued, expires } = timesMs(tag);
  const appendTime = (timeMs: number) => appender.appendTimestampTZ(new DuckDBTimestampTZValue(BigInt(timeMs) * 1000n));
  try {
    for (const text of [tag.subject, tag.key, tag.value]) appender.appendVarchar(text);
    if (tag.score === null) appender.appendNull();
    else appender.appendDouble(tag.score);
    if (tag.model === null) appender.appendNull();
    else appender.appendVarchar(tag.model);
    if (scored === null) appender.appendNull();
    else appendTime(scored);
    for (const text of [tag.jobId, tag.agreement]) appender.appendVarchar(text);
    for (const timeMs of [issued, expires]) appendTime(timeMs);
    if (withState) appender.appendVarchar(tag.state ?? "current");
    appender.endRow();
  } catch (error) {
    throw exportError(error);
  }
}

/** The rows gather in memory, or in the private folder beyond the limit: a Parquet file is written from a whole table. */
async function writeParquet(
  tags: AsyncIterable<TagLine>,
  path: string,
  { limits, withState = false }: ExportOptions,
): Promise<number> {
  const db = await openDuckDb({ folder: dirname(path) }, limits ?? DEFAULT_LIMITS);
  let count = 0;
  try {
    await db.connection.run(`CREATE TABLE tags (${COLUMN_TYPES}${withState ? ", state VARCHAR" : ""})`);
    const appender = await db.connection.createAppender("tags");
    for await (const tag of tags) {
      append(appender, tag, withState);
      count++;
    }
    try {
      appender.closeSync();
      await db.connection.run(`COPY tags TO ${sqlText(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`);
    } catch (error) {
      throw exportError(error);
    }
  } finally {
    db.close();
  }
  return count;
}
