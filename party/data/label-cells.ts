/** Label columns of a dataset: which columns can be one, and each row's values as the bytes that a job sends. */
import type { DuckDBDataChunk } from "@duckdb/node-api";
import { type LabelColumn, labelsBytes, labelWidth } from "../../proto/agreement/label-columns.ts";
import { unfitLabel, writeBoolean, writeNumber, writeText } from "../../proto/codec/labels.ts";
import { EntenteError } from "../../proto/errors.ts";
import { doubles, ID_COLUMNS, IdCells } from "./cells.ts";
import { columnIndex } from "./dataset.ts";
import { CHUNK_ROWS } from "./limits.ts";
import type { DatasetColumn, PlacedLabel } from "./table.ts";

/**
 * Throws DATASET_COLUMN_UNKNOWN, or DATASET_COLUMN_TYPE for a number that is not of a column of numbers and for a boolean of
 * dates, blobs or nested values. Any column but an id can be text: as it is written in a CSV, as DuckDB writes it otherwise.
 */
export function placedLabels(columns: readonly DatasetColumn[], labels: readonly LabelColumn[]): PlacedLabel[] {
  return labels.map((label) => {
    const index = columnIndex(columns, label.name);
    const type = columns[index]?.type;
    const fits = { number: type === "number", boolean: type === "number" || type === "text", text: type !== "id" };
    if (!fits[label.type])
      throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `${label.name} is of type ${type}, not ${label.type}` });
    return { label, index };
  });
}

/** Labels of chunk after chunk; its buffer serves one after the other. */
export class LabelCells {
  readonly #labels: readonly LabelColumn[];
  readonly #width: number;
  readonly #bytes: Uint8Array;

  constructor(labels: readonly PlacedLabel[]) {
    this.#labels = labels.map(({ label }) => label);
    this.#width = labelsBytes(this.#labels);
    this.#bytes = new Uint8Array(CHUNK_ROWS * this.#width);
  }

  /** Labels of the rows `kept` of a chunk, whose result columns from `first` on are those of `labelColumnsSql`. Throws
   * LABEL_UNFIT naming the column. */
  gather(chunk: DuckDBDataChunk, first: number, kept: Uint32Array): Uint8Array {
    const bytes = this.#bytes.subarray(0, kept.length * this.#width);
    bytes.fill(0);
    let column = first;
    let at = 0;
    for (const label of this.#labels) {
      if (label.type === "text") this.#texts(label, new IdCells(chunk, column), kept, at);
      else this.#numbers(label, doubles(chunk, column), kept, at);
      column += label.type === "text" ? ID_COLUMNS : 1;
      at += labelWidth(label);
    }
    return bytes;
  }

  #numbers({ name, type }: LabelColumn, values: Float64Array, kept: Uint32Array, at: number): void {
    const view = new DataView(this.#bytes.buffer);
    const write = type === "boolean" ? writeBoolean : writeNumber;
    for (let i = 0; i < kept.length; i++) write(view, i * this.#width + at, values[kept[i] as number] as number, name);
  }

  #texts(label: LabelColumn & { readonly type: "text" }, cells: IdCells, kept: Uint32Array, at: number): void {
    for (let i = 0; i < kept.length; i++) {
      const isThere = cells.at(kept[i] as number);
      // Before its bytes are looked at: a cell may have megabytes.
      if (isThere && cells.end - cells.start > label.maxBytes) throw unfitLabel(label.name);
      const text = isThere ? cells.bytes.subarray(cells.start, cells.end) : undefined;
      writeText(this.#bytes, i * this.#width + at, text, label);
    }
  }
}
