/** The one pass that both registration and jobs make: rows in file order, ids normalised, from bytes to bytes. */
import type { DuckDBDataChunk } from "@duckdb/node-api";
import { doubles, ID_COLUMNS, integers } from "./cells.ts";
import { ChunkIds } from "./chunk-ids.ts";
import type { RawId } from "./composite-id.ts";
import { LabelCells } from "./label-cells.ts";
import { CHUNK_ROWS, type DataLimits, MAX_ID_BYTES } from "./limits.ts";
import { reasonOf } from "./normalise-bytes.ts";
import type { PackedText } from "./packed-text.ts";
import type { RejectReason } from "./rejection.ts";
import type { OpenRelation } from "./relation.ts";
import { type DatasetTable, type RowsShape, rowsQuery } from "./table.ts";

export interface RowsInput extends RowsShape {
  /** Read one after the other; row numbers run on. */
  readonly parts: readonly OpenRelation[];
  readonly table: DatasetTable;
  readonly limits: DataLimits;
}

/** A row whose id or numbers are not usable. `row` counts the rows that the reader could parse, from 0. */
export interface SetAside {
  readonly row: number;
  readonly reason: RejectReason;
  /** Where the fault is: of the numbers, and of an id of several columns. */
  readonly column?: string;
  readonly id: RawId;
}

/** All of one part. Ids, rows and features are those of the good rows that meet the condition, duplicates included. */
export interface RowBatch {
  /** Index of the part, and the number of its first row. */
  readonly part: number;
  readonly partStart: number;
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
  rawId(index: number): RawId;
}

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
  readonly #brokenColumn: number;
  #part = -1;
  #partStart = 0;
  #rowsBefore = 0;

  constructor(input: RowsInput) {
    this.#input = input;
    const { features, marks = [] } = input;
    this.#features = [...features, ...marks].map(() => new Float64Array(CHUNK_ROWS));
    this.#labels = input.labels && new LabelCells(input.labels);
    this.#brokenColumn = input.ids.length * ID_COLUMNS;
  }

  nextPart(): void {
    this.#part++;
    this.#partStart = this.#rowsBefore;
  }

  sort(chunk: DuckDBDataChunk): RowBatch {
    const { rowCount } = chunk;
    if (rowCount > CHUNK_ROWS) throw new Error("a chunk of more rows than DuckDB's vectors hold");
    const { condition } = this.#input;
    const cells = new ChunkIds(chunk, this.#input.ids);
    const broken = integers(chunk, this.#brokenColumn);
    const afterFeatures = this.#brokenColumn + 1 + this.#features.length;
    const passes = condition === undefined ? undefined : integers(chunk, afterFeatures);
    const setAside: SetAside[] = [];
    let good = 0;
    let count = 0;
    let end = 0;
    for (let i = 0; i < rowCount; i++) {
      const result = cells.write(i, this.#bytes, end);
      if (result > 0 && broken[i] === 0) {
        good++;
        if (passes?.[i] === 0) continue;
        this.#kept[count] = i;
        this.#rows[count] = this.#rowsBefore + i;
        end += result;
        this.#offsets[++count] = end;
        continue;
      }
      setAside.push({
        row: this.#rowsBefore + i,
        ...this.#fault(result, broken[i] as number, cells),
        id: cells.raw(i),
      });
    }
    this.#rowsBefore += rowCount;
    return {
      part: this.#part,
      partStart: this.#partStart,
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
      rawId: (index) => cells.raw(this.#kept[index] as number),
    };
  }

  /** Of a row that is not good: about its id first. */
  #fault(result: number, broken: number, { failedPart }: ChunkIds): Pick<SetAside, "reason" | "column"> {
    const { table, ids } = this.#input;
    const nameOf = (index: number) => table.columns[index]?.name ?? "";
    if (result >= 0) return { reason: "number-invalid", column: nameOf(broken - 1) };
    const reason = reasonOf(result);
    return ids.length === 1 ? { reason } : { reason, column: nameOf(ids[failedPart]?.index ?? -1) };
  }

  /** The features at the kept rows. The query leaves no NULL: a missing value is NaN. */
  #gather(chunk: DuckDBDataChunk, count: number): Float64Array[] {
    return this.#features.map((values, j) => {
      const source = doubles(chunk, this.#brokenColumn + 1 + j);
      for (let i = 0; i < count; i++) values[i] = source[this.#kept[i] as number] as number;
      return values.subarray(0, count);
    });
  }
}

/** Batches of at most 2,048 rows. Throws DATASET_FORMAT when a file breaks off or is damaged, LABEL_UNFIT on a value that its
 * label cannot have, and what the source throws. */
export async function* readRows(input: RowsInput): AsyncGenerator<RowBatch, void, undefined> {
  const sorter = new Sorter(input);
  for (const open of input.parts) {
    sorter.nextPart();
    const relation = await open(input.limits);
    try {
      const query = rowsQuery(input.table, input, relation.sql);
      const result = await relation.connection.stream(query, relation.values);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) break;
        yield sorter.sort(chunk);
      }
      await relation.finish();
    } catch (error) {
      throw relation.failed(error, "reading the rows failed: the data is damaged or breaks off");
    } finally {
      await relation.close();
    }
  }
}
