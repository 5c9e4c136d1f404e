/**
 * The discrete Laplace distribution, P(x) = (e^(1/b) - 1) / (e^(1/b) + 1) * e^(-|x| / b), sampled exactly, without
 * floating point: Canonne, Kamath, Steinke, "The discrete Gaussian for differential privacy" (NeurIPS 2020),
 * algorithms 1 and 2 with s = 1.
 */

/** Uniform 32-bit words. */
export type WordSource = () => number;

const WORD = 2 ** 32;

/** Uniform in 0..n-1, 1 <= n <= 2^32, by rejection. */
function uniformBelow(n: number, word: WordSource): number {
  const limit = WORD - (WORD % n);
  for (;;) {
    const drawn = word();
    if (drawn < limit) return drawn % n;
  }
}

/** True with probability numerator / denominator. */
function bernoulli(numerator: number, denominator: number, word: WordSource): boolean {
  return uniformBelow(denominator, word) < numerator;
}

/** Algorithm 1, gamma in [0, 1]: true with probability e^-(numerator / denominator). */
function bernoulliExp(numerator: number, denominator: number, word: WordSource): boolean {
  let k = 1;
  while (bernoulli(numerator, denominator * k, word)) k++;
  return k % 2 === 1;
}

/** Algorithm 2. `scale` b: a whole number from 1 to 1000, so that every denominator stays far below 2^32. */
export function discreteLaplace(scale: number, word: WordSource): number {
  for (;;) {
    const low = uniformBelow(scale, word);
    if (!bernoulliExp(low, scale, word)) continue;
    let high = 0;
    while (bernoulliExp(1, 1, word)) high++;
    const magnitude = low + scale * high;
    const isNegative = bernoulli(1, 2, word);
    if (isNegative && magnitude === 0) continue;
    return isNegative ? -magnitude : magnitude;
  }
}
