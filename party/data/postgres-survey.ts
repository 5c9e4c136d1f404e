/** The first pass over a PostgreSQL source: its columns, then all of its cells, which are counted and digested on the way. */
import { createHash } from "node:crypto";
import { EntenteError } from "../../proto/errors.ts";
import { type Digest, digest } from "../../proto/ids.ts";
import { readCells } from "./csv-cells.ts";
import { checkNames } from "./csv-dialect.ts";
import { partOf, recordScan } from "./csv-survey.ts";
import { columnIndex } from "./dataset.ts";
import { COPY_DIALECT, type PostgresColumn, type PostgresReading } from "./postgres-source.ts";
import { type OpenRelation, pipedRelation } from "./relation.ts";
import type { PostgresFrom, SourceAccess } from "./source.ts";
import type { Survey, SurveyOptions } from "./survey.ts";
import type { DatasetColumn } from "./table.ts";

export interface CopyInput {
  readonly reading: PostgresReading;
  readonly from: PostgresFrom;
  readonly columns: readonly PostgresColumn[];
  readonly access: SourceAccess;
}

/** Rows as COPY gives them, digested; `check` gets the digest at their end and may throw. */
export function copyRelation(
  { reading, from, columns, access }: CopyInput,
  check: (copied: Digest) => void,
  see: (chunk: Uint8Array) => void = () => {},
): OpenRelation {
  async function* digested(): AsyncGenerator<Uint8Array> {
    const hash = createHash("sha256");
    for await (const chunk of reading.copy(from, columns)) {
      hash.update(chunk);
      see(chunk);
      yield chunk;
    }
    check(digest(hash.digest("hex")));
  }
  return (limits) => pipedRelation(digested(), COPY_DIALECT, access, limits);
}

/**
 * Later passes of the same transaction must give the same rows. Throws DATASET_COLUMN_UNKNOWN, DATASET_COLUMN_TYPE,
 * DATASET_FORMAT, DATASET_CHANGED and the errors of `PostgresReading`.
 */
export async function surveyPostgres(
  { reading, from }: Pick<CopyInput, "reading" | "from">,
  { ids, limits, access }: SurveyOptions,
): Promise<Survey> {
  const found = await reading.describe(from);
  checkNames(found.map(({ name }) => name));
  const idNames = ids.map(({ column }) => column);
  for (const name of idNames)
    if (found[columnIndex(found, name)]?.canBeId !== true)
      throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `${name} is neither text nor integer` });
  const columns = found.map(({ name, type, isWhole }): DatasetColumn => {
    if (idNames.includes(name)) return { name, type: "id" };
    return { name, type, ...(isWhole ? { plain: true } : {}) };
  });
  const { scanner, see } = recordScan(COPY_DIALECT, columns.length);
  const input = { reading, from, access, columns: found };
  let copied: Digest | undefined;
  const keep = (now: Digest) => {
    copied = now;
  };
  const open = copyRelation(input, keep, see);
  const isPlain = columns.map(({ plain }) => plain === true);
  const cells = await readCells(open, {
    text: isPlain.map((is) => !is),
    cells: isPlain.map((is) => (is ? "DOUBLE" : "VARCHAR")),
    limits,
  });
  scanner.finish();
  if (copied === undefined) throw new EntenteError("INTERNAL", { cause: new Error("a COPY without its digest") });
  const again = copyRelation(input, (now) => {
    if (now !== copied)
      throw new EntenteError("DATASET_CHANGED", { detail: "the query gives its rows in another order each time" });
  });
  return {
    format: "postgres",
    source: { kind: "postgres", database: reading.database, from, digest: copied },
    table: { cells: "text", columns },
    parts: [{ name: reading.database, ...partOf(scanner, cells), open: again }],
  };
}
