/**
 * Tag rules: conditions over the bank's own columns, the partner's labels, the score and the tier, and the tag that follows. A closed language:
 * comparisons of a name with literals, joined by and, or, not. This is its JSON form; parse-rule.ts reads the text.
 */
import * as z from "zod";
import { columnName, tagKeyField, writtenText } from "../agreement/fields.ts";
import { EntenteError } from "../errors.ts";

export const COMPARISONS = ["=", "!=", "<", "<=", ">", ">="] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** Of conditions inside conditions. */
export const MAX_DEPTH = 16;
/** Conditions in one rule. */
const MAX_CONDITIONS = 200;
const MAX_LIST = 100;
export const MAX_RULES = 64;

export type Name =
  | { readonly kind: "tier" }
  | { readonly kind: "score" }
  /** Without `of`: whichever of the two has a column of that name. */
  | { readonly kind: "column"; readonly column: string; readonly of?: ColumnOwner };

/** own: the bank's · label: the partner's, of a matched row. */
export const COLUMN_OWNERS = ["own", "label"] as const;
export type ColumnOwner = (typeof COLUMN_OWNERS)[number];

export type Literal = string | number | boolean;

export type Condition =
  | { readonly op: "and" | "or"; readonly of: readonly Condition[] }
  | { readonly op: "not"; readonly of: Condition }
  | { readonly op: Comparison; readonly left: Name; readonly right: Literal }
  | { readonly op: "in"; readonly left: Name; readonly right: readonly Literal[] };

/** The tag's key and value, for those of whom `when` holds. */
export interface TagRule {
  readonly when: Condition;
  readonly key: string;
  readonly value: string;
}

export const tagName = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("tier") }),
  z.strictObject({ kind: z.literal("score") }),
  z.strictObject({ kind: z.literal("column"), column: columnName, of: z.enum(COLUMN_OWNERS).exactOptional() }),
]);

const text = z
  .string()
  .max(128)
  .regex(/^[^\p{C}]*$/u);
const literal = z.union([text, z.number(), z.boolean()]);

/** What holds conditions: a schema each, so that a description of the API can name them. */
export const tagJunction = z.strictObject({
  op: z.enum(["and", "or"]),
  of: z
    .array(z.lazy(() => tagCondition))
    .min(2)
    .max(MAX_CONDITIONS),
});
export const tagNegation = z.strictObject({ op: z.literal("not"), of: z.lazy(() => tagCondition) });

export const tagCondition: z.ZodType<Condition> = z.discriminatedUnion("op", [
  tagJunction,
  tagNegation,
  z.strictObject({ op: z.enum(["=", "!="]), left: tagName, right: literal }),
  z.strictObject({ op: z.enum(["<", "<=", ">", ">="]), left: tagName, right: z.number() }),
  z.strictObject({ op: z.literal("in"), left: tagName, right: z.array(literal).min(1).max(MAX_LIST).check(oneType) }),
]);

function oneType(context: z.core.ParsePayload<readonly Literal[]>): void {
  if (new Set(context.value.map((item) => typeof item)).size > 1)
    context.issues.push({ code: "custom", input: undefined, message: "of several types" });
}

export const tagRule = z.strictObject({ when: tagCondition, key: tagKeyField, value: writtenText(64) });
const rules = z.array(tagRule).max(MAX_RULES);

export function invalidRule(detail: string): EntenteError {
  return new EntenteError("TAG_RULE_INVALID", { detail });
}

/** Rules in a parsed JSON value. Throws TAG_RULE_INVALID naming the field. */
export function readTagRules(value: unknown): readonly TagRule[] {
  if (Array.isArray(value)) for (const [i, rule] of value.entries()) refuseLarge(rule, i);
  const parsed = rules.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw invalidRule(`${issue?.path.join(".") || "rules"}: ${issue?.message}`);
}

/** Before the schema walks it: without recursion. */
function refuseLarge(rule: unknown, index: number): void {
  const open = [{ of: membersOf(rule).when, depth: 1 }];
  for (let count = 1; open.length > 0; count++) {
    const next = open.pop();
    if (count > MAX_CONDITIONS) throw invalidRule(`${index}.when: more than ${MAX_CONDITIONS} conditions`);
    if (next === undefined || next.depth > MAX_DEPTH) throw invalidRule(`${index}.when: deeper than ${MAX_DEPTH}`);
    const inside = membersOf(next.of).of;
    const all: readonly unknown[] = Array.isArray(inside) ? inside : inside === undefined ? [] : [inside];
    for (const of of all) open.push({ of, depth: next.depth + 1 });
  }
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
