/**
 * The expand-convolute code of libOTe at commit a0871f6 (see party/crypto/vole/exconv.ts): precomputed tables of the
 * public code, and the two linear maps over vectors of GF(2^128). All addresses depend on the public code alone.
 */
import { aesRounds, BUFFER_BLOCKS } from "./aes-round";

const BUFFER_BYTES: u32 = BUFFER_BLOCKS << 4;
/** Random coefficients of a row, and the distance of the one that is always 1. */
const WINDOW: u32 = 24;
const LAG: u32 = WINDOW + 1;
const LAG_BYTES: usize = <usize>LAG << 4;
const ROW_BYTES: u32 = WINDOW >> 3;

/** A generator: its buffer, then the offset of the next unused byte (u32). */
export const GENERATOR_BYTES: u32 = BUFFER_BYTES + 16;

/** x[0 .. count) of the generator's 64-bit values modulo `modulus` < 2^20; `count` is even. */
function draw(out: usize, count: u32, generator: usize, table: usize, modulus: u32): void {
  const m = f64x2.splat(<f64>modulus);
  const inverse = f64x2.splat(1.0 / <f64>modulus);
  const high = f64x2.splat(<f64>((<u64>1 << 32) % <u64>modulus));
  const zero = f64x2.splat(0);
  let at = load<u32>(generator, BUFFER_BYTES);
  for (const end = out + (<usize>count << 2); out < end; out += 8, at += 16) {
    if (at === BUFFER_BYTES) {
      aesRounds(generator, table);
      at = 0;
    }
    // high word * (2^32 mod m) + low word < 2^53 is exact, and the quotient at most one off.
    const v = v128.load(generator + at);
    const lows = f64x2.convert_low_i32x4_u(i32x4.shuffle(v, v, 0, 2, 0, 2));
    const highs = f64x2.convert_low_i32x4_u(i32x4.shuffle(v, v, 1, 3, 1, 3));
    const x = f64x2.add(f64x2.mul(highs, high), lows);
    let r = f64x2.sub(x, f64x2.mul(f64x2.floor(f64x2.mul(x, inverse)), m));
    r = f64x2.add(r, v128.and(f64x2.lt(r, zero), m));
    r = f64x2.sub(r, v128.and(f64x2.ge(r, m), m));
    store<u64>(out, i64x2.extract_lane(i32x4.trunc_sat_f64x2_u_zero(r), 0));
  }
  store<u32>(generator, at, BUFFER_BYTES);
}

/** The bits of each byte in reverse. */
@inline
function reverseBits(v: v128): v128 {
  const mask = i8x16.splat(15);
  const table = i8x16(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15);
  const low = i8x16.swizzle(table, v128.and(v, mask));
  const high = i8x16.swizzle(table, v128.and(i16x8.shr_u(v, 4), mask));
  return v128.or(i8x16.shl(low, 4), high);
}

/**
 * The coefficients of all rows, as three vectors of bytes with their bits reversed: bit 7-b of byte k of row i is the
 * coefficient for the element 8k + b + 1 places on. A row's three bytes begin one byte after those of the row before.
 * Each vector: `size` bytes after LEAD_BYTES zeros; `first`, `second`, `third` are the addresses of their row 0.
 */
export function rowCoefficients(
  first: usize,
  second: usize,
  third: usize,
  size: u32,
  buffer: usize,
  table: usize,
): void {
  const perBuffer = BUFFER_BYTES - ROW_BYTES + 1;
  for (let row: u32 = 0; row < size; row += perBuffer) {
    if (row > 0) aesRounds(buffer, table);
    const count = min(perBuffer, size - row);
    memory.copy(first + row, buffer, count);
    memory.copy(second + row, buffer + 1, count);
    memory.copy(third + row, buffer + 2, count);
  }
  for (let at: u32 = 0; at < size; at += 16) {
    v128.store(first + at, reverseBits(v128.load(first + at)));
    v128.store(second + at, reverseBits(v128.load(second + at)));
    v128.store(third + at, reverseBits(v128.load(third + at)));
  }
}

/** Bit b of byte b, gathered into one byte. */
@inline
function diagonal(at: usize): u32 {
  return <u32>(((load<u64>(at) & 0x8040_2010_0804_0201) * 0x0101_0101_0101_0101) >> 56);
}

