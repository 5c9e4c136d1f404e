/**
 * The generator behind libOTe's codes (`PRNG` of cryptoTools, `refill` in ExConvCode.h and ExpanderModd): a buffer of
 * 256 blocks whose i-th block becomes AESENC(block i, block i-8), in order, the index modulo 256. Public values only.
 */

export const BUFFER_BLOCKS: u32 = 256;

/** One column of MixColumns(ShiftRows(SubBytes(s))); `table`: 256 words T0 of the AES (FIPS 197 section 5.1). */
@inline
function column(table: usize, a: u32, b: u32, c: u32, d: u32): u32 {
  return (
    load<u32>(table + ((a & 0xff) << 2)) ^
    rotl(load<u32>(table + (((b >> 8) & 0xff) << 2)), 8) ^
    rotl(load<u32>(table + (((c >> 16) & 0xff) << 2)), 16) ^
    rotl(load<u32>(table + ((d >> 24) << 2)), 24)
  );
}

/** One refill of the buffer in place. */
export function aesRounds(buffer: usize, table: usize): void {
  let key = buffer + ((BUFFER_BLOCKS - 8) << 4);
  for (let at = buffer, end = buffer + (BUFFER_BLOCKS << 4); at < end; at += 16) {
    const s0 = load<u32>(at);
    const s1 = load<u32>(at, 4);
    const s2 = load<u32>(at, 8);
    const s3 = load<u32>(at, 12);
    store<u32>(at, column(table, s0, s1, s2, s3) ^ load<u32>(key));
    store<u32>(at, column(table, s1, s2, s3, s0) ^ load<u32>(key, 4), 4);
    store<u32>(at, column(table, s2, s3, s0, s1) ^ load<u32>(key, 8), 8);
    store<u32>(at, column(table, s3, s0, s1, s2) ^ load<u32>(key, 12), 12);
    key += 16;
    if (key === buffer + (BUFFER_BLOCKS << 4)) key = buffer;
  }
}
