/** The kernels of `party/wasm/assembly/okvs`, by name. Nothing is kept in their memory between two calls from here. */
import type { Kernels } from "../../wasm/kernels.ts";

export const OKVS_KERNELS = [
  "countTags",
  "decodeBin",
  "denseTables",
  "encodeBin",
  "evaluateBin",
  "gatherRows",
  "hashPacked",
  "hashRows",
  "identity",
  "labelPads",
  "maskSlots",
  "matchPart",
  "multiplyAll",
  "multiplyTables",
  "outputs",
  "permute",
  "placeLabels",
  "placeTags",
  "scatterTags",
  "unpackSlots",
] as const;

export type OkvsKernels = Kernels<(typeof OKVS_KERNELS)[number]>;
