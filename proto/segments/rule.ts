/**
 * Structured conditions, for who does not write SQL: `{ all: [...] }`, `{ any: [...] }`, `{ not: ... }` over
 * `{ column, op, value }`. What they mean is what the filter language means by them (party/data/README.md).
 */
import * as z from "zod";
import { columnName } from "../agreement/fields.ts";

/** Of the whole rule: the filter that is made of it has at most 500 parts. */
const MAX_LIST = 400;

const scalar = z.union([z.string().max(1000), z.number(), z.boolean()]);
const column = columnName;

export const segmentCondition = z.union([
  z.strictObject({ column, op: z.enum(["=", "!=", "<", "<=", ">", ">="]), value: scalar }),
  z.strictObject({ column, op: z.enum(["in", "not in"]), value: z.array(scalar).min(1).max(MAX_LIST) }),
  z.strictObject({ column, op: z.literal("between"), value: z.tuple([scalar, scalar]) }),
  z.strictObject({
    column,
    op: z.enum(["contains", "starts with", "ends with"]),
    value: z.string().min(1).max(1000),
  }),
  z.strictObject({ column, op: z.enum(["is empty", "is not empty"]) }),
]);
export type RuleCondition = z.infer<typeof segmentCondition>;

export type SegmentRule =
  | RuleCondition
  | { readonly all: readonly SegmentRule[] }
  | { readonly any: readonly SegmentRule[] }
  | { readonly not: SegmentRule };

const parts = z
  .array(z.lazy(() => anySegmentRule))
  .min(1)
  .max(MAX_LIST);

/** What holds conditions: a schema each, so that a description of the API can name them. */
export const allOfRule = z.strictObject({ all: parts });
export const anyOfRule = z.strictObject({ any: parts });
export const notRule = z.strictObject({ not: z.lazy(() => anySegmentRule) });

export const anySegmentRule: z.ZodType<SegmentRule> = z.union([segmentCondition, allOfRule, anyOfRule, notRule]);

/** Levels of `all`, `any` and `not`: of JSON it is twice as many. */
const MAX_RULE_LEVELS = 12;

/** Looked at before anything that calls itself is. */
function isFlat(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > 2 * MAX_RULE_LEVELS + 2) return false;
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
  }
  return true;
}

export const segmentRuleSchema: z.ZodType<SegmentRule> = z
  .unknown()
  .refine(isFlat, `more than ${MAX_RULE_LEVELS} levels`)
  .pipe(anySegmentRule);
