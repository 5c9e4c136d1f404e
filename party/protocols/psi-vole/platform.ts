/** What psi-vole needs of the machine: the silent VOLE's platform and the kernels of the key-value store. */
import type { OkvsKernels } from "../../crypto/okvs/kernels.ts";
import type { VolePlatform } from "../../crypto/vole/platform.ts";

export type PsiVolePlatform = VolePlatform & { readonly kernels: { readonly okvs: OkvsKernels } };
