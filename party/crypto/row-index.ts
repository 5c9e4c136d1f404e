/**
 * A set of equally long byte rows, for finding duplicates and matches. The rows are a peer's choice, so the slots come
 * from a salted hash: nobody can aim rows at one slot. A JavaScript Set of strings takes about five times the memory.
 */
import { equalBytes } from "../../proto/encoding/bytes.ts";
import type { Platform } from "./platform.ts";

const SALT_BYTES = 16;
const EMPTY = 0;

export interface RowIndex {
  /** Adds the next row (positions count up from 0); false, and nothing added, when an equal one is there. */
  add(row: Uint8Array): boolean;
  /** Position of the equal row, or undefined. */
  find(row: Uint8Array): number | undefined;
}

/** `capacity`: the most rows that will be added. */
export function rowIndex(platform: Platform, rowBytes: number, capacity: number): RowIndex {
  const salt = platform.random(SALT_BYTES);
  const slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, capacity) * 2)));
  const rows = new Uint8Array(rowBytes * capacity);
  let count = 0;

  /** The slot that holds an equal row (its position + 1), or the empty one where it belongs. */
  const slotOf = (row: Uint8Array): number => {
    const digest = platform.sha256(salt, row);
    const start = new DataView(digest.buffer, digest.byteOffset).getUint32(0, true);
    for (let slot = start % slots.length; ; slot = (slot + 1) % slots.length) {
      const held = slots[slot] as number;
      if (held === EMPTY || equalBytes(rows.subarray((held - 1) * rowBytes, held * rowBytes), row)) return slot;
    }
  };
  return {
    add(row) {
      const slot = slotOf(row);
      if (slots[slot] !== EMPTY) return false;
      if (count === capacity || row.length !== rowBytes) throw new RangeError("row index: row or capacity");
      rows.set(row, count * rowBytes);
      count += 1;
      slots[slot] = count;
      return true;
    },
    find(row) {
      const held = slots[slotOf(row)] as number;
      return held === EMPTY ? undefined : held - 1;
    },
  };
}
