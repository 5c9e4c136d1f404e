/**
 * Where a dataset's rows come from, as a registration records it, and the one rule that makes a version of it: the same
 * parts with the same content under the same names are the same version.
 */
import { canonicalJson } from "../../proto/encoding/canonical-json.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import type { Digest } from "../../proto/ids.ts";
import type { Databases } from "../databases/databases.ts";
import type { Quote } from "./csv-dialect.ts";
import type { Encoding } from "./csv-encoding.ts";
import type { DataPlaces } from "./data-places.ts";
import type { Fingerprint } from "./file.ts";
import type { FileFormat } from "./find-files.ts";

/** A file that belongs to a dataset, as it was registered. */
export interface SourcePart {
  /** Within the folder or pattern, with `/` between; the file's own name where it stands alone. */
  readonly name: string;
  /** Absolute, links resolved. */
  readonly path: string;
  readonly fingerprint: Fingerprint;
  /** SHA-256 of its content. */
  readonly digest: Digest;
}

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** `files`: sorted by name. `postgres`: a connection's name, never its URL; `orderedBy` is the table's primary key. */
export type DatasetSource =
  | { readonly kind: "files"; readonly path: string; readonly parts: readonly SourcePart[] }
  | { readonly kind: "duckdb"; readonly file: SourcePart; readonly table: TableName; readonly isView: boolean }
  | {
      readonly kind: "postgres";
      readonly database: string;
      readonly from: PostgresFrom;
      /** SHA-256 of the rows as COPY gives them. */
      readonly digest: Digest;
    };

export type PostgresFrom =
  | { readonly table: TableName; readonly orderedBy: readonly string[] }
  | { readonly query: string };

/** What a caller asks to register: exactly one of `path`, `duckdb` and `postgres`. Paths are absolute. */
export interface SourceRequest {
  /** A file, a folder of files, or a pattern that files fit, of CSV or of Parquet. */
  readonly path?: string | undefined;
  /** Of files whose names do not say it. */
  readonly format?: FileFormat | undefined;
  /** Of CSV, instead of what the first rows propose. */
  readonly delimiter?: string | undefined;
  readonly quote?: Quote | undefined;
  readonly encoding?: Encoding | undefined;
  /** Of CSV, instead of what the cells propose, as for a code that only looks like a number. */
  readonly columnTypes?: Readonly<Record<string, "number" | "text">> | undefined;
  readonly duckdb?: { readonly path: string; readonly table: string } | undefined;
  /** A table, or one query. */
  readonly postgres?:
    | { readonly database: string; readonly table?: string | undefined; readonly query?: string | undefined }
    | undefined;
}

/** What reading some sources needs of the node. */
export interface SourceAccess {
  readonly databases?: Databases;
  /** Anywhere without it. */
  readonly places?: DataPlaces;
  /** Where named pipes are made, mode 0700; the system's folder for temporary files without it. */
  readonly pipeFolder?: string;
}

/** The files among its parts. */
export function partsOf(source: DatasetSource): readonly SourcePart[] {
  if (source.kind === "files") return source.parts;
  return source.kind === "duckdb" ? [source.file] : [];
}

/** SHA-256 over RFC 8785 JSON of the parts' names and digests. */
export function versionOf(source: DatasetSource): Digest {
  return digestOf(canonicalJson(contentOf(source)));
}

function contentOf(source: DatasetSource) {
  const named = ({ name, digest }: SourcePart) => ({ name, digest });
  switch (source.kind) {
    case "files":
      return { kind: source.kind, parts: source.parts.map(named) };
    case "duckdb":
      return { kind: source.kind, table: { ...source.table }, parts: [named(source.file)] };
    case "postgres":
      return { kind: source.kind, parts: [{ name: "copy", digest: source.digest }] };
  }
}
