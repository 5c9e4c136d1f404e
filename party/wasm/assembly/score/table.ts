/**
 * The layout of a prime's table, which party/he/tables.ts writes: constants as vectors of four equal words, then the
 * transforms' factors. A factor is two vectors: w, and Shoup's w'.
 */
export const P: usize = 0;
export const TWICE_P: usize = 16;
/** p^-1 modulo 2^32. */
export const P_INVERSE: usize = 32;
/** Factors: 2^32 mod p, n^-1 mod p, and 1 (all signed). */
export const WORD: usize = 48;
export const N_INVERSE: usize = 80;
export const ONE: usize = 112;
/** Of the first two stages of the forward transform (signed), and of the last two of the inverse (unsigned). */
export const FIRST_STAGES: usize = 144;
export const LAST_STAGES: usize = 240;
/** 2,048 factors each; number 2^s + i is of block i in stage s, and lane l belongs to quarter l. */
export const FORWARD: usize = 1024;
export const INVERSE: usize = FORWARD + 65536;

/** Vectors of a polynomial. */
export const VECTORS: usize = 2048;
/** A polynomial in memory: 8,192 words. */
export const POLYNOMIAL_BYTES: usize = 32768;
/** Transformed polynomials are kept in tiles of eight vectors, so that those of many columns lie side by side. */
export const TILE_BYTES: usize = 128;
