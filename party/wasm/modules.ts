/** The kernel modules as `npm run build` made them, read from beside this file. The loader itself opens none. */
import { readFileSync } from "node:fs";

export function wasmModule(area: "okvs" | "score" | "vole"): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`./gen/${area}.wasm`, import.meta.url)));
}
