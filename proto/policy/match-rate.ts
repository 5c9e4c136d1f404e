/** What is shown of a match count: a whole percent, capped, and before that, when agreed, with noise. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { AgreementDocument } from "../agreement/schema.ts";
import { concat, uintBe, utf8 } from "../encoding/bytes.ts";
import { discreteLaplace } from "./discrete-laplace.ts";

/**
 * `62%`, or `>85%` when the exact rate is above the agreed cap. Rounded half up, in integers. `own`: people in the
 * receiver's list.
 */
export function matchRate(
  matched: number,
  own: number,
  { matchRateCapPercent }: Pick<AgreementDocument["floors"], "matchRateCapPercent">,
): string {
  if (own > 0 && matched * 100 > matchRateCapPercent * own) return `>${matchRateCapPercent}%`;
  return `${own > 0 ? Math.floor((matched * 200 + own) / (2 * own)) : 0}%`;
}

const NOISE_DOMAIN = "entente sticky noise/1";

/**
 * A stream of 32-bit words: HMAC-SHA-256(key, domain || counter) for counter 0, 1, ... Equal keys, equal streams: that is
 * what makes noise sticky, so that it cannot be averaged away.
 */
function* words(keySecret: Uint8Array): Generator<number, never> {
  for (let counter = 0; ; counter++) {
    const block = hmac(sha256, keySecret, concat(utf8(NOISE_DOMAIN), uintBe(counter, 4)));
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
    for (let at = 0; at < block.length; at += 4) yield view.getUint32(at);
  }
}

/**
 * The match count with the agreed noise, kept within 0..own. `keySecret`: 32 bytes, a pseudo-random function of epoch key,
 * dataset pair and input digest, so that asking the same again gives the same.
 */
export function noisyCount(
  matched: number,
  own: number,
  noise: AgreementDocument["noise"],
  keySecret: Uint8Array,
): number {
  if (noise.kind === "none") return matched;
  const stream = words(keySecret);
  const drawn = discreteLaplace(noise.scale, () => stream.next().value);
  return Math.min(own, Math.max(0, matched + drawn));
}
