/** Kernels of the silent VOLE (party/crypto/vole). */
export { aesRounds } from "./aes-round";
export { accumulate, accumulateBinary, expandPairs, planPairs, rowCoefficients, rowWords } from "./exconv";
export { gfMultiplyBy, gfTable } from "./gf128";
export { ggmLevel, xorInto } from "./ggm";
export { transpose128 } from "./transpose";
