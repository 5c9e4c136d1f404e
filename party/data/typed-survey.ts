/** The first pass over what has types of its own, Parquet and DuckDB's tables: digest, columns and number of rows. */
import { EntenteError } from "../../proto/errors.ts";
import { checkNames, invalidFile } from "./csv-dialect.ts";
import type { FilesToSurvey } from "./csv-survey.ts";
import { columnIndex } from "./dataset.ts";
import { digestFile, whileUnchanged } from "./file.ts";
import { refuseForeign } from "./file-kind.ts";
import { type OpenRelation, parquetRelation, type Relation } from "./relation.ts";
import type { SourcePart } from "./source.ts";
import { aboutPart, type Survey, type SurveyedPart, type SurveyOptions } from "./survey.ts";
import type { ColumnType, DatasetColumn } from "./table.ts";

const INTEGER = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/;
const NUMBER = /^(?:DOUBLE|FLOAT|BOOLEAN|DECIMAL\(.*\))$/;
const TEXT = /^(?:VARCHAR|UUID|ENUM\(.*\))$/;

function columnType(sqlType: string): ColumnType {
  if (INTEGER.test(sqlType) || NUMBER.test(sqlType)) return "number";
  return TEXT.test(sqlType) ? "text" : "other";
}

/** Throws DATASET_FORMAT, DATASET_COLUMN_UNKNOWN or DATASET_COLUMN_TYPE. */
export async function surveyParquet({ path, files }: FilesToSurvey, options: SurveyOptions): Promise<Survey> {
  const sourceParts: SourcePart[] = [];
  const parts: SurveyedPart[] = [];
  let columns: readonly DatasetColumn[] | undefined;
  for (const file of files)
    await aboutPart(file.name, files.length > 1, () =>
      whileUnchanged(file, async (fingerprint) => {
        const open: OpenRelation = (limits) => parquetRelation(file.path, limits);
        await refuseForeign(file.path, "parquet");
        if (fingerprint.sizeBytes === 0 && files.length === 1) throw new EntenteError("DATASET_EMPTY");
        sourceParts.push({ ...file, fingerprint, digest: await digestFile(file.path) });
        const found = await surveyTyped(open, options, "not a Parquet file, or cut off: export it again");
        columns ??= found.columns;
        if (!isSame(columns, found.columns))
          throw invalidFile("its columns are not those of the first file, in that order and of those types");
        parts.push({ name: file.name, open, ...found.part });
      }),
    );
  const source = { kind: "files", path, parts: sourceParts } as const;
  return { format: "parquet", source, table: { cells: "typed", columns: columns ?? [] }, parts };
}

function isSame(a: readonly DatasetColumn[], b: readonly DatasetColumn[]): boolean {
  return a.length === b.length && a.every(({ name, type }, i) => name === b[i]?.name && type === b[i]?.type);
}

interface SurveyedTable {
  readonly columns: readonly DatasetColumn[];
  readonly part: Omit<SurveyedPart, "name" | "open">;
}

/** `detail`: what a failure of the reader most likely means. Throws as `surveyParquet`. */
export async function surveyTyped(
  open: OpenRelation,
  { ids, limits }: SurveyOptions,
  detail: string,
): Promise<SurveyedTable> {
  const relation = await open(limits);
  try {
    const found = await describe(relation);
    checkNames(found.map(({ name }) => name));
    const idNames = ids.map(({ column }) => column);
    for (const name of idNames) {
      const id = found[columnIndex(found, name)];
      // As a double a telephone number prints as 1.38e10: refused rather than guessed.
      if (id === undefined || !(INTEGER.test(id.sqlType) || TEXT.test(id.sqlType)))
        throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `${name} is neither text nor integer` });
    }
    const { connection, sql, values } = relation;
    const [[count] = []] = (await connection.runAndReadAll(`SELECT count(*) FROM ${sql([])}`, values)).getRows();
    const columns = found.map(({ name, sqlType }): DatasetColumn => {
      return { name, type: idNames.includes(name) ? "id" : columnType(sqlType) };
    });
    return { columns, part: { rows: Number(count), broken: [], lineOf: (row) => row + 1 } };
  } catch (error) {
    throw relation.failed(error, detail);
  } finally {
    await relation.close();
  }
}

async function describe({ connection, sql, values }: Relation): Promise<{ name: string; sqlType: string }[]> {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${sql([])}`, values);
  return described.getRows().map(([name, type]) => ({ name: String(name), sqlType: String(type) }));
}
