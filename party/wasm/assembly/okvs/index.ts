/** Kernels of the oblivious key-value store and of psi-vole around it. */
export { decodeBin, denseTables, evaluateBin, maskSlots, unpackSlots } from "./decode";
export { encodeBin } from "./encode";
export { multiplyAll, multiplyTables } from "./gf128";
export { countTags, matchPart, scatterTags } from "./match";
export { gatherRows, labelPads, outputs, placeLabels, placeTags } from "./output-hash";
export { hashPacked } from "./packed-hash";
export { identity, permute } from "./permute";
export { hashRows } from "./row-hash";
