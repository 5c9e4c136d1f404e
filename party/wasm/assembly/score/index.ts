/** Kernels of encrypted scoring (party/he). */
export { forwardColumn, forwardResidues } from "./forward";
export { inverse } from "./inverse";
export { accumulate, centre, centreTiles, scale } from "./multiply";
export { packWords, unpackWords } from "./pack";
export { sampleBinomial, sampleResidues, sampleTernary } from "./sample";
export { roundShares } from "./share";
export { addErrors, addResidues, divideByLast } from "./switch";
