/**
 * GF(2^128) = F_2[x] / (x^128 + x^7 + x^2 + x + 1). An element is 16 bytes, little-endian: bit i is the coefficient of
 * x^i. Here are the parts that are computed once; the kernel multiplies by one fixed element from its tables.
 */

const ELEMENT_BYTES = 16;
const ELEMENT_BITS = 128;
/** x^128 = x^7 + x^2 + x + 1. */
const REDUCTION = 0x87;

/** element * x^j for j = 0 .. 127, 16 bytes each: what `multiplyTables` is made of. */
export function powersOf(element: Uint8Array): Uint8Array {
  if (element.length !== ELEMENT_BYTES) throw new RangeError("an element has 16 bytes");
  const powers = new Uint8Array(ELEMENT_BITS * ELEMENT_BYTES);
  powers.set(element);
  for (let j = 1; j < ELEMENT_BITS; j++) {
    const from = powers.subarray((j - 1) * ELEMENT_BYTES, j * ELEMENT_BYTES);
    const to = powers.subarray(j * ELEMENT_BYTES, (j + 1) * ELEMENT_BYTES);
    let carry = 0;
    for (let i = 0; i < ELEMENT_BYTES; i++) {
      const byte = from[i]!;
      to[i] = (byte << 1) | carry;
      carry = byte >>> 7;
    }
    // Without a branch on the element, which is secret.
    to[0]! ^= REDUCTION & -carry;
  }
  return powers;
}
