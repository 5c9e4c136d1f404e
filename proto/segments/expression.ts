/**
 * Expressions over segments: `a and (b or c) minus d`. `and` and `minus` go from left to right; beside `or` they need
 * brackets, since `a or b minus c` is read in both ways and one of them keeps people who were to be left out. A name stands
 * for its newest version, `name@3` for that one.
 *
 *     or   = step { "or" step }        joined by `or` alone, or by none
 *     step = part { ("and" | "minus") part }
 *     part = name [ "@" version ] | "(" or ")"
 */
import { EntenteError } from "../errors.ts";
import { MAX_SEGMENT_VERSION, segmentNameField } from "./names.ts";

export interface SegmentOperand {
  readonly kind: "segment";
  readonly name: string;
  /** Undefined: the newest. */
  readonly version: number | undefined;
}

export type SegmentExpression =
  | SegmentOperand
  | { readonly kind: "and" | "or"; readonly of: readonly SegmentExpression[] }
  | { readonly kind: "minus"; readonly from: SegmentExpression; readonly minus: SegmentExpression };

export const MAX_EXPRESSION_CHARACTERS = 2000;
const MAX_DEPTH = 32;

interface Token {
  readonly text: string;
  /** Character, from 1. */
  readonly at: number;
}

function invalid(detail: string): EntenteError {
  return new EntenteError("SEGMENT_INVALID", { detail });
}

/** Throws SEGMENT_INVALID with the place. */
export function parseSegmentExpression(text: string): SegmentExpression {
  if (text.length > MAX_EXPRESSION_CHARACTERS) throw invalid(`more than ${MAX_EXPRESSION_CHARACTERS} characters`);
  return new Parser(tokensOf(text)).parse();
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:([()])|([A-Za-z][A-Za-z0-9_-]*(?:@\d{1,7})?))/y;
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const from = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw invalid(`a character that no expression has, at ${from + 1}`);
    const token = match[1] ?? (match[2] as string);
    tokens.push({ text: token, at: pattern.lastIndex - token.length + 1 });
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): SegmentExpression {
    const parsed = this.#joined(1);
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw invalid(`a word too many at ${rest.at}`);
    return parsed;
  }

  /** Parts up to a bracket or the end. */
  #joined(depth: number): SegmentExpression {
    if (depth > MAX_DEPTH) throw invalid(`more than ${MAX_DEPTH} levels`);
    let left = this.#part(depth);
    const alternatives: SegmentExpression[] = [];
    let hasOthers = false;
    for (let word = this.#word(); word !== undefined; word = this.#word()) {
      const at = this.#tokens[this.#next]?.at;
      this.#next++;
      if (word === "or" ? hasOthers : alternatives.length > 0)
        throw invalid(`put brackets: '${word}' at ${at} stands beside ${word === "or" ? "'and' or 'minus'" : "'or'"}`);
      const right = this.#part(depth);
      if (word === "or") alternatives.push(right);
      else {
        hasOthers = true;
        left = word === "and" ? { kind: "and", of: [left, right] } : { kind: "minus", from: left, minus: right };
      }
    }
    return alternatives.length === 0 ? left : { kind: "or", of: [left, ...alternatives] };
  }

  #word(): "and" | "or" | "minus" | undefined {
    const word = this.#tokens[this.#next]?.text.toLowerCase();
    return word === "and" || word === "or" || word === "minus" ? word : undefined;
  }

  #part(depth: number): SegmentExpression {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw invalid("it ends where a segment must stand");
    if (token.text === "(") {
      const inner = this.#joined(depth + 1);
      if (this.#tokens[this.#next++]?.text !== ")") throw invalid(`the bracket at ${token.at} is not closed`);
      return inner;
    }
    const [name = "", digits] = token.text.split("@");
    const version = digits === undefined ? undefined : Number(digits);
    const isVersion = version === undefined || (version >= 1 && version <= MAX_SEGMENT_VERSION);
    if (!segmentNameField.safeParse(name).success || !isVersion)
      throw invalid(`not the name of a segment, at ${token.at}`);
    return { kind: "segment", name, version };
  }
}

/** In order, each as often as it stands there. */
export function operandsOf(expression: SegmentExpression): SegmentOperand[] {
  if (expression.kind === "segment") return [expression];
  const parts = expression.kind === "minus" ? [expression.from, expression.minus] : expression.of;
  return parts.flatMap(operandsOf);
}

/** As it is written: `name` or `name@3`. */
export function operandKey({ name, version }: SegmentOperand): string {
  return version === undefined ? name : `${name}@${version}`;
}
