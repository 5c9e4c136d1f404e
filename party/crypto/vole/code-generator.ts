/**
 * The public generator that libOTe draws its codes from: `PRNG` of cryptoTools with 256 blocks of AES-128 in counter
 * mode, refilled by AES rounds (see the kernel `aesRounds`). Nothing here is secret.
 */
import type { VolePlatform } from "./platform.ts";

const BUFFER_BLOCKS = 256;

/** A 128-bit value as libOTe writes it: block(high, low). */
export interface CodeBlock {
  readonly high: bigint;
  readonly low: bigint;
}

const WORD = (1n << 64n) - 1n;

export function xorBlock(a: CodeBlock, b: CodeBlock): CodeBlock {
  return { high: a.high ^ b.high, low: a.low ^ b.low };
}

export function invertBlock(a: CodeBlock): CodeBlock {
  return { high: a.high ^ WORD, low: a.low ^ WORD };
}

/** 16 bytes, little-endian. */
export function blockBytes({ high, low }: CodeBlock): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, low, true);
  view.setBigUint64(8, high, true);
  return bytes;
}

/** The buffer that a generator begins with: AES of 0, 1, ..., 255 (little-endian) under its seed. */
export function firstBuffer(platform: VolePlatform, seed: CodeBlock): Uint8Array {
  const counters = new Uint8Array(BUFFER_BLOCKS * 16);
  for (let i = 0; i < BUFFER_BLOCKS; i++) counters[i * 16] = i;
  const buffer = new Uint8Array(counters.length);
  platform.bulkAes.blockCipher(blockBytes(seed))(counters, buffer);
  return buffer;
}

const times2 = (a: number) => ((a << 1) ^ (a & 0x80 ? 0x11b : 0)) & 0xff;

/** The AES S-box (FIPS 197 section 5.1.1): the inverse in GF(2^8), then the affine map. */
function substitutionBox(): Uint8Array {
  const exponents: number[] = [];
  for (let i = 0, a = 1; i < 255; i++, a ^= times2(a)) exponents.push(a);
  const box = new Uint8Array(256);
  for (let a = 0; a < 256; a++) {
    const inverse = a === 0 ? 0 : (exponents[(255 - exponents.indexOf(a)) % 255] as number);
    let out = 0x63;
    for (let turn = 0; turn < 5; turn++) out ^= ((inverse << turn) | (inverse >> (8 - turn))) & 0xff;
    box[a] = out;
  }
  return box;
}

/** T0 of the AES: for each byte, the column (2, 1, 1, 3) * S(byte) of MixColumns, lowest row in the lowest byte. */
export function roundTable(): Uint8Array {
  const table = new Uint8Array(1024);
  substitutionBox().forEach((s, a) => {
    table.set([times2(s), s, s, times2(s) ^ s], a * 4);
  });
  return table;
}
