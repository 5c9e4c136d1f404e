/** The source of a registered dataset, opened to be read once, and the proof that it is still the registered version. */
import { EntenteError } from "../../proto/errors.ts";
import type { DatasetRegistration } from "./dataset.ts";
import { openTable, requireCheckpointed } from "./duckdb-file.ts";
import { digestFile, type Fingerprint, fingerprintOf, sameFingerprint } from "./file.ts";
import { type FoundFile, findFile, findFiles } from "./find-files.ts";
import { PostgresReading } from "./postgres-source.ts";
import { copyRelation } from "./postgres-survey.ts";
import { csvRelation, type OpenRelation, parquetRelation } from "./relation.ts";
import type { DatasetSource, SourceAccess, SourcePart } from "./source.ts";

export interface RegisteredSource {
  readonly parts: readonly OpenRelation[];
  /** After all parts were read. Throws DATASET_CHANGED when any changed meanwhile. */
  finish(): Promise<void>;
  /** Whatever happened. */
  close(): Promise<void>;
}

type Source<Kind extends DatasetSource["kind"]> = Extract<DatasetSource, { kind: Kind }>;

/**
 * Files are compared at once when size and both times are as recorded, else by their content; rows of PostgreSQL as they are
 * read, each time. Throws DATASET_CHANGED, DATASET_FILE_MISSING, DATASET_PLACE, DATASET_FORMAT, and the errors of a database.
 */
export async function openRegistered(
  registration: DatasetRegistration,
  access: SourceAccess,
): Promise<RegisteredSource> {
  const { source } = registration;
  switch (source.kind) {
    case "files":
      return openFiles(registration, source, access);
    case "duckdb":
      return openDuckDbFile(registration, source, access);
    case "postgres":
      return openPostgres(registration, source, access);
  }
}

function changed({ name }: DatasetRegistration, part?: string): EntenteError {
  return new EntenteError("DATASET_CHANGED", { detail: part === undefined ? name : `${name}: ${part}` });
}

async function openFiles(
  registration: DatasetRegistration,
  source: Source<"files">,
  access: SourceAccess,
): Promise<RegisteredSource> {
  const { dialect } = registration;
  const files = await sameFiles(registration, source, access);
  const before = await Promise.all(files.map((file, i) => unchanged(registration, file, source.parts[i])));
  return {
    parts: files.map(
      ({ path }): OpenRelation =>
        (limits) =>
          dialect === undefined ? parquetRelation(path, limits) : csvRelation(path, dialect, access, limits),
    ),
    async finish() {
      const now = await sameFiles(registration, source, access);
      for (const [i, { path, name }] of now.entries())
        if (!sameFingerprint(before[i] as Fingerprint, await fingerprintOf(path))) throw changed(registration, name);
    },
    async close() {},
  };
}

/** The files that the path means now, if they have the names of those that were registered. */
async function sameFiles(
  registration: DatasetRegistration,
  source: Source<"files">,
  { places }: SourceAccess,
): Promise<readonly FoundFile[]> {
  const format = registration.format === "csv" ? "csv" : "parquet";
  const { files } = await findFiles(source.path, places, format).catch((error: unknown) => {
    // What is in the folder now would not be taken.
    if (error instanceof EntenteError && error.code === "DATASET_FORMAT") throw changed(registration);
    throw error;
  });
  const known = new Set(source.parts.map(({ name }) => name));
  const added = files.find(({ name }) => !known.has(name));
  if (added !== undefined || files.length !== known.size) throw changed(registration, added?.name);
  return files;
}

/** The file's present fingerprint, if its content is what was registered. */
async function unchanged(
  registration: DatasetRegistration,
  { name, path }: FoundFile,
  part: SourcePart | undefined,
): Promise<Fingerprint> {
  const now = await fingerprintOf(path);
  if (part !== undefined && sameFingerprint(now, part.fingerprint)) return now;
  const isSame = now.sizeBytes === part?.fingerprint.sizeBytes && (await digestFile(path)) === part.digest;
  if (!isSame) throw changed(registration, registration.source.kind === "files" ? name : undefined);
  return now;
}

async function openDuckDbFile(
  registration: DatasetRegistration,
  { file, table, isView }: Source<"duckdb">,
  { places }: SourceAccess,
): Promise<RegisteredSource> {
  const { path } = await findFile(file.path, places);
  await requireCheckpointed(path);
  const before = await unchanged(registration, file, file);
  return {
    parts: [openTable(path, table, isView)],
    async finish() {
      if (!sameFingerprint(before, await fingerprintOf(path))) throw changed(registration);
    },
    async close() {},
  };
}

async function openPostgres(
  registration: DatasetRegistration,
  { database, from, digest }: Source<"postgres">,
  access: SourceAccess,
): Promise<RegisteredSource> {
  const reading = await PostgresReading.open(access, database);
  try {
    const found = await reading.describe(from).catch((error: unknown) => {
      // The table or a column of it is gone.
      if (error instanceof EntenteError && /SQLSTATE 42(?:P01|703)/.test(error.detail ?? ""))
        throw changed(registration);
      throw error;
    });
    const columns = registration.columns.flatMap(({ name }) => found.filter((column) => column.name === name));
    if (columns.length !== registration.columns.length) throw changed(registration);
    const check = (copied: string) => {
      if (copied !== digest) throw changed(registration);
    };
    return {
      parts: [copyRelation({ reading, from, columns, access }, check)],
      async finish() {},
      close: () => reading.close(),
    };
  } catch (error) {
    await reading.close();
    throw error;
  }
}
