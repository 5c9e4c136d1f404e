/**
 * Random oblivious transfer of 16-byte seeds: Chou and Orlandi, "The Simplest Protocol for Oblivious Transfer"
 * (Latincrypt 2015, eprint 2015/267, figure 1) on ristretto255. As its authors require, a key hashes both messages and
 * the position beside the shared element; here also the session and partition. Semi-honest, under CDH and a random
 * oracle. The identity is refused at every place where an element is used.
 */
import { concat, uintBe } from "../../../proto/encoding/bytes.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { hashPrefix, type VoleScope } from "./derive.ts";
import { SEED_BYTES } from "./params.ts";
import type { VolePlatform } from "./platform.ts";

export const POINT_BYTES = 32;

function refuse(element: Uint8Array | undefined): Uint8Array {
  if (element === undefined) throw new EntenteError("POINT_INVALID");
  return element;
}

/** k = SHA-256(domain, session, partition || i || S || R || shared), cut to 16 bytes. */
function keyOf(
  platform: VolePlatform,
  prefix: Uint8Array,
  values: { index: number; s: Uint8Array; r: Uint8Array; shared: Uint8Array },
): Uint8Array {
  const { index, s, r, shared } = values;
  return platform.sha256(concat(prefix, uintBe(index, 4), s, r, shared)).subarray(0, SEED_BYTES);
}

/** The OT sender's secret y and its message S = y * G. */
export interface BaseOtSender {
  readonly scalarSecret: Uint8Array;
  readonly s: Uint8Array;
}

export function startBaseOtSender(platform: VolePlatform): BaseOtSender {
  const scalarSecret = platform.ristretto255.randomScalar();
  return { scalarSecret, s: refuse(platform.elements.multiplyBase(scalarSecret)) };
}

export interface BaseOtChoice {
  /** R_1 || R_2 ..., 32 bytes each. */
  readonly message: Uint8Array;
  /** The chosen seeds, 16 bytes each. */
  readonly seedsSecret: Uint8Array;
}

/**
 * The OT receiver: R = x * G, or S + x * G when the choice is 1; its seed is that of x * S. Choices are selected by
 * mask. `choicesSecret`: one byte 0 or 1 per OT.
 */
export function chooseBaseOts(
  platform: VolePlatform,
  scope: VoleScope,
  s: Uint8Array,
  choicesSecret: Uint8Array,
): BaseOtChoice {
  const prefix = hashPrefix(scope, "base ot");
  const message = new Uint8Array(choicesSecret.length * POINT_BYTES);
  const seedsSecret = new Uint8Array(choicesSecret.length * SEED_BYTES);
  choicesSecret.forEach((choice, index) => {
    const scalarSecret = platform.ristretto255.randomScalar();
    const zero = refuse(platform.elements.multiplyBase(scalarSecret));
    const one = refuse(platform.elements.add(s, zero));
    const r = zero.map((byte, i) => byte ^ (-choice & (byte ^ (one[i] as number))));
    const shared = refuse(platform.ristretto255.multiply(scalarSecret, s));
    message.set(r, index * POINT_BYTES);
    seedsSecret.set(keyOf(platform, prefix, { index, s, r, shared }), index * SEED_BYTES);
    scalarSecret.fill(0);
    shared.fill(0);
  });
  return { message, seedsSecret };
}

/** The OT sender's seeds, both of each OT: n * 32 bytes, choice 0 first. Throws POINT_INVALID. */
export function baseOtSeeds(
  platform: VolePlatform,
  scope: VoleScope,
  { scalarSecret, s }: BaseOtSender,
  message: Uint8Array,
): Uint8Array {
  const prefix = hashPrefix(scope, "base ot");
  const count = message.length / POINT_BYTES;
  const seedsSecret = new Uint8Array(count * 2 * SEED_BYTES);
  const square = refuse(platform.ristretto255.multiply(scalarSecret, s));
  for (let index = 0; index < count; index++) {
    const r = message.subarray(index * POINT_BYTES, (index + 1) * POINT_BYTES);
    const zero = refuse(platform.ristretto255.multiply(scalarSecret, r));
    const one = refuse(platform.elements.subtract(zero, square));
    seedsSecret.set(keyOf(platform, prefix, { index, s, r, shared: zero }), index * 2 * SEED_BYTES);
    seedsSecret.set(keyOf(platform, prefix, { index, s, r, shared: one }), (index * 2 + 1) * SEED_BYTES);
    zero.fill(0);
    one.fill(0);
  }
  square.fill(0);
  return seedsSecret;
}
