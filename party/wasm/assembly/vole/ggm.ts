/** One level of many GGM trees, each tree's nodes in one stretch. */

/** out ^= a, `blocks` blocks. */
export function xorInto(out: usize, a: usize, blocks: usize): void {
  for (const end = out + (blocks << 4); out < end; out += 16, a += 16)
    v128.store(out, v128.xor(v128.load(out), v128.load(a)));
}

/**
 * Children of `width` parents per tree: left = even ^ parent, right = odd ^ parent, where `even` and `odd` are the
 * parents under the two ciphers. Of the last parent only the left child is kept when `childWidth` is odd.
 * sums[tree] = (xor of the left children, xor of the right ones).
 */
export function ggmLevel(
  children: usize,
  sums: usize,
  parents: usize,
  even: usize,
  odd: usize,
  trees: usize,
  width: usize,
  childWidth: usize,
): void {
  const pairs = childWidth >> 1;
  for (let tree: usize = 0; tree < trees; tree++) {
    let leftSum = i64x2.splat(0);
    let rightSum = i64x2.splat(0);
    for (const end = parents + (pairs << 4); parents < end; ) {
      const parent = v128.load(parents);
      const left = v128.xor(v128.load(even), parent);
      const right = v128.xor(v128.load(odd), parent);
      v128.store(children, left);
      v128.store(children, right, 16);
      leftSum = v128.xor(leftSum, left);
      rightSum = v128.xor(rightSum, right);
      parents += 16;
      even += 16;
      odd += 16;
      children += 32;
    }
    if (pairs < width) {
      const left = v128.xor(v128.load(even), v128.load(parents));
      v128.store(children, left);
      leftSum = v128.xor(leftSum, left);
      parents += 16;
      even += 16;
      odd += 16;
      children += 16;
    }
    v128.store(sums, leftSum);
    v128.store(sums, rightSum, 16);
    sums += 32;
  }
}
