/** The form of an id without its value: what a person looks at to see why ids do not match. */
import type { RawId } from "./composite-id.ts";

/** Beyond it a shape says "and so on". */
const MAX_CHARACTERS = 60;
/** Runs that are shorter are written out: `99` rather than `9(2)`. */
const MIN_COUNTED = 5;

/** Classes of characters, the first that fits, with what stands for one of them. */
const CLASSES: readonly (readonly [RegExp, string])[] = [
  [/[0-9]/, "9"],
  [/[a-z]/, "a"],
  [/[A-Z]/, "A"],
  // Not ASCII's, and often the reason: full-width digits look like digits.
  [/\p{Nd}/u, "\uff19"],
  [/\p{Script=Han}/u, "\u6c49"],
  [/\p{L}/u, "L"],
];

/** Printed as they are: what forms are made of, and says nothing of a person. */
const PUNCTUATION = /[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e ]/;

function classOf(character: string): string {
  for (const [fits, sign] of CLASSES) if (fits.test(character)) return sign;
  if (PUNCTUATION.test(character)) return character;
  // What cannot be seen, or not be told from ASCII: zero-width characters, other spaces, controls, full-width signs.
  return `<U+${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** Of the 128 of ASCII, so that a plain id costs a table look-up a character. */
const ASCII = Array.from({ length: 128 }, (_, code) => classOf(String.fromCharCode(code)));

function textShape(text: string): string {
  let shape = "";
  let sign = "";
  let count = 0;
  const flush = () => {
    shape += count >= MIN_COUNTED ? `${sign}(${count})` : sign.repeat(count);
  };
  for (const character of text) {
    const next = ASCII[character.codePointAt(0) as number] ?? classOf(character);
    if (next === sign) {
      count++;
      continue;
    }
    flush();
    if (shape.length > MAX_CHARACTERS) return `${shape} ...`;
    sign = next;
    count = 1;
  }
  flush();
  return shape;
}

/**
 * Runs of digits, letters and other characters by their kind and length: 13812345678 is `9(11)`, +86 138 1234 5678 is
 * `+99 999 9999 9999`, Li.Na@x.cn is `Aa.Aa@a.aa`. No digit, letter or other character of a value is in it.
 */
export function idShape(raw: RawId): string {
  if (raw === null) return "(no value)";
  if (typeof raw !== "string") return raw.map(idShape).join(" | ");
  return raw === "" ? "(empty)" : textShape(raw);
}
