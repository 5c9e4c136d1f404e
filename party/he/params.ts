/**
 * The one BFV parameter set, P8192, and what follows from it. Nothing of it is negotiated: both ends compare
 * `PARAMETER_DIGEST`. Sources: the Homomorphic Encryption Standard (Albrecht et al. 2018, eprint 2019/939), table 1,
 * ternary secret: n = 8192 allows 152 bits of modulus at 192-bit classical security; Microsoft SEAL 4.1 takes the same
 * limit (`CoeffModulus::MaxBitCount`) and checks it when the context is made.
 */
import { canonicalJson } from "../../proto/encoding/canonical-json.ts";
import { sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";

/** Degree n of X^n + 1: coefficients, and so rows, in one ciphertext. */
export const BLOCK_ROWS = 8192;

/** Primes = 1 mod 2n, the largest below 2^27 that leave room for the special prime; q is their product, 135 bits. */
export const DATA_PRIMES = [133857281, 133644289, 133611521, 133513217, 133251073] as const;

/** What an answer is cut to before it is sent, by exact division and rounding: q' is their product, 81 bits. */
export const ANSWER_PRIMES = DATA_PRIMES.slice(0, 3);

/** SEAL always keeps the last prime for key switching, which is not used here, so it is the smallest one. */
export const SPECIAL_PRIME = 65537;

export const ALL_PRIMES = [...DATA_PRIMES, SPECIAL_PRIME] as const;

/** t = 2^32: sums of coefficients wrap as unsigned 32-bit integers do. */
export const PLAIN_MODULUS_BITS = 32;

/** Every prime is below 2^27, so that a residue travels in 27 bits. */
export const RESIDUE_BITS = 27;

/** Of two polynomials. */
function packedBytes(primes: number): number {
  return (2 * primes * BLOCK_ROWS * RESIDUE_BITS) / 8;
}

/** (c0, c1) modulo the data primes: a weight, or the public key; 276,480 bytes. */
export const CIPHERTEXT_BYTES = packedBytes(DATA_PRIMES.length);

/** A secret key modulo all primes, transformed; 165,888 bytes. */
export const SECRET_KEY_BYTES = packedBytes(ALL_PRIMES.length) / 2;

/** Largest |feature| after quantisation: int16. */
export const MAX_FEATURE = 2 ** 15;
/** Of one model with one weight a column; keeps an upload below 71 MB. */
export const MAX_FEATURES = 256;
/** Ciphertexts of any model: 142 MB. */
export const MAX_WEIGHTS = 512;

/** SEAL draws errors from a centred binomial distribution of 42 bits (`sample_poly_cbd`): never above 21. */
const MAX_ERROR = 21;

/**
 * Largest |v| that an answer's noise can have modulo q, in the worst case: each weight's ciphertext has noise of at most
 * MAX_ERROR + 1/2 (secret-key encryption; the half is the rounding of q/t * w), which is multiplied by n coefficients
 * of at most `maxFeature`; the encryption of zero, u * pk + (0, e1), adds u * e + s * e1, at most 2n * MAX_ERROR.
 */
export function maxNoise(features: number, maxFeature = MAX_FEATURE): number {
  return features * BLOCK_ROWS * maxFeature * (MAX_ERROR + 0.5) + 2 * BLOCK_ROWS * MAX_ERROR;
}

function deltaOf(primes: readonly number[]): number {
  return primes.reduce((product, prime) => product * prime, 1) / 2 ** PLAIN_MODULUS_BITS;
}

/** q / t, about 2^102.97; the double's rounding error is far below what the bounds need. */
export const DELTA = deltaOf(DATA_PRIMES);
/** q' / t, about 2^49. */
export const ANSWER_DELTA = deltaOf(ANSWER_PRIMES);

const MAX_LEAK = 2 ** -40;
const MAX_FAILURE = 2 ** -40;

/**
 * Odds that a row decrypts to another score, at most. Switching to q' divides the noise by q/q' and adds the rounding of
 * both polynomials, d0 + d1 * s: n + 1 terms at most, uncorrelated and of variance 1/12, as c0 and c1 look uniform, so
 * E|d0 + d1 * s| <= sqrt((n + 1) / 12) (Jensen); rounding twice, prime by prime, adds less than 2^-26 of that. The mask
 * makes the distance to a rounding boundary uniform: a row fails with odds of 2 E|v'| / (q'/t).
 */
export function failureOdds(features: number, maxFeature = MAX_FEATURE): number {
  const rounding = Math.sqrt((BLOCK_ROWS + 1) / 12) * (1 + 2 ** -26);
  return (2 * (maxNoise(features, maxFeature) * (ANSWER_DELTA / DELTA) + rounding)) / ANSWER_DELTA;
}

/**
 * What a released score can tell beyond itself. The mask R hides the noise v but for R mod Delta: an answer differs from
 * the noiseless one with probability at most 2|v|/Delta per row, and the sum over all rows of a job that can match bounds
 * the statistical distance (cutting the answer to q' afterwards adds nothing: it is computed from the answer). Throws
 * BAD_REQUEST above 2^-40: score fewer rows in one job, or with fewer features. Also when a row could fail to decrypt
 * with odds above 2^-40, which no admitted number of features does.
 */
export function assertNoiseHidden(features: number, maxMatchedRows: number, maxFeature = MAX_FEATURE): void {
  const leak = (maxMatchedRows * 2 * maxNoise(features, maxFeature)) / DELTA;
  if (!(leak <= MAX_LEAK && failureOdds(features, maxFeature) <= MAX_FAILURE))
    throw new EntenteError("BAD_REQUEST", { detail: "rows times features of one scoring job are too many" });
}

/** SHA-256 of the canonical JSON of all that both ends must have alike, 32 bytes. */
export const PARAMETER_DIGEST: Uint8Array = sha256(
  canonicalJson({
    format: "entente-he/2",
    scheme: "BFV",
    ring: `X^${BLOCK_ROWS}+1`,
    dataPrimes: DATA_PRIMES,
    specialPrime: SPECIAL_PRIME,
    answerPrimes: ANSWER_PRIMES,
    plainModulusBits: PLAIN_MODULUS_BITS,
    residueBits: RESIDUE_BITS,
  }),
);
