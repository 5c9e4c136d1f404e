/** Rows in a uniform order: what `shuffle.ts` does, at the speed that a partition of millions of rows asks for. */
import type { Platform } from "../platform.ts";
import type { OkvsKernels } from "./kernels.ts";

const SPARE_BYTES = 16;
/** Rows moved at a time. */
const BATCH_ROWS = 2 ** 15;
/** Random words drawn at a time. */
const BATCH_WORDS = 2 ** 14;

/** A uniform permutation of 0 .. count-1. */
export function uniformOrder(platform: Pick<Platform, "random">, kernels: OkvsKernels, count: number): Uint32Array {
  return kernels.scoped(() => {
    const order = kernels.allocate(4 * count);
    const words = kernels.allocate(4 * BATCH_WORDS);
    kernels.call.identity(order.at, count);
    for (let last = count - 1; last > 0; ) {
      const drawn = Math.min(BATCH_WORDS, last);
      const random = platform.random(4 * drawn);
      words.bytes().set(random);
      random.fill(0);
      last = kernels.call.permute(order.at, last, words.at, drawn);
    }
    return order.words().slice();
  });
}

/** The rows, `rowBytes` each, in the order `order`, a permutation of their numbers. */
export function permuteRows(kernels: OkvsKernels, rows: Uint8Array, rowBytes: number, order: Uint32Array): Uint8Array {
  if (rows.length !== order.length * rowBytes) throw new RangeError("rows and their order");
  const out = new Uint8Array(rows.length);
  kernels.scoped(() => {
    const held = kernels.allocate(rows.length + SPARE_BYTES);
    held.bytes().set(rows);
    const numbers = kernels.allocate(4 * Math.min(order.length, BATCH_ROWS));
    const moved = kernels.allocate(Math.min(order.length, BATCH_ROWS) * rowBytes + SPARE_BYTES);
    for (let from = 0; from < order.length; from += BATCH_ROWS) {
      const to = Math.min(order.length, from + BATCH_ROWS);
      numbers.words().set(order.subarray(from, to));
      kernels.call.gatherRows(held.at, rowBytes, numbers.at, to - from, moved.at);
      out.set(moved.bytes().subarray(0, (to - from) * rowBytes), from * rowBytes);
    }
  });
  return out;
}
