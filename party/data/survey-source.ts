/** Looks at what a caller asks to register, whatever kind of source it is. */
import { EntenteError } from "../../proto/errors.ts";
import { type GivenDialect, isDelimiter } from "./csv-dialect.ts";
import { surveyCsv } from "./csv-survey.ts";
import { surveyDuckDb } from "./duckdb-file.ts";
import { findFiles } from "./find-files.ts";
import { PostgresReading } from "./postgres-source.ts";
import { surveyPostgres } from "./postgres-survey.ts";
import type { SourceRequest } from "./source.ts";
import type { Survey, SurveyOptions } from "./survey.ts";
import { surveyParquet } from "./typed-survey.ts";

function bad(detail: string): EntenteError {
  return new EntenteError("BAD_REQUEST", { detail });
}

/** Throws BAD_REQUEST, and as the surveys of each kind. `close` the survey. */
export async function surveySource(request: SourceRequest, options: SurveyOptions): Promise<Survey> {
  const { path, duckdb, postgres } = request;
  if ([path, duckdb, postgres].filter((one) => one !== undefined).length !== 1)
    throw bad("exactly one of path, duckdb and postgres");
  if (path !== undefined) return surveyFiles(path, request, options);
  if (hasCsvOptions(request) || request.format !== undefined) throw typesGiven();
  if (duckdb !== undefined) return surveyDuckDb(duckdb, options);
  return surveyDatabase(postgres as NonNullable<typeof postgres>, options);
}

function hasCsvOptions({ delimiter, quote, encoding, columnTypes }: SourceRequest): boolean {
  return [delimiter, quote, encoding, columnTypes].some((one) => one !== undefined);
}

function typesGiven(): EntenteError {
  return new EntenteError("DATASET_FORMAT", { detail: "delimiter, quote, encoding and column types are for CSV only" });
}

async function surveyFiles(path: string, request: SourceRequest, options: SurveyOptions): Promise<Survey> {
  const { files, format } = await findFiles(path, options.access.places, request.format);
  if (format === "parquet") {
    if (hasCsvOptions(request)) throw typesGiven();
    return surveyParquet({ path, files }, options);
  }
  const { delimiter, quote, encoding, columnTypes = {} } = request;
  if (delimiter !== undefined && !isDelimiter(delimiter))
    throw bad("delimiter: one ASCII character, neither a quote nor the end of a line");
  const given: GivenDialect = {
    ...(delimiter && { delimiter }),
    ...(quote && { quote }),
    ...(encoding && { encoding }),
  };
  return surveyCsv({ path, files, given, columnTypes }, options);
}

async function surveyDatabase(
  { database, table, query }: NonNullable<SourceRequest["postgres"]>,
  options: SurveyOptions,
): Promise<Survey> {
  if ((table === undefined) === (query === undefined)) throw bad("postgres: either a table or a query");
  const reading = await PostgresReading.open(options.access, database);
  try {
    const from = query === undefined ? await reading.table(table ?? "") : await reading.query(query);
    return { ...(await surveyPostgres({ reading, from }, options)), close: () => reading.close() };
  } catch (error) {
    await reading.close();
    throw error;
  }
}
