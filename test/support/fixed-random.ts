/** Reproducible bytes for golden transcripts: SHA-256(seed, counter) blocks. Never outside tests. */
import { createHash } from "node:crypto";

export function fixedRandom(seed: string): (length: number) => Uint8Array {
  let counter = 0;
  return (length) => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32)
      out.set(
        createHash("sha256")
          .update(`${seed}/${counter++}`)
          .digest()
          .subarray(0, length - at),
        at,
      );
    return out;
  };
}
