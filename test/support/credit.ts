/**
 * The demo's data in the clear, read without any of the product's code: what a data team that could pool everything
 * would compute. The oracle for intersection and scores.
 */
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import defaultRisk from "../data/models/default-risk.json" with { type: "json" };
import bankOnly from "../data/models/default-risk-bank-only.json" with { type: "json" };

export const BANK_FILE = fileURLToPath(new URL("../data/bank.parquet", import.meta.url));
export const BUREAU_FILE = fileURLToPath(new URL("../data/bureau.parquet", import.meta.url));
export const RISK_MODEL = defaultRisk;

type Row = Record<string, number | null>;
interface ModelFeature {
  readonly party: string;
  readonly column: string;
  readonly weight: number;
  readonly standardise?: { readonly mean: number; readonly sd: number };
  readonly clip: readonly number[];
  readonly missing: number;
}

export interface Person {
  readonly own: Row;
  readonly partner: Row;
}

/** Digits of a phone number without the country code: enough for data whose numbers are all of one country. */
const DIGITS = `right(regexp_replace(translate(phone, '０１２３４５６７８９', '0123456789'), '[^0-9]', '', 'g'), 11)`;

/** E.164 to both rows, for everybody whom both files hold. */
export async function pooledPeople(): Promise<Map<string, Person>> {
  const db = await (await DuckDBInstance.create(":memory:")).connect();
  const side = (file: string) =>
    `(SELECT *, ${DIGITS} AS id FROM read_parquet('${file}') QUALIFY row_number() OVER (PARTITION BY id ORDER BY file_row_number) = 1)`;
  const withRow = (file: string) =>
    side(file).replace(`read_parquet('${file}')`, `read_parquet('${file}', file_row_number = true)`);
  const reader = await db.runAndReadAll(
    `SELECT a.id AS id, COLUMNS(a.* EXCLUDE (id, phone, file_row_number)) AS 'own_\\0', COLUMNS(b.* EXCLUDE (id, phone, file_row_number)) AS 'partner_\\0'
     FROM ${withRow(BANK_FILE)} a JOIN ${withRow(BUREAU_FILE)} b USING (id) WHERE length(id) = 11 AND id LIKE '1%'`,
  );
  const people = new Map<string, Person>();
  for (const row of reader.getRowObjects()) {
    const own: Row = {};
    const partner: Row = {};
    for (const [name, value] of Object.entries(row)) {
      if (name.startsWith("own_")) own[name.slice(4)] = value === null ? null : Number(value);
      if (name.startsWith("partner_")) partner[name.slice(8)] = value === null ? null : Number(value);
    }
    people.set(`+86${row.id}`, { own, partner });
  }
  return people;
}

/** Logistic regression in float64. */
export function plainScore(
  person: Person,
  model: { intercept: number; features: readonly ModelFeature[] } = defaultRisk,
): number {
  let sum = model.intercept;
  for (const { party, column, weight, standardise, clip, missing } of model.features) {
    const raw = (party === "own" ? person.own : person.partner)[column] ?? missing;
    const scaled = standardise === undefined ? raw : (raw - standardise.mean) / standardise.sd;
    sum += weight * Math.min(Math.max(scaled, clip[0] as number), clip[1] as number);
  }
  return 1 / (1 + Math.exp(-sum));
}

/** The bank's own best model, for comparison. */
export function bankOnlyScore(person: Person): number {
  return plainScore(person, bankOnly);
}

/** People whom the models were not trained on. */
export function isHoldout(person: Person): boolean {
  return (person.own.customer_no as number) % 10 >= 7;
}

/** Area under the ROC curve by ranks (Mann-Whitney), ties counted half. */
export function areaUnderCurve(scored: readonly { readonly score: number; readonly positive: boolean }[]): number {
  const sorted = scored.toSorted((a, b) => a.score - b.score);
  let rankSum = 0;
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (j < sorted.length && sorted[j]?.score === sorted[i]?.score) j++;
    const meanRank = (i + 1 + j) / 2;
    for (let k = i; k < j; k++) if (sorted[k]?.positive) rankSum += meanRank;
    i = j;
  }
  const positives = sorted.filter((item) => item.positive).length;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (sorted.length - positives));
}
