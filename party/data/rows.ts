/** The one pass that both registration and jobs make: rows in file order, ids normalised, from bytes to bytes. */
import type { DuckDBDataChunk } from "@duckdb/node-api";
import { doubles, ID_COLUMNS, IdCells, integers } from "./cells.ts";
import { asFormatError, openDuckDb } from "./duckdb.ts";
import { LabelCells } from "./label-cells.ts";
import { CHUNK_ROWS, type DataLimits, MAX_ID_BYTES } from "./limits.ts";
import type { NormaliserName } from "./normalise.ts";
import { byteNormaliserOf, EMPTY, reasonOf } from "./normalise-bytes.ts";
import type { PackedText } from "./packed-text.ts";
import type { RejectReason } from "./rejection.ts";
import { type FileTable, type RowsShape, rowsQuery } from "./table.ts";

export interface RowsInput extends RowsShape {
  readonly path: string;
  readonly table: FileTable;
  readonly normaliser: NormaliserName;
  readonly limits: DataLimits;
}

/** A row whose id or numbers are not usable. `row` counts the rows that the reader could parse, from 0. */
export interface SetAside {
  readonly row: number;
  readonly reason: RejectReason;
  readonly column?: string;
  readonly id: string | null;
}

/** Ids, rows and features are those of the good rows that meet the condition, duplicates included. */
export interface RowBatch {
  /** Rows read in this batch, good or not. */
  readonly read: number;
  /** The good ones among them, whatever the condition. */
  readonly good: number;
  readonly count: number;
  /** `count` row numbers, ascending. Valid until the next batch, like the other arrays. */
  readonly rows: Uint32Array;
  /** Normalised. */
  readonly ids: PackedText;
  /** One array per feature, then one per mark, `count` long; NaN where the cell is blank or NULL. */
  readonly features: readonly Float64Array[];
  /** One after the other, as `proto/codec/labels` has them; undefined when none were asked for. */
  readonly labels?: Uint8Array | undefined;
  readonly setAside: readonly SetAside[];
  /** The id as it stands in the file, of the `index`th of these rows. */
  rawId(index: number): string;
}

const BROKEN_COLUMN = ID_COLUMNS;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Sorts chunks into good rows and rows set aside; its buffers serve one chunk after the other. */
class Sorter {
  readonly #input: RowsInput;
  readonly #bytes = new Uint8Array(CHUNK_ROWS * MAX_ID_BYTES);
  readonly #offsets = new Uint32Array(CHUNK_ROWS + 1);
  readonly #rows = new Uint32Array(CHUNK_ROWS);
  /** Positions in the chunk of the rows that stay. */
  readonly #kept = new Uint32Array(CHUNK_ROWS);
  readonly #features: readonly Float64Array[];
  readonly #labels: LabelCells | undefined;
  #rowsBefore = 0;

  constructor(input: RowsInput) {
    this.#input = input;
    const { features, marks = [] } = input;
    this.#features = [...features, ...marks].map(() => new Float64Array(CHUNK_ROWS));
    this.#labels = input.labels && new LabelCells(input.labels);
  }

  sort(chunk: DuckDBDataChunk): RowBatch {
    const { rowCount } = chunk;
    if (rowCount > CHUNK_ROWS) throw new Error("a chunk of more rows than DuckDB's vectors hold");
    const { table, normaliser, condition } = this.#input;
    const normalise = byteNormaliserOf(normaliser);
    const cells = new IdCells(chunk);
    const broken = integers(chunk, BROKEN_COLUMN);
    const afterFeatures = BROKEN_COLUMN + 1 + this.#features.length;
    const passes = condition === undefined ? undefined : integers(chunk, afterFeatures);
    const setAside: SetAside[] = [];
    let good = 0;
    let count = 0;
    let end = 0;
    for (let i = 0; i < rowCount; i++) {
      const filled = cells.at(i);
      const result = filled ? normalise(cells.bytes, cells.start, cells.end, this.#bytes, end) : EMPTY;
      if (result > 0 && broken[i] === 0) {
        good++;
        if (passes?.[i] === 0) continue;
        this.#kept[count] = i;
        this.#rows[count] = this.#rowsBefore + i;
        end += result;
        this.#offsets[++count] = end;
        continue;
      }
      const row = this.#rowsBefore + i;
      const id = filled ? textOf(cells) : null;
      const column = table.columns[(broken[i] as number) - 1];
      if (result < 0 || column === undefined) setAside.push({ row, reason: reasonOf(result), id });
      else setAside.push({ row, reason: "number-invalid", column: column.name, id });
    }
    this.#rowsBefore += rowCount;
    return {
      read: rowCount,
      good,
      count,
      rows: this.#rows.subarray(0, count),
      ids: { count, bytes: this.#bytes.subarray(0, end), offsets: this.#offsets.subarray(0, count + 1) },
      features: this.#gather(chunk, count),
      labels: this.#labels?.gather(
        chunk,
        afterFeatures + (passes === undefined ? 0 : 1),
        this.#kept.subarray(0, count),
      ),
      setAside,
      rawId: (index) => {
        cells.at(this.#kept[index] as number);
        return textOf(cells);
      },
    };
  }

  /** The features at the kept rows. The query leaves no NULL: a missing value is NaN. */
  #gather(chunk: DuckDBDataChunk, count: number): Float64Array[] {
    return this.#features.map((values, j) => {
      const source = doubles(chunk, BROKEN_COLUMN + 1 + j);
      for (let i = 0; i < count; i++) values[i] = source[this.#kept[i] as number] as number;
      return values.subarray(0, count);
    });
  }
}

function textOf({ bytes, start, end }: IdCells): string {
  return decoder.decode(bytes.subarray(start, end));
}

/** Batches of at most 2,048 rows. Throws DATASET_FORMAT when the file breaks off or is damaged, LABEL_UNFIT on a value that its
 * label cannot have. */
export async function* readRows(input: RowsInput): AsyncGenerator<RowBatch, void, undefined> {
  const db = await openDuckDb({ file: input.path }, input.limits);
  try {
    const query = rowsQuery(input.table, input);
    const result = await db.connection.stream(query, [input.path]);
    const sorter = new Sorter(input);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) return;
      yield sorter.sort(chunk);
    }
  } catch (error) {
    throw asFormatError(error, "reading the rows failed");
  } finally {
    db.close();
  }
}
