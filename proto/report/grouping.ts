/** How a report breaks a list down: groupings of its people, by what their owner knows of them, each into a few groups. */
import * as z from "zod";
import { columnName, digestField } from "../agreement/fields.ts";
import { canonicalJson, type Json } from "../encoding/canonical-json.ts";
import { digestOf } from "../encoding/sha256.ts";
import type { Digest } from "../ids.ts";
import { segmentNameField } from "../segments/names.ts";

export const MAX_GROUPINGS = 8;
/** Of all reports of one list in an epoch: each further one is made by all of them. */
export const MAX_GROUPINGS_TOGETHER = 32;
/** Of one grouping, rest and blank included. */
export const MAX_GROUPS = 64;
export const MAX_VALUES = MAX_GROUPS - 2;

/** A text that a column is grouped by, as it stands in a cell. */
const groupValue = z.string().min(1).max(256);
const groupBounds = z
  .array(z.number())
  .min(1)
  .max(MAX_VALUES - 1)
  .refine((bounds) => bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] as number)), "not ascending");
const groupValues = z
  .array(groupValue)
  .min(1)
  .max(MAX_VALUES)
  .refine((values) => new Set(values).size === values.length, "one value twice");

const groupingSchema = z.discriminatedUnion("kind", [
  /** By a column of texts: each of the values, all others, blank. */
  z.strictObject({ kind: z.literal("values"), column: columnName, values: groupValues }),
  /** By a column of numbers: below the first bound, from each bound up to and without the next, from the last; blank. */
  z.strictObject({ kind: z.literal("ranges"), column: columnName, bounds: groupBounds }),
  /** Who is in a segment, and who is not. `content`: of everything that decides on it. */
  z.strictObject({
    kind: z.literal("segment"),
    segment: segmentNameField,
    version: z.int().min(1),
    content: digestField,
  }),
]);
/** As a person asks for a grouping; a column of texts without values is broken down by those that most rows have. */
export const breakdownsField = z
  .array(
    z.union([
      z.strictObject({ column: columnName, values: groupValues.optional(), bounds: groupBounds.optional() }),
      z.strictObject({ segment: segmentNameField, version: z.int().min(1).optional() }),
    ]),
  )
  .min(1)
  .max(MAX_GROUPINGS);
export type Breakdown = z.infer<typeof breakdownsField>[number];

export const groupingsSchema = z.array(groupingSchema).min(1).max(MAX_GROUPINGS);

/** Its groups are a partition of the list, numbered from 0. */
export type Grouping = z.infer<typeof groupingSchema>;

/** What a group is called, in a form that a reader's language can be put to. */
export const groupNameSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("value"), value: groupValue }),
  z.strictObject({ kind: z.literal("range"), from: z.number().nullable(), below: z.number().nullable() }),
  z.strictObject({ kind: z.literal("member") }),
  z.strictObject({ kind: z.literal("non-member") }),
  z.strictObject({ kind: z.literal("other") }),
  z.strictObject({ kind: z.literal("blank") }),
]);
export type GroupName = z.infer<typeof groupNameSchema>;

/** Of all groups of a grouping, in the order of their numbers. */
export function groupNames(grouping: Grouping): readonly GroupName[] {
  switch (grouping.kind) {
    case "values":
      return [
        ...grouping.values.map((value) => ({ kind: "value", value }) as const),
        { kind: "other" },
        { kind: "blank" },
      ];
    case "ranges": {
      const { bounds } = grouping;
      const ranges = [null, ...bounds].map((from, i) => ({ kind: "range", from, below: bounds[i] ?? null }) as const);
      return [...ranges, { kind: "blank" }];
    }
    case "segment":
      return [{ kind: "member" }, { kind: "non-member" }];
  }
}

/**
 * The group of a person by the cell of the grouping's column: a number, or a text as its place among the values (-1: none
 * of them), NaN when it is blank; of a segment 1 for a member and 0 for another.
 */
export function groupOf(grouping: Grouping, cell: number): number {
  switch (grouping.kind) {
    case "values": {
      const { length } = grouping.values;
      if (Number.isNaN(cell)) return length + 1;
      return cell < 0 ? length : cell;
    }
    case "ranges": {
      const { bounds } = grouping;
      if (Number.isNaN(cell)) return bounds.length + 1;
      const above = bounds.findIndex((bound) => cell < bound);
      return above < 0 ? bounds.length : above;
    }
    case "segment":
      return cell === 1 ? 0 : 1;
  }
}

/** Equal for equal definitions alone: of groupings in one order. */
export function groupingsDigest(groupings: readonly Grouping[]): Digest {
  return digestOf(canonicalJson(groupings as unknown as Json));
}

/** How many groups a report by these can show: a segment's members are one, who is not in it shows nothing new. */
export function countGroups(groupings: readonly Grouping[]): number {
  return groupings.reduce((sum, grouping) => sum + (grouping.kind === "segment" ? 1 : groupNames(grouping).length), 0);
}
