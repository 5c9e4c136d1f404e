/**
 * What rows are read from, one part of a dataset at a time: a table in SQL, in an instance of DuckDB that reaches nothing
 * else. Opened anew for each query, since a stream can be read only once.
 */
import { tmpdir } from "node:os";
import type { CsvDialect } from "./csv-dialect.ts";
import { utf8FromGb18030 } from "./csv-encoding.ts";
import { ATTACHED, asFormatError, type DuckDb, openDuckDb, sqlName } from "./duckdb.ts";
import { chunksOf } from "./file.ts";
import type { DataLimits } from "./limits.ts";
import { Pipe } from "./pipe.ts";
import type { SourceAccess, TableName } from "./source.ts";
import { type CsvCells, csvSource, PARQUET_SOURCE } from "./table.ts";

export interface Relation {
  readonly connection: DuckDb["connection"];
  /** Its place in a statement, whose parameters are `values`; `cells`: what those of text are read as, by column. */
  sql(cells: readonly CsvCells[]): string;
  readonly values: string[];
  /** After all rows were read: throws what ended them early, unseen by DuckDB. */
  finish(): Promise<void>;
  /** The typed error that a failure of its queries means. */
  failed(error: unknown, detail: string): Error;
  close(): Promise<void>;
}

export type OpenRelation = (limits: DataLimits) => Promise<Relation>;

function plain(db: DuckDb, sql: Relation["sql"], values: string[]): Relation {
  return {
    connection: db.connection,
    sql,
    values,
    async finish() {},
    failed: asFormatError,
    async close() {
      db.close();
    },
  };
}

export async function parquetRelation(path: string, limits: DataLimits): Promise<Relation> {
  return plain(await openDuckDb({ file: path }, limits), () => PARQUET_SOURCE, [path]);
}

export async function duckDbRelation(path: string, { schema, name }: TableName, limits: DataLimits): Promise<Relation> {
  const db = await openDuckDb({ database: path }, limits);
  return plain(db, () => [ATTACHED, schema, name].map(sqlName).join("."), []);
}

/** A file of UTF-8 is read by DuckDB itself, one of GB18030 through a pipe. */
export async function csvRelation(
  path: string,
  dialect: CsvDialect,
  { pipeFolder }: SourceAccess,
  limits: DataLimits,
): Promise<Relation> {
  if (dialect.encoding === "gb18030")
    return pipedRelation(utf8FromGb18030(chunksOf(path)), dialect, { pipeFolder }, limits);
  const db = await openDuckDb({ file: path }, limits);
  return plain(db, (cells) => csvSource(dialect, cells), [path]);
}

/** UTF-8 bytes of a CSV. One query may be asked. Throws STORAGE_FAILED. */
export async function pipedRelation(
  bytes: AsyncIterable<Uint8Array>,
  dialect: CsvDialect,
  { pipeFolder = tmpdir() }: { readonly pipeFolder?: string | undefined },
  limits: DataLimits,
): Promise<Relation> {
  const pipe = await Pipe.open(pipeFolder, bytes);
  try {
    const db = await openDuckDb({ file: pipe.path }, limits);
    return {
      ...plain(db, (cells) => csvSource(dialect, cells), [pipe.path]),
      finish: () => pipe.finish(),
      // What ended the stream explains best what the reader saw.
      failed: (error, detail) => asFormatError(pipe.failure ?? error, detail),
      async close() {
        await pipe.close();
        db.close();
      },
    };
  } catch (error) {
    await pipe.close();
    throw error;
  }
}
