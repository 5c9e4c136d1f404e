/** The keyed 128-bit hash of packed byte strings: BLAKE2s with 16 bytes of output and a key, four strings at a time. */
import { compress, compressFrom } from "./blake2s";
import { toRows, transpose } from "./lanes";

const BLOCK_BYTES: u32 = 64;

/** 0 .. 15. */
const POSITIONS = memory.data<u8>([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

/** The 16 bytes at `from`, those from `length` on as zeros. */
@inline
function loadPart(from: usize, length: i32): v128 {
  const kept = i8x16.splat(<i8>max<i32>(0, min<i32>(16, length)));
  return v128.and(v128.load(from), i8x16.lt_u(v128.load(POSITIONS), kept));
}

/** Words 4 q .. 4 q + 3 of four strings, of up to 64 bytes each, into their vectors. */
@inline
function loadQuarter(q: usize, a: usize, aLength: i32, b: usize, bLength: i32, c: usize, cLength: i32, d: usize, dLength: i32, words: usize): void {
  const done = <i32>(16 * q);
  const at = 16 * q;
  transpose(
    loadPart(a + at, aLength - done),
    loadPart(b + at, bLength - done),
    loadPart(c + at, cLength - done),
    loadPart(d + at, dLength - done),
    words + 64 * q,
  );
}

@inline
function clearQuarter(words: usize): void {
  const zero = i64x2.splat(0);
  v128.store(words, zero);
  v128.store(words + 16, zero);
  v128.store(words + 32, zero);
  v128.store(words + 48, zero);
}

/** One string of more than a block, in all lanes at once; rare, so that only its result matters. */
function hashLong(from: usize, length: u32, state: usize, scratch: usize, out: usize): void {
  const h = scratch + 256;
  for (let w: usize = 0; w < 8; w++) v128.store(h + 16 * w, v128.load32_splat(state + 4 * w));
  let done: u32 = 0;
  for (;;) {
    const part = min<u32>(BLOCK_BYTES, length - done);
    const at = from + done;
    const kept = <i32>part;
    for (let q: usize = 0; q < 4; q++) loadQuarter(q, at, kept, at, kept, at, kept, at, kept, scratch);
    done += part;
    compress(h, scratch, i32x4.splat(BLOCK_BYTES + done), i32x4.splat(done == length ? -1 : 0), h);
    if (done == length) break;
  }
  toRows(h);
  v128.store(out, v128.load(h));
}

/**
 * out[i] = 16-byte hash of bytes[offsets[i] .. offsets[i + 1]), each of at least one byte. `offsets`: count + 1 words,
 * counted from `base`, the offset of the first byte at `bytes`, which has 64 bytes to spare. `state`: 8 words after the
 * key block. `scratch`: 24 vectors. `out` takes up to a multiple of four rows.
 */
export function hashPacked(
  bytes: usize,
  base: u32,
  offsets: usize,
  count: u32,
  state: usize,
  out: usize,
  scratch: usize,
): void {
  const digest = scratch + 256;
  const ones = i32x4.splat(-1);
  const origin = bytes - base;
  for (let i: u32 = 0; i < count; i += 4, out += 64) {
    const lanes = min<u32>(4, count - i);
    // Lanes without a string repeat an earlier one; nobody reads them.
    const ends = offsets + 4 * i;
    const end1 = offsets + 4 * (i + min<u32>(1, lanes - 1));
    const end2 = offsets + 4 * (i + min<u32>(2, lanes - 1));
    const end3 = offsets + 4 * (i + min<u32>(3, lanes - 1));
    const a = load<u32>(ends);
    const b = load<u32>(end1);
    const c = load<u32>(end2);
    const d = load<u32>(end3);
    const aLength = load<u32>(ends, 4) - a;
    const bLength = load<u32>(end1, 4) - b;
    const cLength = load<u32>(end2, 4) - c;
    const dLength = load<u32>(end3, 4) - d;
    const longest = max(max(aLength, bLength), max(cLength, dLength));
    if (longest > BLOCK_BYTES) {
      for (let lane: u32 = 0; lane < lanes; lane++) {
        const from = load<u32>(ends + 4 * lane);
        hashLong(origin + from, load<u32>(ends + 4 * lane, 4) - from, state, scratch, out + 16 * lane);
      }
      continue;
    }
    for (let q: usize = 0; q < 4; q++) {
      if (<u32>(16 * q) < longest)
        loadQuarter(q, origin + a, aLength, origin + b, bLength, origin + c, cLength, origin + d, dLength, scratch);
      else clearQuarter(scratch + 64 * q);
    }
    const lengths = i32x4.replace_lane(
      i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(aLength), 1, bLength), 2, cLength),
      3,
      dLength,
    );
    compressFrom(state, scratch, i32x4.add(lengths, i32x4.splat(BLOCK_BYTES)), ones, digest);
    toRows(digest);
    for (let lane: usize = 0; lane < 4; lane++) v128.store(out + 16 * lane, v128.load(digest + 16 * lane));
  }
}
