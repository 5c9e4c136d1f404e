/** Residues of 27 bits, least significant bit first, to and from words. */

/** `count` words, `stride` bytes apart; writes 8 bytes at a time, so `out` has 8 bytes to spare. */
export function packWords(words: usize, stride: u32, count: u32, out: usize): void {
  let pending: u64 = 0;
  let bits: u64 = 0;
  for (let i: u32 = 0; i < count; i++, words += stride) {
    pending |= <u64>load<u32>(words) << bits;
    bits += 27;
    if (bits >= 32) {
      store<u32>(out, <u32>pending);
      out += 4;
      pending >>= 32;
      bits -= 32;
    }
  }
  store<u32>(out, <u32>pending);
}

/**
 * `count` residues to words `stride` bytes apart; reads up to 8 bytes beyond. Returns how many are not below `prime`.
 */
export function unpackWords(packed: usize, count: u32, prime: u32, out: usize, stride: u32): u32 {
  let bad: u32 = 0;
  let bit: usize = 0;
  for (let i: u32 = 0; i < count; i++, bit += 27, out += stride) {
    const value = <u32>(load<u64>(packed + (bit >> 3)) >> (bit & 7)) & 0x7ffffff;
    bad += u32(value >= prime);
    store<u32>(out, value);
  }
  return bad;
}
