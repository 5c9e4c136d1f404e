/** Randomness that a seed decides: bytes for what the product draws, numbers for what the simulation chooses. */
import { createCipheriv, createHash } from "node:crypto";

const ZEROS = new Uint8Array(4096);

/** The AES-128-CTR stream under the hash of a name. */
export function byteStream(name: string): (length: number) => Uint8Array<ArrayBuffer> {
  const key = createHash("sha256").update(name).digest().subarray(0, 16);
  const cipher = createCipheriv("aes-128-ctr", key, ZEROS.subarray(0, 16));
  let buffer = new Uint8Array(0);
  let at = 0;
  return (length) => {
    const out = new Uint8Array(length);
    for (let have = 0; have < length; ) {
      if (at === buffer.length) {
        buffer = new Uint8Array(cipher.update(ZEROS));
        at = 0;
      }
      const take = Math.min(length - have, buffer.length - at);
      out.set(buffer.subarray(at, at + take), have);
      at += take;
      have += take;
    }
    return out;
  };
}

/** Choices, from 53 bits of such a stream each. */
export class Chance {
  readonly #bytes: (length: number) => Uint8Array;

  constructor(name: string) {
    this.#bytes = byteStream(name);
  }

  /** In [0, 1). */
  unit(): number {
    const bytes = this.#bytes(7);
    let value = (bytes[0] as number) & 0x1f;
    for (let i = 1; i < 7; i++) value = value * 256 + (bytes[i] as number);
    return value / 2 ** 53;
  }

  /** Whole, from `from` to `to`, both included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.unit() * (to - from + 1));
  }

  between(from: number, to: number): number {
    return from + this.unit() * (to - from);
  }

  happens(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.whole(0, items.length - 1)] as T;
  }
}
