/** Registration: one look at all of a file that says what is in it, what is not usable, and where. */
import type { IdColumn } from "../../proto/agreement/fields.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { DatasetName } from "../../proto/ids.ts";
import { type ProgressReport, WAITING } from "../progress/meter.ts";
import type { Delimiter } from "./csv-dialect.ts";
import { surveyCsv } from "./csv-survey.ts";
import { type DatasetFormat, type DatasetRegistration, placedIds } from "./dataset.ts";
import { Duplicates } from "./duplicates.ts";
import { type DataLimits, DEFAULT_LIMITS } from "./limits.ts";
import { surveyParquet } from "./parquet-survey.ts";
import { type Quarantine, withQuarantine } from "./quarantine.ts";
import { type RejectReason, totalRejected } from "./rejection.ts";
import { readRows } from "./rows.ts";
import { fingerprintOf, resolveFile, sameFingerprint } from "./source.ts";
import type { SpillPlace } from "./spill.ts";
import type { Survey } from "./survey.ts";

export interface InspectInput {
  readonly name: DatasetName;
  readonly format: DatasetFormat;
  readonly path: string;
  /** The columns that are the id together, in order. */
  readonly ids: readonly IdColumn[];
  /** CSV: instead of the one that the header proposes. */
  readonly delimiter?: Delimiter;
  /** CSV: instead of what the cells propose, as for a code that only looks like a number. */
  readonly columnTypes?: Readonly<Record<string, "number" | "text">>;
  /** Where to write the rows that were set aside; nowhere without it. */
  readonly quarantinePath?: string;
  /** Where the ids' hashes wait to be compared, when there are many; in memory without it, at some 30 bytes a row. */
  readonly spill?: SpillPlace;
  readonly limits?: DataLimits;
  readonly onProgress?: (report: ProgressReport) => void;
}

type Counts = Pick<DatasetRegistration, "accepted" | "duplicates" | "rejectedByReason">;

/**
 * Reads the file through and returns its registration; see the README for the passes. Throws DATASET_FILE_MISSING,
 * DATASET_FORMAT, DATASET_EMPTY (no rows), DATASET_COLUMN_UNKNOWN, DATASET_COLUMN_TYPE (an id column that is not text or
 * integer), DATASET_ID_EMPTY (no good id), DATASET_CHANGED (it changed meanwhile) or STORAGE_FAILED (quarantine). After
 * DATASET_ID_EMPTY the quarantine is there and says why; after the others it is as before.
 */
export async function inspectDataset(input: InspectInput): Promise<DatasetRegistration> {
  const limits = input.limits ?? DEFAULT_LIMITS;
  const path = await resolveFile(input.path);
  const fingerprint = await fingerprintOf(path);
  if (fingerprint.sizeBytes === 0) throw new EntenteError("DATASET_EMPTY");
  const options = { ...input, limits };
  const survey = await (input.format === "csv" ? surveyCsv(path, options) : surveyParquet(path, options));
  if (survey.rows === 0) throw new EntenteError("DATASET_EMPTY");
  const counts = await withQuarantine(input.quarantinePath, async (record) => {
    const counted = await countRows(path, survey, options, record);
    checkAccounted(survey.rows, counted);
    if (!sameFingerprint(fingerprint, await fingerprintOf(path)))
      throw new EntenteError("DATASET_CHANGED", { detail: input.name });
    return counted;
  });
  if (counts.accepted === 0)
    throw new EntenteError("DATASET_ID_EMPTY", { detail: input.ids.map(({ column }) => column).join(", ") });
  const { table, rows, version } = survey;
  return {
    name: input.name,
    format: input.format,
    path,
    ...(table.format === "csv" ? { dialect: table.dialect } : {}),
    ids: input.ids,
    columns: table.columns,
    version,
    fingerprint,
    rows,
    ...counts,
  };
}

/** No row may vanish. With an odd use of quotes the reader and the record scanner disagree, and nobody knows the rows. */
function checkAccounted(rows: number, { accepted, duplicates, rejectedByReason }: Counts): void {
  const accounted = accepted + duplicates + totalRejected(rejectedByReason);
  if (accounted !== rows)
    throw new EntenteError("DATASET_FORMAT", {
      detail: `the file has ${rows} records but ${accounted} could be told apart; check its quotes`,
    });
}

async function countRows(
  path: string,
  survey: Survey,
  input: InspectInput & { readonly limits: DataLimits },
  record: Quarantine,
): Promise<Counts> {
  const { table, broken } = survey;
  const ids = placedIds(table.columns, input.ids);
  const rejected: Partial<Record<RejectReason, number>> = {};
  const { limits, spill } = input;
  const rows = { path, table, ids, features: [], limits };
  for (const { line, reason } of broken) {
    rejected[reason] = (rejected[reason] ?? 0) + 1;
    await record({ line, reason });
  }
  await using duplicates = await Duplicates.open({ expected: survey.rows, ...(spill === undefined ? {} : { spill }) });
  let good = 0;
  let read = 0;
  let listed = 0;
  for await (const batch of readRows(rows)) {
    for (const { row, reason, column, id } of batch.setAside) {
      rejected[reason] = (rejected[reason] ?? 0) + 1;
      await record({ line: survey.lineOf(row), reason, ...(column === undefined ? {} : { column }), id });
    }
    await duplicates.add(batch);
    good += batch.count;
    read += batch.read;
    input.onProgress?.({ step: "reading the rows", done: read, total: survey.rows - broken.length, unit: "rows" });
  }
  input.onProgress?.({ step: "finding duplicates", ...WAITING });
  const count = await duplicates.find();
  if (count > 0 && input.quarantinePath !== undefined)
    // Read again rather than kept: the ids as written of all rows, for the sake of a few.
    for await (const batch of readRows(rows)) {
      listed += batch.read;
      input.onProgress?.({ step: "listing duplicates", done: listed, total: read, unit: "rows" });
      for (let i = 0; i < batch.count; i++)
        if (duplicates.has(batch.rows[i] as number))
          await record({ line: survey.lineOf(batch.rows[i] as number), reason: "duplicate", id: batch.rawId(i) });
    }
  return { accepted: good - count, duplicates: count, rejectedByReason: rejected };
}
