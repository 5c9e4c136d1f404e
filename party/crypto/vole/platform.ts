/** What the silent VOLE needs of the machine beyond `Platform`. `party/session/vole-platform.ts` builds it. */
import type { Kernels } from "../../wasm/kernels.ts";
import type { BulkAes } from "../bulk.ts";
import type { Platform } from "../platform.ts";

/** Functions that `party/wasm/assembly/vole` exports. */
export const VOLE_KERNELS = [
  "accumulate",
  "accumulateBinary",
  "aesRounds",
  "expandPairs",
  "gfMultiplyBy",
  "gfTable",
  "ggmLevel",
  "planPairs",
  "rowCoefficients",
  "rowWords",
  "transpose128",
  "xorInto",
] as const;

export type VoleKernels = Kernels<(typeof VOLE_KERNELS)[number]>;

/** Arithmetic on ristretto255 elements that base OTs need beside `Platform.ristretto255`. */
export interface ElementArithmetic {
  /** scalar * the generator (RFC 9496 section 4); undefined for the zero scalar. */
  multiplyBase(scalar: Uint8Array): Uint8Array | undefined;
  /** a + b; undefined when one is not canonical, or the result is the identity. */
  add(a: Uint8Array, b: Uint8Array): Uint8Array | undefined;
  /** a - b, likewise. */
  subtract(a: Uint8Array, b: Uint8Array): Uint8Array | undefined;
}

export type VolePlatform = Platform & {
  readonly bulkAes: BulkAes;
  readonly elements: ElementArithmetic;
  readonly kernels: { readonly vole: VoleKernels };
};
