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

/** Buffers grow as texts come. */
export async function packTexts(texts: AsyncIterable<string>): Promise<PackedText> {
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(4096);
  let offsets = new Uint32Array(256);
  let count = 0;
  let end = 0;
  for await (const text of texts) {
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    while (end + 3 * text.length > bytes.length) bytes = grown(bytes);
    end += encoder.encodeInto(text, bytes.subarray(end)).written;
    if (++count === offsets.length) offsets = grown(offsets);
    offsets[count] = end;
  }
  return { count, bytes: bytes.subarray(0, end), offsets: offsets.subarray(0, count + 1) };
}

function grown<Numbers extends Uint8Array | Uint32Array>(numbers: Numbers): Numbers {
  const larger = new (numbers.constructor as new (length: number) => Numbers)(2 * numbers.length);
  larger.set(numbers);
  return larger;
}
