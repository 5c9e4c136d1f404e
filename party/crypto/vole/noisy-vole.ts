/**
 * The base VOLE over GF(2^128), bit by bit of Delta: Gilboa (Crypto 1999), as in the noisy VOLE of eprint 2021/266 and
 * 2019/1159. Delta = sum of delta_j x^j; OT j has the choice delta_j. The receiver, with values y and both streams of
 * each OT, sends U_j = stream_j,0 + stream_j,1 + x^j y and keeps c = sum of stream_j,0; the sender's
 * b = sum of (stream_j,delta_j + delta_j U_j) = c + Delta y.
 */
import { unpackBits, wordsOf, xorMasked } from "./bits.ts";
import { ELEMENT_BYTES, NOISE_WEIGHT, NOISY_BASE_OTS, SEED_BYTES } from "./params.ts";
import type { VolePlatform } from "./platform.ts";

const VECTOR_BYTES = NOISE_WEIGHT * ELEMENT_BYTES;

/** Every element times x, in place: x^128 = x^7 + x^2 + x + 1. */
function timesX(elements: Uint32Array): void {
  for (let i = 0; i < elements.length; i += 4) {
    const [a, b, c, d] = [elements[i], elements[i + 1], elements[i + 2], elements[i + 3]] as [
      number,
      number,
      number,
      number,
    ];
    elements[i] = (a << 1) ^ (-(d >>> 31) & 0x87);
    elements[i + 1] = (b << 1) | (a >>> 31);
    elements[i + 2] = (c << 1) | (b >>> 31);
    elements[i + 3] = (d << 1) | (c >>> 31);
  }
}

export interface NoisyShare {
  /** U: 128 vectors. */
  readonly message: Uint8Array;
  /** c with c + Delta y = b. */
  readonly shareSecret: Uint8Array;
}

/** `seedsSecret`: both seeds of each OT. `valuesSecret`: y, NOISE_WEIGHT elements. */
export function noisyReceiver(platform: VolePlatform, seedsSecret: Uint8Array, valuesSecret: Uint8Array): NoisyShare {
  const message = new Uint8Array(NOISY_BASE_OTS * VECTOR_BYTES);
  const shareSecret = new Uint8Array(VECTOR_BYTES);
  const power = valuesSecret.slice();
  const stream = new Uint8Array(VECTOR_BYTES);
  for (let j = 0; j < NOISY_BASE_OTS; j++) {
    const sent = message.subarray(j * VECTOR_BYTES, (j + 1) * VECTOR_BYTES);
    platform.bulkAes.ctrStream(seedsSecret.subarray(2 * j * SEED_BYTES, (2 * j + 1) * SEED_BYTES))(stream);
    platform.bulkAes.ctrStream(seedsSecret.subarray((2 * j + 1) * SEED_BYTES, (2 * j + 2) * SEED_BYTES))(sent);
    xorMasked(shareSecret, stream, -1);
    xorMasked(sent, stream, -1);
    xorMasked(sent, power, -1);
    timesX(wordsOf(power));
  }
  power.fill(0);
  stream.fill(0);
  return { message, shareSecret };
}

/** b. `seedsSecret`: the seeds that the bits of Delta chose. */
export function noisySender(
  platform: VolePlatform,
  seedsSecret: Uint8Array,
  deltaSecret: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  const share = new Uint8Array(VECTOR_BYTES);
  const stream = new Uint8Array(VECTOR_BYTES);
  unpackBits(deltaSecret).forEach((bit, j) => {
    platform.bulkAes.ctrStream(seedsSecret.subarray(j * SEED_BYTES, (j + 1) * SEED_BYTES))(stream);
    xorMasked(share, stream, -1);
    xorMasked(share, message.subarray(j * VECTOR_BYTES, (j + 1) * VECTOR_BYTES), -bit);
  });
  stream.fill(0);
  return share;
}
