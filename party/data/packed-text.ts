/**
 * Texts packed into one UTF-8 buffer with offsets: a million ids as JavaScript strings are some 60 MB that the collector
 * must walk, packed they are 14 MB that it never looks into.
 */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text i is `bytes[offsets[i] .. offsets[i + 1])`. */
export interface PackedText {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** count + 1 numbers, the first 0. */
  readonly offsets: Uint32Array;
}

export function textAt(packed: PackedText, index: number): string {
  if (!Number.isInteger(index) || index < 0 || index >= packed.count) throw new RangeError("no text of that index");
  return decoder.decode(packed.bytes.subarray(packed.offsets[index], packed.offsets[index + 1]));
}
