/** A mask's share of the score: -round(t/q R) mod t, t = 2^32, from R modulo the five data primes. */

const PRIMES: usize = 5;
/** Residues of one prime, in bytes. */
const NEXT_PRIME: usize = 32768;
const FRACTION_BITS: u64 = 36;
/** Each of the five fractions is cut off by less than two units. */
const MAX_CUT: u64 = 10;

/**
 * `count` shares of coefficients `stride` bytes apart. t/q R = sum_i t y_i / p_i modulo t, y_i = R_i (q/p_i)^-1 mod p_i:
 * whole parts are exact, fractions are cut to 36 bits. `constants`: for each prime, as 64-bit words, p, (q/p)^-1 mod p,
 * the same as Shoup's floor(w 2^32 / p), and floor(2^64 / p). Writes the numbers of those whose rounding the cut leaves
 * open to `doubtful`, and returns how many there are: the caller computes these in big integers (odds 2^-32 each).
 */
export function roundShares(
  mask: usize,
  stride: u32,
  count: u32,
  constants: usize,
  out: usize,
  doubtful: usize,
): u32 {
  let doubts: u32 = 0;
  for (let j: u32 = 0; j < count; j++, mask += stride, out += 4) {
    let whole: u64 = 0;
    let fraction: u64 = <u64>1 << (FRACTION_BITS - 1);
    let at = mask;
    for (let c = constants; c < constants + PRIMES * 32; c += 32, at += NEXT_PRIME) {
      const p = load<u64>(c);
      const residue = <u64>load<u32>(at);
      let y = residue * load<u64>(c, 8) - ((residue * load<u64>(c, 16)) >> 32) * p;
      if (y >= p) y -= p;
      const reciprocal = load<u64>(c, 24);
      let quotient = (y * reciprocal) >> 32;
      let rest = (y << 32) - quotient * p;
      // Without a branch: what is added up here is the mask.
      const over = <u64>(rest >= p);
      quotient += over;
      rest -= p & (0 - over);
      whole += quotient;
      fraction += (rest * reciprocal) >> (64 - FRACTION_BITS);
    }
    const below = fraction & (((<u64>1) << FRACTION_BITS) - 1);
    if (below + MAX_CUT >= (<u64>1) << FRACTION_BITS) store<u32>(doubtful + 4 * doubts++, j);
    store<u32>(out, 0 - <u32>(whole + (fraction >> FRACTION_BITS)));
  }
  return doubts;
}
