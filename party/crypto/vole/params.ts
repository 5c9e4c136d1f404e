/** Every parameter of the silent VOLE, with its source, and the sizes that follow from them. */
import { EntenteError } from "../../../proto/errors.ts";

/** Of the OT extension, the base VOLE and every seed (computational security, bits). */
const SECURITY_BITS = 128;
export const ELEMENT_BYTES = 16;
export const SEED_BYTES = 16;

/**
 * Base OTs: one set for the OT extension and one for the base VOLE. They could share one (the extension's secret would
 * then be Delta), but a proof is simpler when the extension's secret is never part of an output.
 */
export const EXTENSION_BASE_OTS = SECURITY_BITS;
export const NOISY_BASE_OTS = SECURITY_BITS;
export const BASE_OTS = EXTENSION_BASE_OTS + NOISY_BASE_OTS;

/**
 * Weight t of the regular noise. A linear test's bias over a large field is (1 - d)^t; in `planes` too, since a value
 * is uniform with zero among them, so that each plane's noise is a fair coin at each place. d = 0.110, the Gilbert-Varshamov distance of rate 1/2, needs 762 for 128 bits; 768
 * gives 129, and is far above the 310 that the code's estimated pseudo-distance 0.25 (libOTe a0871f6) needs.
 */
export const NOISE_WEIGHT = 768;

/**
 * The code, ExConv 21x24: libOTe at commit a0871f6, `ExConvConfigure` in ConfigureCode.cpp, after eprint 2023/882.
 * Systematic, rate 1/2, regular expander, two accumulations.
 */
export const EXCONV = {
  /** Noise per output before rounding ("scaler"). */
  expansion: 2,
  /** Row weight of the expander: 11 taps in strata, 10 uniform ones. */
  expanderWeight: 21,
  regularTaps: 11,
  uniformTaps: 10,
  /** Random coefficients per row of the convolution. */
  accumulatorWeight: 24,
  /** The polynomial of `CoeffCtxGF128::mulConst`. */
  mixingConstant: 4_234_123_421,
  /** `mCodeSeed` of SilentVoleReceiver: block(high, low). */
  seed: { high: 12_528_943_721_987_127n, low: 98_743_297_823_479_812n },
  /** Makes the expander's seeds of the code's: CCBlock, and block(342342134, 23421341) for the strata. */
  expanderMask: { high: 0xcccc_cccc_cccc_ccccn, low: 0xcccc_cccc_cccc_ccccn },
  regularMask: { high: 342_342_134n, low: 23_421_341n },
} as const;

/** Code rows of a chunk at most: the working set stays near the cache, and memory does not grow with the outputs. */
export const MAX_CHUNK_ROWS = 2 ** 18;
/** And at least: below, blocks of noise would have so few positions that the noise loses its entropy. */
export const MIN_CHUNK_ROWS = 2 ** 14;
/** Rows come in these steps, so that few distinct codes occur. The code's generator works on eights. */
const ROW_STEP = 512;
/** Extension messages under way at once. */
export const WINDOW_CHUNKS = 2;
/** So that positions fit 32 bits everywhere, and a chunk number the frame. */
const MAX_OUTPUTS = 2 ** 27;

/**
 * `field`: A in GF(2^128), the code with its mixing. `planes`: A in F_2^l, as the elements of GF(2^128) whose upper
 * 128 - l bits are zero; the code without mixing, so that it is binary and keeps A there. Delta, B, C: always GF(2^128).
 */
export type VoleProfile = "field" | "planes";

export interface VoleOptions {
  /** How many rows are wanted, 1 to 2^27. */
  readonly outputs: number;
  readonly profile: VoleProfile;
  /** l / 8: bytes of A's elements that are not zero. 16 (and nothing else) in `field`, 8 to 16 in `planes`. */
  readonly valueBytes?: number;
}

/** Fewer planes would be fewer bits than any use's statistical security and sizes need. */
const MIN_VALUE_BYTES = 8;

export interface VoleShape {
  readonly outputs: number;
  readonly profile: VoleProfile;
  readonly valueBytes: number;
  readonly chunks: number;
  /** Outputs that the caller gets of each chunk but the last, which gives the rest. */
  readonly chunkOutputs: number;
  /** k: rows of the code. The last NOISE_WEIGHT of them are the next chunk's base VOLE, when there is one. */
  readonly rows: number;
  /** Leaves of a GGM tree, even: the noise has one non-zero value in each stretch of that length. */
  readonly domain: number;
  /** ceil(log2(domain)). */
  readonly depth: number;
  /** N = NOISE_WEIGHT * domain. */
  readonly noise: number;
  /** OTs of a chunk: one per tree and level. */
  readonly ots: number;
}

/** Throws BAD_REQUEST on a number of outputs that is not 1 .. 2^27, or values that the profile does not have. */
export function voleShape({ outputs, profile, valueBytes = ELEMENT_BYTES }: VoleOptions): VoleShape {
  if (!Number.isInteger(outputs) || outputs < 1 || outputs > MAX_OUTPUTS)
    throw new EntenteError("BAD_REQUEST", { detail: "number of VOLE outputs" });
  const least = profile === "planes" ? MIN_VALUE_BYTES : ELEMENT_BYTES;
  if (!Number.isInteger(valueBytes) || valueBytes < least || valueBytes > ELEMENT_BYTES)
    throw new EntenteError("BAD_REQUEST", { detail: "bytes of a VOLE value" });
  const chunks = outputs <= MAX_CHUNK_ROWS ? 1 : Math.ceil(outputs / (MAX_CHUNK_ROWS - NOISE_WEIGHT));
  const reserved = chunks === 1 ? 0 : NOISE_WEIGHT;
  const needed = Math.ceil(outputs / chunks) + reserved;
  const rows = Math.max(MIN_CHUNK_ROWS, Math.ceil(needed / ROW_STEP) * ROW_STEP);
  // As syndromeDecodingConfigure of libOTe rounds it.
  const domain = 2 * Math.ceil((EXCONV.expansion * rows) / NOISE_WEIGHT / 2);
  const depth = Math.ceil(Math.log2(domain));
  return {
    outputs,
    profile,
    valueBytes,
    chunks,
    chunkOutputs: Math.ceil(outputs / chunks),
    rows,
    domain,
    depth,
    noise: NOISE_WEIGHT * domain,
    ots: NOISE_WEIGHT * depth,
  };
}

/** Outputs of a chunk that go to the caller: where they begin, and how many. */
export function chunkRange(shape: VoleShape, chunk: number): { from: number; count: number } {
  const from = chunk * shape.chunkOutputs;
  return { from, count: Math.min(shape.chunkOutputs, shape.outputs - from) };
}

/** Bytes of each message. */
export function messageBytes(shape: VoleShape) {
  return {
    baseKey: 32,
    baseChoices: BASE_OTS * 32,
    noisy: NOISY_BASE_OTS * NOISE_WEIGHT * ELEMENT_BYTES,
    extension: EXTENSION_BASE_OTS * (shape.ots / 8),
    correction: shape.ots * 2 * SEED_BYTES + NOISE_WEIGHT * ELEMENT_BYTES,
  } as const;
}

/** What both ends must have alike, for a protocol's parameter digest. */
export function parametersOf(options: VoleOptions) {
  return {
    protocol: "silent-vole/1",
    code: "ExConv 21x24, libOTe a0871f6",
    noiseWeight: NOISE_WEIGHT,
    baseOts: BASE_OTS,
    windowChunks: WINDOW_CHUNKS,
    ...voleShape(options),
  } as const;
}
