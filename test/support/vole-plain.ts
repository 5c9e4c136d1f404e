/** Plain twins of the VOLE's kernels, written from their definitions: the oracles of the tests. Slow on purpose. */
import { createCipheriv } from "node:crypto";
import type { VoleProfile } from "../../party/crypto/vole/index.ts";

export function toInteger(block: Uint8Array): bigint {
  return block.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

export function toBlock(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}

/** In GF(2^128) with x^128 + x^7 + x^2 + x + 1. */
export function plainMultiply(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let bit = 0n; bit < 128n; bit++) if ((b >> bit) & 1n) product ^= a << bit;
  for (let bit = 254n; bit >= 128n; bit--) if ((product >> bit) & 1n) product ^= (1n << bit) ^ (0x87n << (bit - 128n));
  return product;
}

export function blocksOf(bytes: Uint8Array): bigint[] {
  return Array.from({ length: bytes.length / 16 }, (_, i) => toInteger(bytes.subarray(i * 16, i * 16 + 16)));
}

/** AES-128 of each block by itself. */
export function plainAes(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
  return new Uint8Array(Buffer.concat([cipher.update(blocks), cipher.final()]));
}

export function xorBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ (b[i] as number));
}

function times(a: number, b: number): number {
  let product = 0;
  for (let i = 0; i < 8; i++) if ((b >> i) & 1) product ^= a << i;
  for (let bit = 14; bit >= 8; bit--) if ((product >> bit) & 1) product ^= 0x11b << (bit - 8);
  return product;
}

/** FIPS 197 section 5.1.1: the inverse, found by trying, then the affine map bit by bit. */
const box = Array.from({ length: 256 }, (_, a) => {
  const inverse = Array.from({ length: 256 }, (_, b) => b).find((b) => times(a, b) === 1) ?? 0;
  const bit = (i: number) => (inverse >> (i & 7)) & 1;
  let out = 0;
  for (let i = 0; i < 8; i++) out |= (bit(i) ^ bit(i + 4) ^ bit(i + 5) ^ bit(i + 6) ^ bit(i + 7)) << i;
  return out ^ 0x63;
});

/** MixColumns(ShiftRows(SubBytes(state))) + key. */
export function plainRound(state: Uint8Array, key: Uint8Array): Uint8Array {
  const shifted = Array.from({ length: 16 }, (_, i) => box[state[(i + 4 * (i % 4)) % 16] as number] as number);
  return Uint8Array.from({ length: 16 }, (_, i) => {
    const at = (row: number) => shifted[i - (i % 4) + ((i + row) % 4)] as number;
    return times(at(0), 2) ^ times(at(1), 3) ^ at(2) ^ at(3) ^ (key[i] as number);
  });
}

/** libOTe's generator: its first buffer, and the next one out of each. */
export function plainBuffers(seed: bigint): { next(): Uint8Array; first(): Uint8Array } {
  const counters = new Uint8Array(4096);
  for (let i = 0; i < 256; i++) counters[i * 16] = i;
  const buffer = plainAes(toBlock(seed), counters);
  return {
    first: () => buffer,
    next() {
      for (let i = 0; i < 256; i++) {
        const before = (i + 248) % 256;
        buffer.set(
          plainRound(buffer.subarray(i * 16, i * 16 + 16), buffer.subarray(before * 16, before * 16 + 16)),
          i * 16,
        );
      }
      return buffer;
    },
  };
}

function* plainModular(seed: bigint, modulus: number): Generator<number> {
  const buffers = plainBuffers(seed);
  for (;;) {
    const view = new DataView(buffers.next().buffer);
    for (let at = 0; at < 4096; at += 8) yield Number(view.getBigUint64(at, true) % BigInt(modulus));
  }
}

const SEED = (12_528_943_721_987_127n << 64n) | 98_743_297_823_479_812n;
const ALL = (1n << 128n) - 1n;
const CONSTANT = 4_234_123_421n;

/** One accumulation: every row is added to the next 24 by its coefficients, then to the 25th, which is then mixed. */
function plainAccumulate(x: bigint[], seed: bigint, constant: bigint): void {
  const buffers = plainBuffers(seed);
  let buffer = buffers.first();
  let at = 0;
  for (let i = 0; i < x.length; i++, at++) {
    if (at > 4096 - 3) {
      buffer = buffers.next();
      at = 0;
    }
    const value = () => x[i] as bigint;
    for (let d = 1; d <= 24; d++) {
      const j = (i + d) % x.length;
      if (((buffer[at + ((d - 1) >> 3)] as number) >> ((d - 1) & 7)) & 1) x[j] = (x[j] as bigint) ^ value();
    }
    const last = (i + 25) % x.length;
    x[last] = plainMultiply((x[last] as bigint) ^ value(), constant);
  }
}

/** ExConv 21x24 as libOTe computes it: the first `rows` elements of the result. */
export function plainEncode(noise: readonly bigint[], rows: number, profile: VoleProfile): bigint[] {
  const parity = noise.slice(rows);
  const constant = profile === "field" ? CONSTANT : 1n;
  plainAccumulate(parity, SEED, constant);
  plainAccumulate(parity, SEED ^ ALL, constant);
  const expander = SEED ^ BigInt(`0x${"cc".repeat(16)}`);
  const step = Math.floor(parity.length / 11);
  const regular = plainModular(expander ^ ((342_342_134n << 64n) | 23_421_341n), step);
  const uniform = plainModular(expander, parity.length);
  const out = noise.slice(0, rows);
  const add = (row: number, source: number) => {
    out[row] = (out[row] as bigint) ^ (parity[source] as bigint);
  };
  for (let from = 0; from < rows; from += 8) {
    for (let tap = 0; tap < 11; tap++)
      for (let row = from; row < from + 8; row++) add(row, (regular.next().value as number) + tap * step);
    for (let tap = 0; tap < 10; tap++)
      for (let row = from; row < from + 8; row++) add(row, uniform.next().value as number);
  }
  return out;
}
