/** Changes to text of lines and words: what a parser of a small language must stand. */
import { fromUtf8, utf8 } from "../../../proto/encoding/bytes.ts";
import type { Draw } from "./draw.ts";
import { mutateBytes } from "./mutate-bytes.ts";

const STRANGE = [
  "\u0000",
  "\u2028",
  "\ufeff",
  "\u202e",
  "ı",
  "K",
  "\r",
  "\r\n",
  "\n\n",
  "\t",
  "'",
  '"',
  "\\",
  "(",
  ")",
  "-1",
  "1e999",
];
const WORD = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;
const MANY = 6_000;

type Change = (words: readonly string[], at: number, draw: Draw) => readonly string[];

const CHANGES: readonly Change[] = [
  (words, at) => words.toSpliced(at, 1),
  (words, at) => words.toSpliced(at, 0, words[at] as string),
  (words, at, draw) => words.with(at, draw.pick(words)),
  (words, at, draw) => words.toSpliced(at, 0, draw.pick(STRANGE)),
  (words, at, draw) => words.with(at, draw.pick(STRANGE)),
  (words, at, draw) => words.with(at, (words[at] as string).slice(0, 20).repeat(draw.oneIn(10) ? MANY : 40)),
  (words, at, draw) => words.toSpliced(at, 0, draw.pick(["(", "not ", '"', "\\", "-", " ", "\n"]).repeat(MANY)),
  (words, at) => words.slice(0, at),
  (words) => words.toReversed(),
  (words, at) => words.with(at, (words[at] as string).toUpperCase()),
];

/** `bytes`: UTF-8. Others are what `mutateBytes` makes of them. */
export function mutateText(bytes: Uint8Array, draw: Draw, others: readonly Uint8Array[]): Uint8Array {
  if (draw.oneIn(5)) return mutateBytes(bytes, draw, others);
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    return mutateBytes(bytes, draw, others);
  }
  let words: readonly string[] = text.match(WORD) ?? [""];
  for (let left = draw.oneIn(3) ? 1 + draw.below(4) : 1; left > 0 && words.length > 0; left--)
    words = draw.pick(CHANGES)(words, draw.below(words.length), draw);
  return utf8(words.join(""));
}
