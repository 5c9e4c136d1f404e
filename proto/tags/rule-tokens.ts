/** Words of a rule's text. */
import { invalidRule } from "./rule.ts";

export const KEYWORDS: readonly string[] = ["and", "or", "not", "in", "true", "false"];

/** A letter, then letters, digits, _ . and - between them: what needs no quotes. */
const WORD = /[\p{L}_](?:[\p{L}\p{N}_.]|-(?=[\p{L}\p{N}_.]))*/u;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/;
const QUOTED = /"(?:[^"\\\p{C}]|\\["\\])*"/u;
const SIGN = /->|!=|<=|>=|[=<>(),]/;

const TOKEN = new RegExp(
  `\\s*(?:(?<word>${WORD.source})|(?<number>${NUMBER.source})|(?<quoted>${QUOTED.source})|(?<sign>${SIGN.source})|$)`,
  "uy",
);
const WHOLE_WORD = new RegExp(`^${WORD.source}$`, "u");

export interface Token {
  readonly kind: "word" | "number" | "quoted" | "sign" | "end";
  /** Without quotes. */
  readonly text: string;
  /** Position in the text, from 1. */
  readonly at: number;
}

/** All tokens up to `->`, with one of kind `end` last, which is where the tag begins. Throws TAG_RULE_INVALID at what is
 * none. */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let position = 0;
  for (;;) {
    TOKEN.lastIndex = position;
    const match = TOKEN.exec(text);
    if (match === null) throw invalidRule(`at ${position + 1}: not a word, number, text or sign`);
    const { word, number, quoted, sign } = match.groups ?? {};
    const raw = word ?? number ?? quoted ?? sign;
    position = TOKEN.lastIndex;
    const at = position - (raw?.length ?? 0) + 1;
    if (raw === undefined) return [...tokens, { kind: "end", text: "", at }];
    if (sign === "->")
      return [...tokens, { kind: "sign", text: sign, at }, { kind: "end", text: "", at: position + 1 }];
    if (word !== undefined) tokens.push({ kind: "word", text: word, at });
    else if (number !== undefined) tokens.push({ kind: "number", text: number, at });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign, at });
    else tokens.push({ kind: "quoted", text: unquote(raw), at });
  }
}

const TAG = new RegExp(
  `^\\s*(?<key>[a-z][a-z0-9-]*(?::[a-z0-9][a-z0-9-]*)?)\\s*(?:=\\s*(?:(?<word>${WORD.source})|(?<quoted>${QUOTED.source}))\\s*)?$`,
  "u",
);

/** Key and value of what stands behind `->`. Undefined when it is neither `key:value` nor `key = text`. */
export function tagOf(text: string): { readonly key: string; readonly value: string } | undefined {
  const { key, word, quoted } = TAG.exec(text)?.groups ?? {};
  const value = word ?? (quoted === undefined ? undefined : unquote(quoted));
  if (key === undefined) return undefined;
  if (value !== undefined) return { key, value };
  const [short, rest] = key.split(":");
  return rest === undefined ? undefined : { key: short as string, value: rest };
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(["\\])/g, "$1");
}

/** As a token: bare where it can be, `isBare` permitting. */
export function quoteWord(text: string, isBare = true): string {
  if (isBare && WHOLE_WORD.test(text) && !KEYWORDS.includes(text)) return text;
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
