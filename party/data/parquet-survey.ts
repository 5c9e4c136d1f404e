/** The first pass over a Parquet file: digest, columns and number of rows. */
import { EntenteError } from "../../proto/errors.ts";
import { checkNames } from "./csv-dialect.ts";
import { columnIndex } from "./dataset.ts";
import { asFormatError, openDuckDb } from "./duckdb.ts";
import { digestFile } from "./source.ts";
import type { Survey, SurveyOptions } from "./survey.ts";
import { type ColumnType, PARQUET_SOURCE } from "./table.ts";

const INTEGER = /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/;
const NUMBER = /^(?:DOUBLE|FLOAT|BOOLEAN|DECIMAL\(.*\))$/;
const TEXT = /^(?:VARCHAR|UUID|ENUM\(.*\))$/;

function columnType(sqlType: string): ColumnType {
  if (INTEGER.test(sqlType) || NUMBER.test(sqlType)) return "number";
  return TEXT.test(sqlType) ? "text" : "other";
}

/** Throws DATASET_FORMAT, DATASET_COLUMN_UNKNOWN or DATASET_COLUMN_TYPE. */
export async function surveyParquet(path: string, options: SurveyOptions): Promise<Survey> {
  const version = await digestFile(path);
  const db = await openDuckDb({ file: path }, options.limits);
  try {
    const described = await db.connection.runAndReadAll(`DESCRIBE SELECT * FROM ${PARQUET_SOURCE}`, [path]);
    const found = described.getRows().map(([name, type]) => ({ name: String(name), sqlType: String(type) }));
    checkNames(found.map(({ name }) => name));
    const ids = options.ids.map(({ column }) => column);
    for (const name of ids) {
      const id = found[columnIndex(found, name)];
      // As a double a telephone number prints as 1.38e10: refused rather than guessed.
      if (id === undefined || !(INTEGER.test(id.sqlType) || TEXT.test(id.sqlType)))
        throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `${name} is neither text nor integer` });
    }
    const [[count] = []] = (
      await db.connection.runAndReadAll(`SELECT count(*) FROM ${PARQUET_SOURCE}`, [path])
    ).getRows();
    const columns = found.map(({ name, sqlType }) => ({
      name,
      type: ids.includes(name) ? "id" : columnType(sqlType),
    }));
    return {
      version,
      table: { format: "parquet", columns },
      rows: Number(count),
      broken: [],
      lineOf: (row) => row + 1,
    };
  } catch (error) {
    throw asFormatError(error, "not a Parquet file, or cut off");
  } finally {
    db.close();
  }
}
