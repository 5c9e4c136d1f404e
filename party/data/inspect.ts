/** Registration: one look at all of a source that says what is in it, what is not usable, and where. */
import type { IdColumn } from "../../proto/agreement/fields.ts";
import type { DuplicatePolicy } from "../../proto/duplicate-policy.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { DatasetName } from "../../proto/ids.ts";
import { type ProgressReport, WAITING } from "../progress/meter.ts";
import { requireWholePolicy } from "./aggregate.ts";
import type { LineCounts } from "./csv-records.ts";
import { type DatasetRegistration, placedIds } from "./dataset.ts";
import { Duplicates } from "./duplicates.ts";
import { fingerprintOf, orChanged, sameFingerprint } from "./file.ts";
import { type DataLimits, DEFAULT_LIMITS, MAX_ROWS } from "./limits.ts";
import { type Quarantine, type QuarantineEntry, withQuarantine } from "./quarantine.ts";
import { type RejectReason, totalRejected } from "./rejection.ts";
import { type RowBatch, readRows } from "./rows.ts";
import { partsOf, type SourceAccess, type SourceRequest, versionOf } from "./source.ts";
import type { SpillPlace } from "./spill.ts";
import type { Survey, SurveyedPart } from "./survey.ts";
import { surveySource } from "./survey-source.ts";

export interface InspectInput extends SourceRequest {
  readonly name: DatasetName;
  /** The columns that are the id together, in order. */
  readonly ids: readonly IdColumn[];
  readonly access?: SourceAccess;
  /** `first` without it. */
  readonly duplicatePolicy?: DuplicatePolicy | undefined;
  /** Where to write the rows that were set aside; nowhere without it. */
  readonly quarantinePath?: string;
  /** Where the ids' hashes wait to be compared, when there are many; in memory without it, at some 30 bytes a row. */
  readonly spill?: SpillPlace;
  readonly limits?: DataLimits;
  readonly onProgress?: (report: ProgressReport) => void;
  readonly bounds?: InspectBounds | undefined;
  /** Looks on, and changes nothing of the outcome. */
  readonly onlooker?: Onlooker;
}

/** What the operator lets a dataset have; each throws when it is more. */
export interface InspectBounds {
  rows(rows: number): void;
  /** Before so many bytes are written beside what was set aside. */
  setAside(bytes: number): void;
}

/** Sees all of a source while it is inspected. */
export interface Onlooker {
  /** Before its rows are read. */
  surveyed(survey: Survey): Promise<void>;
  /** Each batch; valid until it returns. `placeOf`: of one of its rows by number. */
  rows(batch: RowBatch, placeOf: (row: number) => RowPlace): void;
  /** Each row set aside, whatever for. */
  setAside(entry: QuarantineEntry): void;
}

export type RowPlace = Pick<QuarantineEntry, "file" | "line">;

type Counts = Pick<DatasetRegistration, "accepted" | "duplicates" | "rejectedByReason">;

/**
 * Reads the source through and returns its registration; see the README for the passes. Throws DATASET_FILE_MISSING, LIMIT_EXCEEDED,
 * DATASET_FORMAT, DATASET_EMPTY (no rows), DATASET_COLUMN_UNKNOWN, DATASET_COLUMN_TYPE (an id column that is not text or
 * integer), DATASET_ID_EMPTY (no good id), DATASET_CHANGED (it changed meanwhile), STORAGE_FAILED (quarantine), NOT_FOUND
 * (table) and the errors of a database. After DATASET_ID_EMPTY the quarantine is there and says why; after the others it
 * is as before.
 */
export async function inspectDataset(input: InspectInput): Promise<DatasetRegistration> {
  const registration = await inspectSource(input);
  if (registration.accepted === 0)
    throw new EntenteError("DATASET_ID_EMPTY", {
      detail: `${input.ids.map(({ column }) => column).join(", ")}: ${whyNone(registration)}`,
    });
  return registration;
}

/** The same, also when there is no good id. */
export async function inspectSource(input: InspectInput): Promise<DatasetRegistration> {
  const limits = input.limits ?? DEFAULT_LIMITS;
  const survey = await surveySource(input, {
    ...{ ids: input.ids, limits, access: input.access ?? {} },
    ...(input.onProgress && { onProgress: input.onProgress }),
  });
  try {
    return await inspectSurveyed(survey, { ...input, limits });
  } finally {
    await survey.close?.();
  }
}

