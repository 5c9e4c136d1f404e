/**
 * What a data team that could pool everything would compute, in SQL over the files in the clear and with none of the
 * product's code: the oracle for the intersection, the scores and their quality.
 */
import { DuckDBInstance } from "@duckdb/node-api";

interface ModelFeature {
  readonly party: string;
  readonly column: string;
  readonly weight: number;
  readonly standardise?: { readonly mean: number; readonly sd: number };
  readonly clip: readonly number[];
  readonly missing: number;
}

export interface PlainModel {
  readonly intercept: number;
  readonly features: readonly ModelFeature[];
}

export interface OracleInput {
  /** Parquet files with a column `phone`; the bank's also with `customer_no` and `defaulted`. */
  readonly bank: string;
  readonly bureau: string;
  /** Parquet exports of the tags that the two jobs issued. */
  readonly audience: string;
  readonly scored: string;
  /** Parquet export of the score's result, with the bureau's label `has_car`, and of the tags that its rule issued. */
  readonly labelled: string;
  readonly hot: string;
  readonly model: PlainModel;
  /** The bank's own best model, for comparison. */
  readonly bankModel: PlainModel;
  /** In SQL: which customers of the bank have opted out, and whom of the bureau's people the audience was among. */
  readonly optedOut: string;
  readonly among: string;
}

export interface OracleFigures {
  /** Of the audience: people of it who belong into it, and how many do. */
  readonly intersection: number;
  readonly expectedIntersection: number;
  /** People of the audience who do not belong into it. */
  readonly strangers: number;
  readonly scoreMaxAbsError: number;
  /** People whose label is another than the bureau's, or who are missing or too many. */
  readonly labelsWrong: number;
  /** People in tier A who have a car, by the bureau's own column. */
  readonly expectedHot: number;
  readonly hot: number;
  readonly aucBank: number;
  readonly aucJoint: number;
}

/** Digits of a phone number without the country code: enough for data whose numbers are all of one country. */
const DIGITS = "right(regexp_replace(translate(phone, '０１２３４５６７８９', '0123456789'), '[^0-9]', '', 'g'), 11)";

/** The first row of every good number. */
function people(file: string): string {
  return `SELECT '+86' || ${DIGITS} AS id, * FROM read_parquet('${file}', file_row_number = true)
    WHERE ${DIGITS} SIMILAR TO '1[3-9][0-9]{9}'
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY file_row_number) = 1`;
}

/** Logistic regression in float64 over the tables `own` and `partner`. */
function plainScore({ intercept, features }: PlainModel): string {
  const terms = features.map(({ party, column, weight, standardise, clip, missing }) => {
    const { mean, sd } = standardise ?? { mean: 0, sd: 1 };
    const scaled = `(coalesce(${party}."${column}", ${missing})::DOUBLE - ${mean}::DOUBLE) / ${sd}::DOUBLE`;
    return `${weight}::DOUBLE * least(greatest(${scaled}, ${clip[0]}), ${clip[1]})`;
  });
  return `1 / (1 + exp(-(${intercept}::DOUBLE + ${terms.join(" + ")})))`;
}

/** Area under the ROC curve by mean ranks (Mann-Whitney). */
function auc(score: string): string {
  return `(SELECT (sum(r) FILTER (positive) - count(*) FILTER (positive) * (count(*) FILTER (positive) + 1) / 2)
      / (count(*) FILTER (positive) * count(*) FILTER (NOT positive)::DOUBLE)
    FROM (SELECT positive, rank() OVER (ORDER BY ${score}) + (count(*) OVER (PARTITION BY ${score}) - 1) / 2.0 AS r FROM held))`;
}

export async function compareWithPooled(input: OracleInput): Promise<OracleFigures> {
  const db = await (await DuckDBInstance.create(":memory:")).connect();
  try {
    await db.run(`CREATE TABLE pooled AS
      SELECT own.id, own.customer_no % 10 >= 7 AS held_out, own.defaulted = 1 AS positive, partner.has_car,
        (${input.among}) AS wanted,
        ${plainScore(input.model)} AS plain, ${plainScore(input.bankModel)} AS bank_only
      FROM (${people(input.bank)}) own JOIN (${people(input.bureau)}) partner USING (id)
      WHERE NOT (${input.optedOut})`);
    await db.run(`CREATE TABLE scored AS SELECT subject, score FROM read_parquet('${input.scored}')`);
    await db.run(`CREATE TABLE held AS SELECT pooled.*, score FROM pooled JOIN scored ON subject = id WHERE held_out`);
    const reader = await db.runAndReadAll(`SELECT
      (SELECT count(*) FROM read_parquet('${input.audience}') JOIN pooled ON subject = id WHERE wanted)::DOUBLE AS intersection,
      (SELECT count(*) FROM pooled WHERE wanted)::DOUBLE AS "expectedIntersection",
      (SELECT count(*) FROM read_parquet('${input.audience}') LEFT JOIN pooled ON subject = id
        WHERE NOT coalesce(wanted, false))::DOUBLE AS strangers,
      (SELECT count(*) FROM pooled FULL JOIN read_parquet('${input.labelled}') ON subject = id
        WHERE id IS NULL OR subject IS NULL OR label_has_car IS DISTINCT FROM has_car)::DOUBLE AS "labelsWrong",
      (SELECT count(*) FROM pooled JOIN read_parquet('${input.labelled}') ON subject = id
        WHERE has_car AND tier = 'A')::DOUBLE AS "expectedHot",
      (SELECT count(*) FROM read_parquet('${input.hot}') JOIN pooled ON subject = id WHERE has_car)::DOUBLE AS hot,
      (SELECT max(CASE WHEN plain IS NULL THEN 1 ELSE abs(score - plain) END) FROM scored LEFT JOIN pooled ON subject = id) AS "scoreMaxAbsError",
      ${auc("bank_only")} AS "aucBank", ${auc("score")} AS "aucJoint"`);
    return reader.getRowObjectsJS()[0] as unknown as OracleFigures;
  } finally {
    db.closeSync();
  }
}
