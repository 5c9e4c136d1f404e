/** What becomes of rows with one id: fixed where a dataset is registered, of no concern to a peer. */
import * as z from "zod";
import { columnName } from "./agreement/fields.ts";

/** Of a column's filled cells in the rows of one id. */
export const AGGREGATES = ["sum", "mean", "min", "max"] as const;
export type Aggregate = (typeof AGGREGATES)[number];

/**
 * first: the first row counts, the others are set aside · reject: all rows of an id that has several are set aside ·
 * aggregate: one row for each id, its numbers combined, everything else as in the first row. `columns` says how by a
 * column's name, `others` of those that are not named.
 */
export const duplicatePolicyField = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("first") }),
  z.strictObject({ kind: z.literal("reject") }),
  z.strictObject({
    kind: z.literal("aggregate"),
    columns: z.record(columnName, z.enum(AGGREGATES)),
    others: z.enum(AGGREGATES).optional(),
  }),
]);

export type DuplicatePolicy = z.infer<typeof duplicatePolicyField>;

/** For people: "aggregate (amount sum, others mean)". */
export function describePolicy(policy: DuplicatePolicy): string {
  if (policy.kind !== "aggregate") return policy.kind;
  const named = Object.entries(policy.columns).map(([name, how]) => `${name} ${how}`);
  return `aggregate (${[...named, ...(policy.others === undefined ? [] : [`others ${policy.others}`])].join(", ")})`;
}
