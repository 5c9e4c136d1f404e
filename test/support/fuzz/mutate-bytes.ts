/** Changes that know nothing of a form: what a broken disk, a cut connection or a careless peer makes of bytes. */
import { concat } from "../../../proto/encoding/bytes.ts";
import type { Draw } from "./draw.ts";

/** Lengths and counts that break careless arithmetic. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const LONGEST_RUN = 70_000;

type Change = (bytes: Uint8Array, draw: Draw, others: readonly Uint8Array[]) => Uint8Array;

/** [from, to), not empty when there are bytes. */
function range(bytes: Uint8Array, draw: Draw): [number, number] {
  const from = draw.below(bytes.length + 1);
  return [from, from + draw.below(Math.min(bytes.length - from, 64) + 1)];
}

const splice = (bytes: Uint8Array, from: number, to: number, middle: Uint8Array) =>
  concat(bytes.subarray(0, from), middle, bytes.subarray(to));

const CHANGES: readonly Change[] = [
  (bytes, draw) => {
    const out = Uint8Array.from(bytes);
    for (let i = 0; i <= draw.below(4) && out.length > 0; i++) {
      const at = draw.below(out.length);
      out[at] = (out[at] as number) ^ (1 << draw.below(8));
    }
    return out;
  },
  (bytes, draw) => {
    const out = Uint8Array.from(bytes);
    if (out.length > 0) out[draw.below(out.length)] = draw.pick([0, 0x7f, 0x80, 0xff, draw.below(256)]);
    return out;
  },
  (bytes, draw) => bytes.slice(0, draw.below(bytes.length + 1)),
  (bytes, draw) => bytes.slice(draw.below(bytes.length + 1)),
  (bytes, draw) => splice(bytes, ...range(bytes, draw), new Uint8Array(0)),
  (bytes, draw) => {
    const [from, to] = range(bytes, draw);
    return splice(bytes, to, to, bytes.subarray(from, to));
  },
  (bytes, draw) => {
    const at = draw.below(bytes.length + 1);
    return splice(bytes, at, at, draw.bytes(1 + draw.below(16)));
  },
  (bytes, draw) => {
    const [from, to] = range(bytes, draw);
    return splice(bytes, from, to, new Uint8Array(to - from).fill(draw.pick([0, 0xff])));
  },
  (bytes, draw) => {
    const value = draw.pick(EDGES);
    const width = draw.pick([2, 4]);
    const field = new Uint8Array(width);
    for (let i = 0; i < width; i++) field[i] = Math.floor(value / 2 ** (8 * (width - 1 - i))) & 0xff;
    const at = draw.below(bytes.length + 1);
    return splice(bytes, at, Math.min(bytes.length, at + width), draw.oneIn(2) ? field : field.toReversed());
  },
  (bytes, draw, others) => {
    const other = draw.pick(others);
    return concat(bytes.subarray(0, draw.below(bytes.length + 1)), other.subarray(draw.below(other.length + 1)));
  },
  // Rarely, for it is what takes time: a long run of one byte.
  (bytes, draw) => {
    const at = draw.below(bytes.length + 1);
    const length = draw.oneIn(8) ? LONGEST_RUN : 200;
    return splice(bytes, at, at, new Uint8Array(length).fill(draw.below(256)));
  },
];

/** One to four changes. `others`: valid inputs to cross with. */
export function mutateBytes(bytes: Uint8Array, draw: Draw, others: readonly Uint8Array[]): Uint8Array {
  let out = bytes;
  for (let left = draw.oneIn(3) ? 1 + draw.below(4) : 1; left > 0; left--) out = draw.pick(CHANGES)(out, draw, others);
  return out;
}
