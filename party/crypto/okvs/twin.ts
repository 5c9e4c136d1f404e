/**
 * The kernels' work in plain TypeScript, a row at a time, with big integers: what the tests hold the kernels against.
 * BLAKE2s here is the same library function that the published vectors are tested with; nothing is shared with the
 * kernels but the formulas of the README.
 */
import { blake2s } from "@noble/hashes/blake2.js";
import { DENSE_SLOTS, type OkvsPlan, SLOT_BYTES } from "./params.ts";

export interface TwinRow {
  readonly bin: number;
  /** The three sparse slots. */
  readonly positions: readonly [number, number, number];
  /** Bit j: dense slot j. */
  readonly dense: bigint;
  readonly value: Uint8Array;
}

function little(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function toBytes(value: bigint): Uint8Array {
  return Uint8Array.from({ length: SLOT_BYTES }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** Bin, positions, dense columns and value of a row. `kind`: 0 for a row that is there. */
export function twinRow(key: Uint8Array, id: Uint8Array, kind: number, plan: OkvsPlan, valueMask: Uint8Array): TwinRow {
  const digest = blake2s(Uint8Array.of(...id, kind), { key, dkLen: 32 });
  let fraction = little(digest.subarray(16, 24));
  const draw = (bound: number): number => {
    const product = fraction * BigInt(bound);
    fraction = product & (2n ** 64n - 1n);
    return Number(product >> 64n);
  };
  const bin = draw(plan.bins);
  const free = Array.from({ length: plan.sparse }, (_, i) => i);
  const take = (): number => free.splice(draw(free.length), 1)[0] as number;
  const positions = [take(), take(), take()] as const;
  const value = digest.slice(0, 16).map((byte, i) => byte & valueMask[i]!);
  return { bin, positions, dense: little(digest.subarray(24, 32)), value };
}

/** Decode in one bin: the sum of the row's slots. */
export function twinDecode(plan: OkvsPlan, binSlots: Uint8Array, row: TwinRow): Uint8Array {
  const slot = (i: number) => binSlots.subarray(i * SLOT_BYTES, (i + 1) * SLOT_BYTES);
  const out = new Uint8Array(SLOT_BYTES);
  const add = (i: number) => {
    for (let b = 0; b < SLOT_BYTES; b++) out[b]! ^= slot(i)[b]!;
  };
  row.positions.forEach(add);
  for (let j = 0; j < DENSE_SLOTS; j++) if ((row.dense >> BigInt(j)) & 1n) add(plan.sparse + j);
  return out;
}

const MODULUS = (1n << 128n) | 0x87n;

/** a * b in GF(2^128). */
export function twinMultiply(a: Uint8Array, b: Uint8Array): Uint8Array {
  let product = 0n;
  const x = little(a);
  for (let i = 0n; i < 128n; i++) if ((little(b) >> i) & 1n) product ^= x << i;
  for (let i = 255n; i >= 128n; i--) if ((product >> i) & 1n) product ^= MODULUS << (i - 128n);
  return toBytes(product);
}

/** F of a linear part and value. */
export function twinOutput(key: Uint8Array, linear: Uint8Array, value: Uint8Array): Uint8Array {
  return blake2s(Uint8Array.of(...linear, ...value), { key, dkLen: 32 });
}

/** The pad of the label of an output. */
export function twinPad(key: Uint8Array, output: Uint8Array, labelBytes: number): Uint8Array {
  const pad = new Uint8Array(64);
  for (const block of [0, 1])
    pad.set(blake2s(Uint8Array.of(...output.subarray(16), block, 0, 0, 0), { key, dkLen: 32 }), 32 * block);
  return pad.subarray(0, labelBytes);
}

/** The rank of the rows' equations over all slots of a bin: it is their number just when the bin has an encoding. */
export function twinRank(plan: OkvsPlan, rows: readonly TwinRow[]): number {
  const basis = new Map<number, bigint>();
  for (const { positions, dense } of rows) {
    let row = positions.reduce((sum, p) => sum ^ (1n << BigInt(p)), dense << BigInt(plan.sparse));
    while (row !== 0n) {
      const lead = row.toString(2).length;
      const held = basis.get(lead);
      if (held === undefined) {
        basis.set(lead, row);
        break;
      }
      row ^= held;
    }
  }
  return basis.size;
}
