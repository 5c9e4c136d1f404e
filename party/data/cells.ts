/**
 * The only place that reads the memory of DuckDB's vectors, so that an id becomes bytes without a JavaScript string, and
 * a column of numbers is one view. Through `@duckdb/node-bindings`, which mirrors DuckDB's C API: `vector_get_data` is a
 * view of the vector, and a VARCHAR cell is a `duckdb_string_t` of 16 bytes:
 *
 *     u32 length | 12 bytes, all of the text if length <= 12; else its first 4 bytes and a pointer to it
 *
 * Following the pointer is a native call of 0.6 us. So `idColumns` asks for the text behind the first 4 bytes in two more
 * columns of at most 12 characters: of an ASCII id of up to 28 bytes every byte then lies in some cell.
 * `test/unit/data-cells.test.ts` pins the layout.
 */
import type { DuckDBDataChunk } from "@duckdb/node-api";
import duckdb from "@duckdb/node-bindings";

const CELL_BYTES = 16;
const INLINE_BYTES = 12;
const PREFIX_BYTES = 4;
const DOUBLE_BYTES = 8;
const INTEGER_BYTES = 4;

/** Result columns that `IdCells` takes. */
export const ID_COLUMNS = 3;

/** SQL for those columns, of a text column `name`. */
export function idColumns(name: string): string[] {
  const piece = (first: number) => `substr(${name}, ${first}, ${INLINE_BYTES})`;
  return [name, piece(1 + PREFIX_BYTES), piece(1 + PREFIX_BYTES + INLINE_BYTES)];
}

/** A view of all values of a column, of `byteCount` bytes each; valid as long as the chunk is. */
function cellsOf(chunk: DuckDBDataChunk, column: number, byteCount: number): Uint8Array {
  return duckdb.vector_get_data(duckdb.data_chunk_get_vector(chunk.chunk, column), chunk.rowCount * byteCount);
}

/** A DOUBLE column without NULLs; valid as long as the chunk is. */
export function doubles(chunk: DuckDBDataChunk, column: number): Float64Array {
  const { buffer, byteOffset } = cellsOf(chunk, column, DOUBLE_BYTES);
  return new Float64Array(buffer, byteOffset, chunk.rowCount);
}

/** An INTEGER column without NULLs; valid as long as the chunk is. */
export function integers(chunk: DuckDBDataChunk, column: number): Int32Array {
  const { buffer, byteOffset } = cellsOf(chunk, column, INTEGER_BYTES);
  return new Int32Array(buffer, byteOffset, chunk.rowCount);
}

/** The texts of one column of a chunk, its ids or a label, one at a time: after `at(row)` the text is `bytes[start .. end)` until the next call. */
export class IdCells {
  bytes: Uint8Array;
  start = 0;
  end = 0;
  /** Held because the views below are of its memory, and do not hold it themselves. */
  readonly chunk: DuckDBDataChunk;
  readonly #cells: Uint8Array;
  readonly #lengths: Uint32Array;
  /** A bit for each row, lowest first; null when no row is NULL. */
  readonly #valid: Uint8Array | null;
  readonly #first: Uint8Array;
  readonly #second: Uint8Array;
  readonly #joined = new Uint8Array(PREFIX_BYTES + 2 * INLINE_BYTES);

  /** The chunk's columns from `first` on are those of `idColumns`. */
  constructor(chunk: DuckDBDataChunk, first = 0) {
    this.chunk = chunk;
    this.#cells = cellsOf(chunk, first, CELL_BYTES);
    this.#lengths = new Uint32Array(this.#cells.buffer, this.#cells.byteOffset, chunk.rowCount * 4);
    const words = Math.ceil(chunk.rowCount / 64);
    // Declared as never null, and null when the column has no NULL.
    this.#valid = duckdb.vector_get_validity(duckdb.data_chunk_get_vector(chunk.chunk, first), words * 8) ?? null;
    this.#first = cellsOf(chunk, first + 1, CELL_BYTES);
    this.#second = cellsOf(chunk, first + 2, CELL_BYTES);
    this.bytes = this.#cells;
  }

  /** False when the text is NULL. */
  at(row: number): boolean {
    if (this.#valid !== null && (((this.#valid[row >>> 3] as number) >>> (row & 7)) & 1) === 0) return false;
    const length = this.#lengths[row * 4] as number;
    const cell = row * CELL_BYTES;
    if (length <= INLINE_BYTES) {
      this.bytes = this.#cells;
      this.start = cell + 4;
      this.end = cell + 4 + length;
      return true;
    }
    this.bytes = this.#join(cell, length) ? this.#joined : this.#follow(cell, length);
    this.start = 0;
    this.end = length;
    return true;
  }

  /**
   * True when prefix and pieces are the whole text. Their lengths say so: a piece counts characters, so with one of
   * several bytes among the first four it begins further on and the sum falls short, and later it is longer than a cell.
   * A piece has at most 48 bytes, so that the low byte of its length is all of it.
   */
  #join(cell: number, length: number): boolean {
    const first = this.#first[cell] as number;
    const second = this.#second[cell] as number;
    if (PREFIX_BYTES + first + second !== length || first > INLINE_BYTES || second > INLINE_BYTES) return false;
    for (let i = 0; i < PREFIX_BYTES; i++) this.#joined[i] = this.#cells[cell + 4 + i] as number;
    for (let i = 0; i < first; i++) this.#joined[PREFIX_BYTES + i] = this.#first[cell + 4 + i] as number;
    for (let i = 0; i < second; i++) this.#joined[PREFIX_BYTES + first + i] = this.#second[cell + 4 + i] as number;
    return true;
  }

  #follow(cell: number, length: number): Uint8Array {
    const { buffer, byteOffset } = this.#cells;
    // A copy that the binding makes; the view's buffer is not shared memory.
    return duckdb.get_data_from_pointer(buffer as ArrayBuffer, byteOffset + cell + 8, length);
  }
}
