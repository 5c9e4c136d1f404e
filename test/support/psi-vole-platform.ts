/** The platform of a session's worker, for protocol tests; and the kernels of the key-value store alone. */
import { readFileSync } from "node:fs";
import { OKVS_KERNELS, type OkvsKernels } from "../../party/crypto/okvs/kernels.ts";
import { loadKernels } from "../../party/wasm/kernels.ts";

export { createWorkerPlatform as psiVolePlatform } from "../../party/session/worker-platform.ts";

export function okvsKernels(): OkvsKernels {
  return loadKernels(readFileSync(new URL("../../party/wasm/gen/okvs.wasm", import.meta.url)), OKVS_KERNELS);
}
