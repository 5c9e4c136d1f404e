/** Bit transposition for the OT extension. */

/** Bytes of 16 columns at one row byte. */
@inline
function gather(at: usize, stride: usize): v128 {
  let v = i64x2.splat(0);
  v = v128.load_lane<u8>(at, v, 0);
  v = v128.load_lane<u8>((at += stride), v, 1);
  v = v128.load_lane<u8>((at += stride), v, 2);
  v = v128.load_lane<u8>((at += stride), v, 3);
  v = v128.load_lane<u8>((at += stride), v, 4);
  v = v128.load_lane<u8>((at += stride), v, 5);
  v = v128.load_lane<u8>((at += stride), v, 6);
  v = v128.load_lane<u8>((at += stride), v, 7);
  v = v128.load_lane<u8>((at += stride), v, 8);
  v = v128.load_lane<u8>((at += stride), v, 9);
  v = v128.load_lane<u8>((at += stride), v, 10);
  v = v128.load_lane<u8>((at += stride), v, 11);
  v = v128.load_lane<u8>((at += stride), v, 12);
  v = v128.load_lane<u8>((at += stride), v, 13);
  v = v128.load_lane<u8>((at += stride), v, 14);
  return v128.load_lane<u8>(at + stride, v, 15);
}

/**
 * 128 columns of `rowBytes` * 8 bits become rowBytes * 8 rows of 128 bits: bit c of row r is bit r of column c
 * (little-endian bits in both).
 */
export function transpose128(out: usize, columns: usize, rowBytes: usize): void {
  for (let byte: usize = 0; byte < rowBytes; byte++, out += 128) {
    for (let group: usize = 0; group < 8; group++) {
      let v = gather(columns + group * 16 * rowBytes + byte, rowBytes);
      const at = out + (group << 1);
      // The sign bits are bit 7, then bit 6, ... of the sixteen bytes.
      for (let bit: usize = 8; bit-- > 0; ) {
        store<u16>(at + (bit << 4), <u16>i8x16.bitmask(v));
        v = i8x16.shl(v, 1);
      }
    }
  }
}
