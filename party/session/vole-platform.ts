/** Extends a `Platform` with what silent VOLE needs. The caller reads the module's bytes: `party/wasm/gen/vole.wasm`. */
import sodium from "libsodium-wrappers-sumo";
import type { Platform } from "../crypto/platform.ts";
import { type ElementArithmetic, VOLE_KERNELS, type VolePlatform } from "../crypto/vole/platform.ts";
import { loadKernels } from "../wasm/kernels.ts";
import { bulkAes } from "./bulk-aes.ts";

/** libsodium refuses what is not canonical with an exception; the identity is 32 zero bytes. */
function unlessRefused(compute: () => Uint8Array): Uint8Array | undefined {
  try {
    const element = compute();
    return element.some((byte) => byte !== 0) ? element : undefined;
  } catch {
    return undefined;
  }
}

const elements: ElementArithmetic = {
  multiplyBase: (scalar) => unlessRefused(() => sodium.crypto_scalarmult_ristretto255_base(scalar)),
  add: (a, b) => unlessRefused(() => sodium.crypto_core_ristretto255_add(a, b)),
  subtract: (a, b) => unlessRefused(() => sodium.crypto_core_ristretto255_sub(a, b)),
};

/** `platform`: from `createPlatform`, which has waited for libsodium. */
export function createVolePlatform(platform: Platform, voleWasm: Uint8Array<ArrayBuffer>): VolePlatform {
  return { ...platform, bulkAes, elements, kernels: { vole: loadKernels(voleWasm, VOLE_KERNELS) } };
}