/** Coefficient of row `row` for the element `d` places on. */
@inline
function coefficient(first: usize, second: usize, third: usize, row: u32, d: u32): u32 {
  const vector = d <= 8 ? first : d <= 16 ? second : third;
  return (<u32>load<u8>(vector + row) >> (7 - ((d - 1) & 7))) & 1;
}

/**
 * The same coefficients by the element that receives them. words[j]: seven nibbles, the lowest for the group of four
 * elements that lies six before j's own, the highest for j's own; `tail`: for the first 25 elements, which the last
 * rows reach round the end, bit d-1 for element size + j - d.
 */
export function rowWords(words: usize, tail: usize, first: usize, second: usize, third: usize, size: u32): void {
  for (let j: u32 = 0; j < size; j++) {
    // Elements j-24 .. j-17, j-16 .. j-9, j-8 .. j-1.
    const window =
      diagonal(third + j - 24) | (diagonal(second + j - 16) << 8) | (diagonal(first + j - 8) << 16);
    store<u32>(words + (<usize>j << 2), window << (j & 3));
  }
  for (let j: u32 = 0; j < LAG; j++) {
    let word: u32 = 0;
    for (let d: u32 = j + 1; d <= WINDOW; d++)
      word |= coefficient(first, second, third, size + j - d, d) << (d - 1);
    store<u32>(tail + (<usize>j << 2), word);
  }
}

