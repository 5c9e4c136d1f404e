/** How an inclusion proof is walked: without hashing, so that each place can use the hash that it has. */

/**
 * On which side of what has been hashed so far each hash of a proof stands, from the leaf up (RFC 9162 section 2.1.3.2);
 * undefined when a tree of `size` leaves has no proof of that length for the leaf at `index`.
 */
export function auditPathSides({
  index,
  size,
  length,
}: {
  readonly index: number;
  readonly size: number;
  readonly length: number;
}): readonly ("left" | "right")[] | undefined {
  if (![index, size].every((value) => Number.isSafeInteger(value) && value >= 0) || index >= size) return undefined;
  const sides: ("left" | "right")[] = [];
  let [node, last] = [index, size - 1];
  for (let i = 0; i < length; i++) {
    if (last === 0) return undefined;
    if (node % 2 === 1 || node === last) {
      sides.push("left");
      // Sizes may pass 2^31, where bit operations would wrap.
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else sides.push("right");
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 ? sides : undefined;
}
