/** The one pass that both registration and jobs make: rows in file order, ids normalised, duplicates recognised. */
import { DuckDBDoubleVector } from "@duckdb/node-api";
import { asFormatError, type DuckDb, openDuckDb } from "./duckdb.ts";
import type { DataLimits } from "./limits.ts";
import { type NormaliserName, normaliserOf } from "./normalise.ts";
import type { SubjectTable } from "./packed-text.ts";
import type { RejectReason } from "./rejection.ts";
import { type FileTable, rowsQuery } from "./table.ts";

export interface RowsInput {
  readonly path: string;
  readonly table: FileTable;
  readonly idIndex: number;
  readonly normaliser: NormaliserName;
  /** Positions of numeric columns. */
  readonly features: readonly number[];
  /** Gets the accepted ids; ids that it has already are duplicates. */
  readonly subjects: SubjectTable;
  readonly limits: DataLimits;
}

/** A row that is not accepted. `row` counts the rows that the reader could parse, from 0. */
export interface SetAside {
  readonly row: number;
  readonly reason: RejectReason | "duplicate";
  readonly column?: string;
  readonly id: string | null;
}

export interface RowBatch {
  /** Rows read in this batch, accepted or not. */
  readonly read: number;
  /** Accepted: rows `firstRow` to `firstRow + count` of the subject table. */
  readonly firstRow: number;
  readonly count: number;
  /** One array per feature, `count` long. */
  readonly features: readonly Float64Array<ArrayBuffer>[];
  readonly setAside: readonly SetAside[];
}

type Chunk = NonNullable<Awaited<ReturnType<Awaited<ReturnType<DuckDb["connection"]["stream"]>>["fetchChunk"]>>>;

/** Numbers of a column at the kept rows, without a boxed array in between. */
function gather(chunk: Chunk, column: number, kept: Uint32Array): Float64Array<ArrayBuffer> {
  const vector = chunk.getColumnVector(column);
  if (!(vector instanceof DuckDBDoubleVector)) throw new Error("feature is not a double");
  const values = new Float64Array(kept.length);
  // The query leaves no NULL: a missing value is NaN.
  for (let i = 0; i < kept.length; i++) values[i] = vector.getItem(kept[i] as number) as number;
  return values;
}

/** Sorts one chunk into accepted rows, which go into the subject table, and rows set aside. */
function sortOut(chunk: Chunk, rowsBefore: number, input: RowsInput): RowBatch {
  const normalise = normaliserOf(input.normaliser);
  const { subjects } = input;
  const ids = chunk.getColumnVector(0);
  const broken = chunk.getColumnVector(1);
  const firstRow = subjects.count;
  const kept = new Uint32Array(chunk.rowCount);
  const setAside: SetAside[] = [];
  for (let i = 0; i < chunk.rowCount; i++) {
    const id = ids.getItem(i) as string | null;
    const row = rowsBefore + i;
    const normalised = normalise(id);
    const column = input.table.columns[(broken.getItem(i) as number) - 1];
    if (!normalised.ok) setAside.push({ row, reason: normalised.reason, id });
    else if (column !== undefined) setAside.push({ row, reason: "number-invalid", column: column.name, id });
    else if (!subjects.add(normalised.id)) setAside.push({ row, reason: "duplicate", id });
    else kept[subjects.count - firstRow - 1] = i;
  }
  const count = subjects.count - firstRow;
  const features = input.features.map((_, j) => gather(chunk, 2 + j, kept.subarray(0, count)));
  return { read: chunk.rowCount, firstRow, count, features, setAside };
}

/** Batches of at most 2,048 rows. Throws DATASET_FORMAT when the file breaks off or is damaged. */
export async function* readRows(input: RowsInput): AsyncGenerator<RowBatch, void, undefined> {
  const db = await openDuckDb({ file: input.path }, input.limits);
  try {
    const query = rowsQuery(input.table, input.idIndex, input.features);
    const result = await db.connection.stream(query, [input.path]);
    let rows = 0;
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      yield sortOut(chunk, rows, input);
      rows += chunk.rowCount;
    }
  } catch (error) {
    throw asFormatError(error, "reading the rows failed");
  } finally {
    db.close();
  }
}
