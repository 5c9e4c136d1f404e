/** Plain TypeScript twins of the score kernels: what tests hold them against. */
import type { ByteStream } from "../../party/crypto/bulk.ts";
import { BLOCK_ROWS, DATA_PRIMES, RESIDUE_BITS } from "../../party/he/params.ts";

export const Q = DATA_PRIMES.reduce((product, prime) => product * BigInt(prime), 1n);
const RESIDUE_MASK = 2 ** RESIDUE_BITS - 1;

/** 27 bits each, least significant bit first. */
export function packResidues(residues: Uint32Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array((residues.length * RESIDUE_BITS) / 8);
  for (let i = 0; i < residues.length; i++) {
    const value = residues[i] as number;
    const at = (i * RESIDUE_BITS) >>> 3;
    const shift = (i * RESIDUE_BITS) & 7;
    const rest = value >>> (8 - shift);
    out[at] = (out[at] as number) | (value << shift);
    out[at + 1] = rest;
    out[at + 2] = rest >>> 8;
    out[at + 3] = rest >>> 16;
    if (shift > 5) out[at + 4] = rest >>> 24;
  }
  return out;
}

export function unpackResidues(packed: Uint8Array): Uint32Array<ArrayBuffer> {
  const residues = new Uint32Array((packed.length * 8) / RESIDUE_BITS);
  for (let i = 0; i < residues.length; i++) {
    const at = (i * RESIDUE_BITS) >>> 3;
    const shift = (i * RESIDUE_BITS) & 7;
    const low =
      ((packed[at] as number) >>> shift) |
      ((packed[at + 1] as number) << (8 - shift)) |
      ((packed[at + 2] as number) << (16 - shift)) |
      ((packed[at + 3] as number) << (24 - shift));
    residues[i] = (shift > 5 ? low | ((packed[at + 4] as number) << (32 - shift)) : low) & RESIDUE_MASK;
  }
  return residues;
}

function take(stream: ByteStream, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  stream(bytes);
  return bytes;
}

/** R: five times BLOCK_ROWS residues. */
export function maskTwin(stream: ByteStream): Uint32Array<ArrayBuffer> {
  const mask = new Uint32Array(DATA_PRIMES.length * BLOCK_ROWS);
  for (const [k, prime] of DATA_PRIMES.entries()) {
    for (let done = 0; done < BLOCK_ROWS; ) {
      const words = new Uint32Array(take(stream, 4 * (BLOCK_ROWS - done)).buffer);
      for (const word of words) {
        const candidate = word & RESIDUE_MASK;
        if (candidate < prime) mask[k * BLOCK_ROWS + done++] = candidate;
      }
    }
  }
  return mask;
}

/** u, uniform in {-1, 0, 1}. */
export function ternaryTwin(stream: ByteStream): Int16Array {
  const out = new Int16Array(BLOCK_ROWS);
  for (let done = 0; done < BLOCK_ROWS; ) {
    for (const byte of take(stream, Math.ceil((BLOCK_ROWS - done) / 2)))
      for (let shift = 0; shift < 8 && done < BLOCK_ROWS; shift += 2) {
        const pair = (byte >>> shift) & 3;
        if (pair !== 3) out[done++] = pair - 1;
      }
  }
  return out;
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** e1: ones among 21 bits less ones among the next 21, of six bytes. */
export function errorsTwin(stream: ByteStream): Int32Array {
  const bytes = take(stream, 6 * BLOCK_ROWS);
  const view = new DataView(bytes.buffer);
  return Int32Array.from({ length: BLOCK_ROWS }, (_, i) => {
    const [low, upper] = [view.getUint32(6 * i, true), view.getUint16(6 * i + 4, true)];
    return ones(low & 0x1fffff) - ones((low >>> 21) | ((upper & 0x3ff) << 11));
  });
}

/** -round(t/q * value) mod t, straight from the definition. */
export function shareTwin(value: bigint): number {
  const t = 1n << 32n;
  const rounded = (2n * t * value + Q) / (2n * Q);
  return Number(((-rounded % t) + t) % t);
}
