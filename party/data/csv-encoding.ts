/**
 * UTF-8 or GB18030, proposed from a file's first bytes, and the way from the second to the first. UTF-8 is asked first: text
 * in another encoding is hardly ever valid UTF-8 by chance, while any text of two-byte characters is nearly valid GB18030.
 */
import { utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { ENCODING_SHARE } from "./limits.ts";

/** GB 18030-2022 as the WHATWG Encoding Standard has it; it holds GB2312 and GBK. */
export const ENCODINGS = ["utf-8", "gb18030"] as const;
export type Encoding = (typeof ENCODINGS)[number];

const LF = 0x0a;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

export function hasByteOrderMark(head: Uint8Array): boolean {
  return BYTE_ORDER_MARK.every((byte, i) => head[i] === byte);
}

/**
 * `head`: the first bytes of a file; unless `isWhole`, its last line is not looked at. `ascii` may be either. Lines that are
 * not of the encoding are set aside later, if they are few. Throws DATASET_FORMAT when it is neither.
 */
export function proposeEncoding(head: Uint8Array, isWhole: boolean): Encoding | "ascii" {
  if (hasByteOrderMark(head)) return "utf-8";
  const text = isWhole ? head : head.subarray(0, head.lastIndexOf(LF) + 1);
  const lines = [...linesBeyondAscii(text)];
  if (lines.length === 0) return "ascii";
  for (const encoding of ENCODINGS) {
    const decoder = new TextDecoder(encoding, { fatal: true });
    const valid = lines.filter((line) => isValid(decoder, line)).length;
    if (valid >= lines.length * ENCODING_SHARE) return encoding;
  }
  throw new EntenteError("DATASET_FORMAT", {
    detail: "the text is neither UTF-8 nor GB18030: convert it, or name the encoding if only few lines are damaged",
  });
}

function* linesBeyondAscii(text: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf(LF, start);
    const end = found < 0 ? text.length : found;
    const line = text.subarray(start, end);
    if (line.some((byte) => byte > 0x7f)) yield line;
    start = end + 1;
  }
}

function isValid(decoder: TextDecoder, line: Uint8Array): boolean {
  try {
    decoder.decode(line);
    return true;
  } catch {
    return false;
  }
}

/**
 * GB18030 as UTF-8, chunk by chunk. What is not GB18030 becomes bytes that are not UTF-8 either, so that the reader sets its
 * row aside and no other; U+FFFD itself, which stands for text that was lost before, too.
 */
export async function* utf8FromGb18030(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder("gb18030");
  for await (const chunk of chunks) yield marked(decoder.decode(chunk, { stream: true }));
  yield marked(decoder.decode());
}

function marked(text: string): Uint8Array {
  const bytes = utf8(text);
  if (text.includes("\ufffd"))
    for (let i = bytes.indexOf(0xef); i >= 0; i = bytes.indexOf(0xef, i + 1))
      if (bytes[i + 1] === 0xbf && bytes[i + 2] === 0xbd) bytes.fill(0xff, i, i + 3);
  return bytes;
}