/** v * (the constant whose nibble tables these are): byte b of the products of low nibbles at b, of high ones at 5+b. */
@inline
function timesConstant(v: v128, table: usize): v128 {
  const mask = i8x16.splat(15);
  const low = v128.and(v, mask);
  const high = v128.and(i16x8.shr_u(v, 4), mask);
  const zero = i64x2.splat(0);
  const p0 = v128.xor(i8x16.relaxed_swizzle(v128.load(table), low), i8x16.relaxed_swizzle(v128.load(table, 80), high));
  const p1 = v128.xor(
    i8x16.relaxed_swizzle(v128.load(table, 16), low),
    i8x16.relaxed_swizzle(v128.load(table, 96), high),
  );
  const p2 = v128.xor(
    i8x16.relaxed_swizzle(v128.load(table, 32), low),
    i8x16.relaxed_swizzle(v128.load(table, 112), high),
  );
  const p3 = v128.xor(
    i8x16.relaxed_swizzle(v128.load(table, 48), low),
    i8x16.relaxed_swizzle(v128.load(table, 128), high),
  );
  const p4 = v128.xor(
    i8x16.relaxed_swizzle(v128.load(table, 64), low),
    i8x16.relaxed_swizzle(v128.load(table, 144), high),
  );
  // Plane b counts b bytes up; what leaves the block at the top is reduced below.
  let r = v128.xor(p0, i8x16.shuffle(zero, p1, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30));
  r = v128.xor(r, i8x16.shuffle(zero, p2, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29));
  r = v128.xor(r, i8x16.shuffle(zero, p3, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28));
  r = v128.xor(r, i8x16.shuffle(zero, p4, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27));
  let over = i8x16.shuffle(p1, zero, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
  over = v128.xor(over, i8x16.shuffle(p2, zero, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29));
  over = v128.xor(over, i8x16.shuffle(p3, zero, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28));
  over = v128.xor(over, i8x16.shuffle(p4, zero, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27));
  const folded = v128.xor(v128.xor(over, i64x2.shl(over, 1)), v128.xor(i64x2.shl(over, 2), i64x2.shl(over, 7)));
  return v128.xor(r, folded);
}

/** The sums of subsets of a group of four elements: 16 blocks. */
const GROUP_BYTES: usize = 256;
const GROUPS: usize = 8;
export const SCRATCH_BYTES: usize = GROUP_BYTES * GROUPS;

/** The nibble of an element's own group; it never names the element itself or a later one. */
const OWN: u32 = 6;

@inline
function lookUp(table: usize, word: u32, nibble: u32): v128 {
  return v128.load(table + (nibble === 0 ? (word << 4) & 0xf0 : (word >> ((nibble << 2) - 4)) & 0xf0));
}

/** What the six groups before this one add to an element. */
@inline
function earlier(word: u32, g1: usize, g2: usize, g3: usize, g4: usize, g5: usize, g6: usize): v128 {
  return v128.xor(
    v128.xor(v128.xor(lookUp(g1, word, 5), lookUp(g2, word, 4)), v128.xor(lookUp(g3, word, 3), lookUp(g4, word, 2))),
    v128.xor(lookUp(g5, word, 1), lookUp(g6, word, 0)),
  );
}

/** c * (x[j] + x[j-25]), or without c when `constant` is 0; `at` is the address of x[j]. */
@inline
function lagged(at: usize, lag: usize, constant: usize): v128 {
  const sum = v128.xor(v128.load(at), v128.load(lag));
  return constant === 0 ? sum : timesConstant(sum, constant);
}

/**
 * x in place, j = 0, 1, ...: x[j] = c * (x[j] + x[j-25]) + sum over d <= 24 of coefficient * x[j-d], and then the
 * first 25 once more with what the last rows give them. `size`: a multiple of 4, at least 52. `scratch`: 2 KiB.
 */
export function accumulate(
  x: usize,
  size: usize,
  words: usize,
  tail: usize,
  constant: usize,
  scratch: usize,
): void {
  accumulateWith(x, size, words, tail, constant, scratch);
}

/** The same over F_2: without c. */
export function accumulateBinary(
  x: usize,
  size: usize,
  words: usize,
  tail: usize,
  _constant: usize,
  scratch: usize,
): void {
  accumulateWith(x, size, words, tail, 0, scratch);
}

@inline
function accumulateWith(
  x: usize,
  size: usize,
  words: usize,
  tail: usize,
  constant: usize,
  scratch: usize,
): void {
  memory.fill(scratch, 0, SCRATCH_BYTES);
  const end = x + (size << 4);
  const lagFrom = x + LAG_BYTES;
  let g: usize = 0;
  for (let at = x; at < end; at += 64, words += 16) {
    const g0 = scratch + g;
    const g1 = scratch + ((g - GROUP_BYTES) & (SCRATCH_BYTES - 1));
    const g2 = scratch + ((g - 2 * GROUP_BYTES) & (SCRATCH_BYTES - 1));
    const g3 = scratch + ((g - 3 * GROUP_BYTES) & (SCRATCH_BYTES - 1));
    const g4 = scratch + ((g - 4 * GROUP_BYTES) & (SCRATCH_BYTES - 1));
    const g5 = scratch + ((g - 5 * GROUP_BYTES) & (SCRATCH_BYTES - 1));
    const g6 = scratch + ((g - 6 * GROUP_BYTES) & (SCRATCH_BYTES - 1));
    g = (g + GROUP_BYTES) & (SCRATCH_BYTES - 1);
    const w0 = load<u32>(words);
    const w1 = load<u32>(words, 4);
    const w2 = load<u32>(words, 8);
    const w3 = load<u32>(words, 12);
    let y0 = at < lagFrom ? v128.load(at) : lagged(at, at - LAG_BYTES, constant);
    let y1 = at + 16 < lagFrom ? v128.load(at + 16) : lagged(at + 16, at + 16 - LAG_BYTES, constant);
    let y2 = at + 32 < lagFrom ? v128.load(at + 32) : lagged(at + 32, at + 32 - LAG_BYTES, constant);
    let y3 = at + 48 < lagFrom ? v128.load(at + 48) : lagged(at + 48, at + 48 - LAG_BYTES, constant);
    y0 = v128.xor(y0, earlier(w0, g1, g2, g3, g4, g5, g6));
    y1 = v128.xor(y1, earlier(w1, g1, g2, g3, g4, g5, g6));
    y2 = v128.xor(y2, earlier(w2, g1, g2, g3, g4, g5, g6));
    y3 = v128.xor(y3, earlier(w3, g1, g2, g3, g4, g5, g6));
    v128.store(at, y0);
    v128.store(g0, y0, 16);
    y1 = v128.xor(y1, lookUp(g0, w1, OWN));
    v128.store(at, y1, 16);
    const s01 = v128.xor(y0, y1);
    v128.store(g0, y1, 32);
    v128.store(g0, s01, 48);
    y2 = v128.xor(y2, lookUp(g0, w2, OWN));
    v128.store(at, y2, 32);
    v128.store(g0, y2, 64);
    v128.store(g0, v128.xor(y0, y2), 80);
    v128.store(g0, v128.xor(y1, y2), 96);
    v128.store(g0, v128.xor(s01, y2), 112);
    y3 = v128.xor(y3, lookUp(g0, w3, OWN));
    v128.store(at, y3, 48);
    v128.store(g0, y3, 128);
    v128.store(g0, v128.xor(y0, y3), 144);
    v128.store(g0, v128.xor(y1, y3), 160);
    v128.store(g0, v128.xor(s01, y3), 176);
    const s23 = v128.xor(y2, y3);
    v128.store(g0, s23, 192);
    v128.store(g0, v128.xor(y0, s23), 208);
    v128.store(g0, v128.xor(y1, s23), 224);
    v128.store(g0, v128.xor(s01, s23), 240);
  }
  for (let j: usize = 0; j < <usize>LAG; j++) {
    const word = load<u32>(tail + (j << 2));
    const wrapped = end + (j << 4);
    const at = x + (j << 4);
    let y = lagged(at, wrapped - LAG_BYTES, constant);
    for (let d: usize = j + 1; d <= <usize>WINDOW; d++)
      if ((word >> <u32>(d - 1)) & 1) y = v128.xor(y, v128.load(wrapped - (d << 4)));
    v128.store(at, y);
  }
}

/** Rows of a block: their position in it fits the upper half of a pair's word. */
const BLOCK_ROWS: u32 = 256;

/** Appends the pairs of one tap's rows, each to its region's list. */
@inline
function addPairs(drawn: usize, taps: u32, tap: u32, from: u32, rows: u32, cursors: usize, regionBits: u32): void {
  const mask = (1 << regionBits) - 1;
  for (let row: u32 = 0; row < rows; row++) {
    // Values come by eights of rows, tap after tap.
    const source = from + load<u32>(drawn + (<usize>((row >> 3) * (taps << 3) + (tap << 3) + (row & 7)) << 2));
    const cursor = cursors + (<usize>(source >> regionBits) << 2);
    const at = load<u32>(cursor);
    store<u32>(cursor, at + 4);
    store<u32>(at, (row << 16) | (source & mask));
  }
}

/**
 * The taps of all rows as (row in block, source in region) pairs, one list per region, in the order block, tap, row, so
 * that neighbours in a list seldom belong to one row. `regular` and `uniform`: generators, of taps in strata of `step`
 * sources and of taps among all `sources`. `cursors`: per region, where its list begins; advanced to its end.
 * counts[region][block]: pairs of that block. `drawn`: scratch of BLOCK_ROWS * (most taps) words.
 */
export function planPairs(
  regular: usize,
  regularTaps: u32,
  step: u32,
  uniform: usize,
  uniformTaps: u32,
  sources: u32,
  table: usize,
  rows: u32,
  regionBits: u32,
  regions: u32,
  cursors: usize,
  counts: usize,
  drawn: usize,
): void {
  const blocks = (rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
  for (let block: u32 = 0; block < blocks; block++) {
    const inBlock = min(BLOCK_ROWS, rows - block * BLOCK_ROWS);
    for (let region: u32 = 0; region < regions; region++)
      store<u32>(counts + (<usize>(region * blocks + block) << 2), load<u32>(cursors + (<usize>region << 2)));
    draw(drawn, inBlock * regularTaps, regular, table, step);
    for (let tap: u32 = 0; tap < regularTaps; tap++)
      addPairs(drawn, regularTaps, tap, tap * step, inBlock, cursors, regionBits);
    draw(drawn, inBlock * uniformTaps, uniform, table, sources);
    for (let tap: u32 = 0; tap < uniformTaps; tap++)
      addPairs(drawn, uniformTaps, tap, 0, inBlock, cursors, regionBits);
    for (let region: u32 = 0; region < regions; region++) {
      const at = counts + (<usize>(region * blocks + block) << 2);
      store<u32>(at, (load<u32>(cursors + (<usize>region << 2)) - load<u32>(at)) >> 2);
    }
  }
}

/** out[row] ^= x[source] over the pairs of one region; `region` is the address of its first element. */
export function expandPairs(out: usize, region: usize, pairs: usize, counts: usize, blocks: usize): void {
  for (const end = counts + (blocks << 2); counts < end; counts += 4, out += <usize>BLOCK_ROWS << 4) {
    for (const last = pairs + (<usize>load<u32>(counts) << 2); pairs < last; pairs += 4) {
      const pair = load<u32>(pairs);
      const at = out + (<usize>(pair >> 16) << 4);
      v128.store(at, v128.xor(v128.load(at), v128.load(region + (<usize>(pair & 0xffff) << 4))));
    }
  }
}
