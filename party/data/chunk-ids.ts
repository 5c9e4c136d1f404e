/** The ids of a chunk, normalised from bytes to bytes; `composite-id.ts` is the rule for those of several columns. */
import type { DuckDBDataChunk } from "@duckdb/node-api";
import { ID_COLUMNS, IdCells } from "./cells.ts";
import { PART_SEPARATOR, type RawId } from "./composite-id.ts";
import { MAX_ID_BYTES } from "./limits.ts";
import { type ByteNormaliser, byteNormaliserOf, CHARACTERS, EMPTY, LENGTH } from "./normalise-bytes.ts";
import type { PlacedId } from "./table.ts";

const SEPARATOR = PART_SEPARATOR.charCodeAt(0);
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

interface Part {
  readonly cells: IdCells;
  readonly normalise: ByteNormaliser;
}

export class ChunkIds {
  /** Column of the id, from 0, that the last negative result was about. */
  failedPart = 0;
  readonly #parts: readonly Part[];
  readonly #joined: Uint8Array;

  /** The chunk's first columns are those of `idColumns` for each of `ids`. */
  constructor(chunk: DuckDBDataChunk, ids: readonly PlacedId[]) {
    this.#parts = ids.map(({ normaliser }, k) => ({
      cells: new IdCells(chunk, k * ID_COLUMNS),
      normalise: byteNormaliserOf(normaliser),
    }));
    this.#joined = new Uint8Array(ids.length === 1 ? 0 : ids.length * (MAX_ID_BYTES + 1));
  }

  /** Writes the id of a row, at most MAX_ID_BYTES, to `out` from `at` on; its length, or a negative number for `reasonOf`. */
  write(row: number, out: Uint8Array, at: number): number {
    if (this.#parts.length > 1) return this.#join(row, out, at);
    const { cells, normalise } = this.#parts[0] as Part;
    return cells.at(row) ? normalise(cells.bytes, cells.start, cells.end, out, at) : EMPTY;
  }

  /** As it stands in the data. */
  raw(row: number): RawId {
    const texts = this.#parts.map(({ cells }) => {
      return cells.at(row) ? decoder.decode(cells.bytes.subarray(cells.start, cells.end)) : null;
    });
    return texts.length === 1 ? (texts[0] ?? null) : texts;
  }

  #join(row: number, out: Uint8Array, at: number): number {
    let end = 0;
    for (let k = 0; k < this.#parts.length; k++) {
      const { cells, normalise } = this.#parts[k] as Part;
      this.failedPart = k;
      if (k > 0) this.#joined[end++] = SEPARATOR;
      const length = cells.at(row) ? normalise(cells.bytes, cells.start, cells.end, this.#joined, end) : EMPTY;
      if (length < 0) return length;
      const part = this.#joined.subarray(end, end + length);
      if (part.includes(SEPARATOR)) return CHARACTERS;
      end += length;
    }
    if (end > MAX_ID_BYTES) return LENGTH;
    for (let i = 0; i < end; i++) out[at + i] = this.#joined[i] as number;
    return end;
  }
}
