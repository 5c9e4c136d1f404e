/**
 * A rule's text, as `tier = A and balance > 50000 -> risk:review`.
 *
 *     rule      := or "->" tag
 *     or        := and ("or" and)*
 *     and       := not ("and" not)*
 *     not       := "not" not | "(" or ")" | name | name sign literal | name "in" "(" literal ("," literal)* ")"
 *     name      := column | "own." column | "label." column     the bare words tier and score are the score's
 *     column    := word | quoted
 *     literal   := word | quoted | number | "true" | "false"
 *     tag       := key ":" value | key "=" (word | quoted)
 */
import {
  COLUMN_OWNERS,
  COMPARISONS,
  type Comparison,
  type Condition,
  invalidRule,
  type Literal,
  MAX_DEPTH,
  type Name,
  readTagRules,
  type TagRule,
} from "./rule.ts";
import { KEYWORDS, quoteWord, type Token, tagOf, tokensOf } from "./rule-tokens.ts";

export const MAX_RULE_LENGTH = 2000;

/** Throws TAG_RULE_INVALID with the position of what is wrong. */
export function parseTagRule(text: string): TagRule {
  if (text.length > MAX_RULE_LENGTH) throw invalidRule(`longer than ${MAX_RULE_LENGTH} characters`);
  const { when, tagAt } = new Parser(tokensOf(text)).condition();
  const tag = tagOf(text.slice(tagAt - 1));
  if (tag === undefined) throw invalidRule(`at ${tagAt}: key:value or key = text`);
  // Lengths, numbers of conditions, types and the tag's form: as for rules that came as JSON.
  return readTagRules([{ when, ...tag }])[0] as TagRule;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** The condition, and where the tag begins, from 1. */
  condition(): { readonly when: Condition; readonly tagAt: number } {
    const when = this.#either("or", () => this.#either("and", () => this.#not()));
    this.#expect("->");
    return { when, tagAt: this.#peek().at };
  }

  #either(op: "and" | "or", part: () => Condition): Condition {
    const of = [part()];
    while (this.#takes("word", op)) of.push(part());
    return of.length === 1 ? (of[0] as Condition) : { op, of };
  }

  #not(): Condition {
    if (++this.#depth > 2 * MAX_DEPTH) throw invalidRule(`at ${this.#peek().at}: deeper than ${MAX_DEPTH}`);
    try {
      if (this.#takes("word", "not")) return { op: "not", of: this.#not() };
      if (this.#takes("sign", "(")) {
        const inside = this.#either("or", () => this.#either("and", () => this.#not()));
        this.#expect(")");
        return inside;
      }
      return this.#comparison();
    } finally {
      this.#depth--;
    }
  }

  #comparison(): Condition {
    const left = this.#name();
    if (this.#takes("word", "in")) {
      this.#expect("(");
      const right = [this.#literal()];
      while (this.#takes("sign", ",")) right.push(this.#literal());
      this.#expect(")");
      return { op: "in", left, right };
    }
    // A name by itself is a boolean: true.
    if (this.#isAfterCondition()) return { op: "=", left, right: true };
    const sign = this.#next();
    const op = COMPARISONS.find((known) => sign.kind === "sign" && known === sign.text);
    if (op === undefined) throw invalidRule(`at ${sign.at}: ${COMPARISONS.join(" ")} or in`);
    const { at } = this.#peek();
    return compared(op, left, this.#literal(), at);
  }

  #name(): Name {
    const { kind, text, at } = this.#next();
    if (kind === "quoted") return { kind: "column", column: text };
    if (!isBareText({ kind, text })) throw invalidRule(`at ${at}: a column, tier or score`);
    if (text === "tier" || text === "score") return { kind: text };
    const of = COLUMN_OWNERS.find((owner) => text.startsWith(`${owner}.`));
    if (of === undefined) return { kind: "column", column: text };
    const column = text.slice(of.length + 1);
    if (column !== "") return { kind: "column", column, of };
    const quoted = this.#next();
    if (quoted.kind !== "quoted") throw invalidRule(`at ${quoted.at}: a column`);
    return { kind: "column", column: quoted.text, of };
  }

  #literal(): Literal {
    const token = this.#next();
    if (token.kind === "word" && (token.text === "true" || token.text === "false")) return token.text === "true";
    if (token.kind === "number") {
      const number = Number(token.text);
      if (!Number.isFinite(number)) throw invalidRule(`at ${token.at}: a number too large`);
      // There is one zero in JSON's canonical form.
      return number === 0 ? 0 : number;
    }
    if (token.kind !== "quoted" && !isBareText(token))
      throw invalidRule(`at ${token.at}: a text, number, true or false`);
    return token.text;
  }

  #isAfterCondition(): boolean {
    const { kind, text } = this.#peek();
    return kind === "word" ? text === "and" || text === "or" : kind === "sign" && (text === "->" || text === ")");
  }

  #peek(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #next(): Token {
    const token = this.#peek();
    if (token.kind === "end") throw invalidRule(`at ${token.at}: the rule ends too early`);
    this.#at++;
    return token;
  }

  #takes(kind: Token["kind"], text: string): boolean {
    const token = this.#peek();
    const is = token.kind === kind && token.text === text;
    if (is) this.#at++;
    return is;
  }

  #expect(sign: string): void {
    const token = this.#next();
    if (token.kind !== "sign" || token.text !== sign) throw invalidRule(`at ${token.at}: ${sign}`);
  }
}

function isBareText({ kind, text }: Pick<Token, "kind" | "text">): boolean {
  return kind === "word" && !KEYWORDS.includes(text);
}

function compared(op: Comparison, left: Name, right: Literal, at: number): Condition {
  if (op !== "=" && op !== "!=" && typeof right !== "number")
    throw invalidRule(`at ${at}: ${op} compares with a number`);
  return { op, left, right };
}

/** The text that `parseTagRule` reads as this rule. */
export function printTagRule({ when, key, value }: TagRule): string {
  const isShort = !key.includes(":") && /^[a-z0-9][a-z0-9-]{0,63}$/.test(value);
  return `${printCondition(when)} -> ${key}${isShort ? `:${value}` : ` = ${quoteWord(value)}`}`;
}

function printCondition(condition: Condition): string {
  switch (condition.op) {
    case "and":
    case "or":
      return condition.of.map((item) => inside(item, condition.op === "and")).join(` ${condition.op} `);
    case "not":
      return `not ${inside(condition.of, true)}`;
    case "in":
      return `${printName(condition.left)} in (${condition.right.map(printLiteral).join(", ")})`;
    default:
      return `${printName(condition.left)} ${condition.op} ${printLiteral(condition.right)}`;
  }
}

/** In parentheses where it would be read otherwise: an `or` anywhere inside, an `and` inside what binds as tightly. */
function inside(condition: Condition, isTight: boolean): string {
  const text = printCondition(condition);
  return condition.op === "or" || (condition.op === "and" && isTight) ? `(${text})` : text;
}

function printName(name: Name): string {
  if (name.kind !== "column") return name.kind;
  const { column, of } = name;
  if (of !== undefined) return `${of}.${quoteWord(column)}`;
  // Bare, these would be read as something else.
  const isOther =
    column === "tier" || column === "score" || COLUMN_OWNERS.some((owner) => column.startsWith(`${owner}.`));
  return quoteWord(column, !isOther);
}

function printLiteral(literal: Literal): string {
  return typeof literal === "string" ? quoteWord(literal) : String(literal);
}
