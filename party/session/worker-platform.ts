/** The whole `Platform` of a session's worker: primitives, and the WASM kernels as `npm run build` made them. */
import { OKVS_KERNELS } from "../crypto/okvs/kernels.ts";
import type { PsiVolePlatform } from "../protocols/psi-vole/platform.ts";
import { loadKernels } from "../wasm/kernels.ts";
import { wasmModule } from "../wasm/modules.ts";
import { createPlatform, type PlatformOptions } from "./platform.ts";
import { createVolePlatform } from "./vole-platform.ts";

export async function createWorkerPlatform(options: PlatformOptions = {}): Promise<PsiVolePlatform> {
  const platform = createVolePlatform(await createPlatform(options), wasmModule("vole"));
  return { ...platform, kernels: { ...platform.kernels, okvs: loadKernels(wasmModule("okvs"), OKVS_KERNELS) } };
}
