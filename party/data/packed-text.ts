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

/** Gathers texts; its buffers grow as they come. */
export class TextPacker {
  readonly #encoder = new TextEncoder();
  #bytes = new Uint8Array(4096);
  #offsets = new Uint32Array(256);
  #count = 0;
  #end = 0;

  add(text: string): void {
    // A UTF-16 unit takes three bytes of UTF-8 at most.
    this.#makeRoom(3 * text.length);
    this.#close(this.#encoder.encodeInto(text, this.#bytes.subarray(this.#end)).written);
  }

  /** Text `index` of another packing. */
  addFrom({ bytes, offsets }: PackedText, index: number): void {
    const text = bytes.subarray(offsets[index], offsets[index + 1]);
    this.#makeRoom(text.length);
    this.#bytes.set(text, this.#end);
    this.#close(text.length);
  }

  /** Valid until the next text comes. */
  packed(): PackedText {
    const [count, end] = [this.#count, this.#end];
    return { count, bytes: this.#bytes.subarray(0, end), offsets: this.#offsets.subarray(0, count + 1) };
  }

  #makeRoom(bytes: number): void {
    while (this.#end + bytes > this.#bytes.length) this.#bytes = grown(this.#bytes);
  }

  #close(bytes: number): void {
    this.#end += bytes;
    if (++this.#count === this.#offsets.length) this.#offsets = grown(this.#offsets);
    this.#offsets[this.#count] = this.#end;
  }
}

export async function packTexts(texts: Iterable<string> | AsyncIterable<string>): Promise<PackedText> {
  const packer = new TextPacker();
  for await (const text of texts) packer.add(text);
  return packer.packed();
}

function grown<Numbers extends Uint8Array | Uint32Array>(numbers: Numbers): Numbers {
  const larger = new (numbers.constructor as new (length: number) => Numbers)(2 * numbers.length);
  larger.set(numbers);
  return larger;
}
