/** Random bytes to the distributions of an answer's secrets, without bias and without a branch on a value. */

/** Words cut to 27 bits, those below `prime` kept, at most `missing` of them; `out` has a word to spare. Returns how many. */
export function sampleResidues(words: usize, count: u32, prime: u32, missing: u32, out: usize): u32 {
  let kept: u32 = 0;
  for (const end = words + 4 * count; words < end && kept < missing; words += 4) {
    const candidate = load<u32>(words) & 0x7ffffff;
    store<u32>(out + 4 * kept, candidate);
    kept += u32(candidate < prime);
  }
  return kept;
}

/** Pairs of bits: 0, 1, 2 become -1, 0, 1 in 16 bits, 3 is thrown away; as `sampleResidues`. */
export function sampleTernary(bytes: usize, count: u32, missing: u32, out: usize): u32 {
  let kept: u32 = 0;
  for (const end = bytes + count; bytes < end; bytes++) {
    let four = <u32>load<u8>(bytes);
    for (let i = 0; i < 4 && kept < missing; i++, four >>= 2) {
      const candidate = four & 3;
      store<i16>(out + 2 * kept, <i16>candidate - 1);
      kept += u32(candidate != 3);
    }
  }
  return kept;
}

/** `count` words of the centred binomial distribution of 42 bits, from 6 bytes each; reads 2 bytes beyond. */
export function sampleBinomial(bytes: usize, count: u32, out: usize): void {
  for (const end = out + 4 * count; out < end; out += 4, bytes += 6) {
    const bits = load<u64>(bytes);
    store<i32>(out, <i32>popcnt<u64>(bits & 0x1fffff) - <i32>popcnt<u64>((bits >> 21) & 0x1fffff));
  }
}