async function inspectSurveyed(
  survey: Survey,
  input: InspectInput & { readonly limits: DataLimits },
): Promise<DatasetRegistration> {
  const { source, dialect, table, parts } = survey;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  if (rows === 0) throw new EntenteError("DATASET_EMPTY");
  if (rows > MAX_ROWS || parts.some((part) => part.rows < 0))
    throw new EntenteError("DATASET_FORMAT", { detail: `it declares ${rows} rows, of ${MAX_ROWS} at most` });
  input.bounds?.rows(rows);
  requireWholePolicy(policyOf(input), table.columns);
  const { onlooker } = input;
  await onlooker?.surveyed(survey);
  const counts = await withQuarantine(
    input.quarantinePath,
    async (write) => {
      const record: Quarantine = (entry) => {
        onlooker?.setAside(entry);
        return write(entry);
      };
      let counted: Counts;
      try {
        counted = await countRows(survey, rows, input, record);
        checkAccounted(rows, counted);
      } catch (error) {
        throw await orChanged(error, input.name, partsOf(source));
      }
      for (const { path, fingerprint, name } of partsOf(source))
        if (!sameFingerprint(fingerprint, await fingerprintOf(path)))
          throw new EntenteError("DATASET_CHANGED", { detail: `${input.name}: ${name}` });
      return counted;
    },
    input.bounds?.setAside,
  );
  const lines = source.kind === "files" && linesOf(parts);
  return {
    name: input.name,
    format: survey.format,
    source,
    ...(dialect && { dialect }),
    ids: input.ids,
    duplicatePolicy: policyOf(input),
    columns: table.columns,
    version: versionOf(source),
    rows,
    ...(lines && { lines }),
    ...counts,
  };
}

/** Reasons and their numbers, the commonest first. */
function whyNone({ duplicates, rejectedByReason }: Counts): string {
  const reasons = Object.entries(rejectedByReason).sort(([, a], [, b]) => b - a);
  const rejected = reasons.map(([reason, count]) => `${reason} ${count}`);
  const several = duplicates > 0 ? ["every usable id has several rows, and duplicates are rejected"] : [];
  return [...rejected, ...several].join(", ");
}

/** Of all files together; undefined when they have no lines. */
function linesOf(parts: readonly SurveyedPart[]): LineCounts | undefined {
  const sum = { total: 0, header: 0, blank: 0, continued: 0 };
  for (const { lines } of parts) {
    if (lines === undefined) return undefined;
    for (const key of ["total", "header", "blank", "continued"] as const) sum[key] += lines[key];
  }
  return sum;
}

function policyOf({ duplicatePolicy = { kind: "first" } }: InspectInput): DuplicatePolicy {
  return duplicatePolicy;
}

/** No row may vanish. With an odd use of quotes the reader and the record scanner disagree, and nobody knows the rows. */
function checkAccounted(rows: number, { accepted, duplicates, rejectedByReason }: Counts): void {
  const accounted = accepted + duplicates + totalRejected(rejectedByReason);
  if (accounted !== rows)
    throw new EntenteError("DATASET_FORMAT", {
      detail: `the source has ${rows} records but ${accounted} could be told apart: check its quotes`,
    });
}

async function countRows(
  { table, parts }: Survey,
  expected: number,
  input: InspectInput & { readonly limits: DataLimits },
  record: Quarantine,
): Promise<Counts> {
  const ids = placedIds(table.columns, input.ids);
  const policy = policyOf(input);
  const rejected: Partial<Record<RejectReason, number>> = {};
  const { limits, spill } = input;
  const rows = { parts: parts.map(({ open }) => open), table, ids, features: [], limits };
  const fileOf = (part: number) => (parts.length > 1 ? { file: parts[part]?.name } : {});
  const placeOf = (row: number, { part, partStart }: RowBatch) => ({
    ...fileOf(part),
    line: parts[part]?.lineOf(row - partStart) ?? 0,
  });
  for (const [part, { broken }] of parts.entries())
    for (const { line, reason } of broken) {
      rejected[reason] = (rejected[reason] ?? 0) + 1;
      await record({ ...fileOf(part), line, reason });
    }
  await using duplicates = await Duplicates.open({ expected, policy, ...(spill === undefined ? {} : { spill }) });
  let good = 0;
  let read = 0;
  let listed = 0;
  const total = expected - parts.reduce((sum, { broken }) => sum + broken.length, 0);
  for await (const batch of readRows(rows)) {
    for (const { row, reason, column, id } of batch.setAside) {
      rejected[reason] = (rejected[reason] ?? 0) + 1;
      await record({ ...placeOf(row, batch), reason, ...(column === undefined ? {} : { column }), id });
    }
    input.onlooker?.rows(batch, (row) => placeOf(row, batch));
    await duplicates.add(batch);
    good += batch.count;
    read += batch.read;
    input.onProgress?.({ step: "reading-rows", done: read, total, unit: "rows" });
  }
  input.onProgress?.({ step: "finding-duplicates", ...WAITING });
  const count = await duplicates.find();
  if (count > 0 && policy.kind !== "aggregate" && input.quarantinePath !== undefined)
    // Read again rather than kept: the ids as written of all rows, for the sake of a few.
    for await (const batch of readRows(rows)) {
      listed += batch.read;
      input.onProgress?.({ step: "listing-duplicates", done: listed, total: read, unit: "rows" });
      for (let i = 0; i < batch.count; i++)
        if (duplicates.has(batch.rows[i] as number))
          await record({ ...placeOf(batch.rows[i] as number, batch), reason: "duplicate", id: batch.rawId(i) });
    }
  return { accepted: good - count, duplicates: count, rejectedByReason: rejected };
}
