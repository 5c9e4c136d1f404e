/**
 * The oblivious pseudorandom function of RFC 9497, suite ristretto255-SHA512 (section 4.1), mode OPRF (0x00).
 * F(k, x) = Finalize(x, k * HashToGroup(x)); the client learns F(k, x) and the server nothing of x.
 * Elements and scalars are their canonical 32-byte encodings; what fails to decode is POINT_INVALID.
 */
import { concat, uintBe, utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { expandMessageXmd } from "./expand-message.ts";
import type { Platform } from "./platform.ts";

export const ELEMENT_BYTES = 32;
export const SCALAR_BYTES = 32;
const UNIFORM_BYTES = 64;

/** Section 3.1: "OPRFV1-" || I2OSP(mode, 1) || "-" || identifier. */
const CONTEXT = concat(utf8("OPRFV1-"), uintBe(0, 1), utf8("-ristretto255-SHA512"));
const GROUP_DST = concat(utf8("HashToGroup-"), CONTEXT);
const KEY_DST = concat(utf8("DeriveKeyPair"), CONTEXT);
const FINALIZE = utf8("Finalize");

function refuse(element: Uint8Array | undefined): Uint8Array {
  if (element === undefined) throw new EntenteError("POINT_INVALID");
  return element;
}

/** HashToGroup (section 4.1): 64 bytes of expand_message_xmd through the map of RFC 9496 section 4.3.4. */
export function hashToGroup(platform: Platform, input: Uint8Array): Uint8Array {
  const uniform = expandMessageXmd(platform, { message: input, dst: GROUP_DST, length: UNIFORM_BYTES });
  return platform.ristretto255.elementFromUniform(uniform);
}

/** DeriveKeyPair (section 3.2.1), secret part. `seed`: 32 bytes. A fresh key is `ristretto255.randomScalar()`. */
export function deriveKey(platform: Platform, seed: Uint8Array, info: Uint8Array): Uint8Array {
  for (let counter = 0; counter <= 255; counter++) {
    const message = concat(seed, uintBe(info.length, 2), info, uintBe(counter, 1));
    const uniform = expandMessageXmd(platform, { message, dst: KEY_DST, length: UNIFORM_BYTES });
    const key = platform.ristretto255.scalarFromUniform(uniform);
    if (key.some((byte) => byte !== 0)) return key;
  }
  throw new EntenteError("INTERNAL", { detail: "no key from seed" });
}

/** Blind (section 3.3.1) with a blind that the caller drew: uniform, not zero, used once. */
export function blind(platform: Platform, input: Uint8Array, blindSecret: Uint8Array): Uint8Array {
  return refuse(platform.ristretto255.multiply(blindSecret, hashToGroup(platform, input)));
}

/** BlindEvaluate (section 3.3.1). Refuses an element that is not canonical, and the identity. */
export function blindEvaluate(platform: Platform, keySecret: Uint8Array, blindedElement: Uint8Array): Uint8Array {
  return refuse(platform.ristretto255.multiply(keySecret, blindedElement));
}

/** The last hash of Finalize and Evaluate: I2OSP(len) || input || I2OSP(len) || element || "Finalize". */
function outputHash(platform: Platform, input: Uint8Array, element: Uint8Array): Uint8Array {
  return platform.sha512(uintBe(input.length, 2), input, uintBe(element.length, 2), element, FINALIZE);
}

/** Finalize (section 3.3.1): unblinds and hashes, 64 bytes. Refuses an element as `blindEvaluate` does. */
export function finalize(
  platform: Platform,
  values: { readonly input: Uint8Array; readonly blindSecret: Uint8Array; readonly evaluatedElement: Uint8Array },
): Uint8Array {
  const inverse = platform.ristretto255.invertScalar(values.blindSecret);
  const unblinded = refuse(platform.ristretto255.multiply(inverse, values.evaluatedElement));
  inverse.fill(0);
  return outputHash(platform, values.input, unblinded);
}

/** Evaluate (section 3.3.1): what the holder of the key computes without a client, 64 bytes. */
export function evaluate(platform: Platform, keySecret: Uint8Array, input: Uint8Array): Uint8Array {
  const element = refuse(platform.ristretto255.multiply(keySecret, hashToGroup(platform, input)));
  return outputHash(platform, input, element);
}
