/** A joint audience report: what it says, and how it is made of counts, floors and noise. */
import * as z from "zod";
import type { AgreementDocument } from "../agreement/schema.ts";
import { canonicalJson, type Json } from "../encoding/canonical-json.ts";
import { EntenteError } from "../errors.ts";
import { commit } from "../evidence/commitment.ts";
import { matchRate, noisyCount } from "../policy/match-rate.ts";
import { type Grouping, type GroupName, groupNameSchema, groupNames } from "./grouping.ts";
import {
  type Atom,
  blocksOf,
  type Count,
  type CountFloors,
  isShown,
  largestShown,
  mayBeShown,
  sumOf,
} from "./suppression.ts";

const people = z.int().min(0).max(4_000_000_000);
const row = z.strictObject({
  /** People of the list: the owner's own number, exact. */
  size: people,
  /** How many of them matched, with noise where it is agreed; null when it is withheld. */
  overlap: people.nullable(),
  /** Whole percent of `overlap`; null when it is withheld. Of the total also `>85%`, without a count. */
  rate: z
    .string()
    .regex(/^>?\d{1,3}%$/)
    .nullable(),
});

export const overlapReportSchema = z.strictObject({
  format: z.literal("entente-overlap-report/1"),
  floors: z.strictObject({ group: people, result: people, matchRateCapPercent: z.int() }),
  /** Scale of the discrete Laplace noise on each count that is shown; null for none. */
  noiseScale: z.int().nullable(),
  total: row,
  breakdowns: z.array(
    z.strictObject({
      kind: z.enum(["column", "segment"]),
      /** Of the column or the segment. */
      name: z.string(),
      /** Without groups that nobody is in. */
      groups: z.array(row.extend({ group: groupNameSchema })),
    }),
  ),
});
export type OverlapReport = z.infer<typeof overlapReportSchema>;
export type ReportRow = OverlapReport["total"];

export type ReportFloors = CountFloors & Pick<AgreementDocument["floors"], "result">;

export interface ReportInput {
  /** Those of earlier reports of the same list, in order, then those that are asked for now and are not among them. */
  readonly groupings: readonly Grouping[];
  /** Places of those that are asked for now. */
  readonly shown: readonly number[];
  /** By all of `groupings`. */
  readonly atoms: readonly Atom[];
  readonly agreed: { readonly floors: ReportFloors } & Pick<AgreementDocument, "noise">;
  /** 32 bytes; draws the noise of the total, and of groups by their definitions. */
  readonly noiseSecret: Uint8Array;
}

/**
 * Whether there is a report at all. Not when the total is below the result floor; nor when fewer than the group floor did
 * not match, where the cap does not hide it: that none is made then tells that it is one of the two, and not which.
 */
export function isReportable(total: Count, floors: ReportFloors): boolean {
  return total.matched >= floors.result && (mayBeShown(total, floors) || isCapped(total, floors));
}

/** Above the cap, and of a list so long that what the reader then knows, that it is above the cap and not below the result
 * floor, leaves the group floor's number of people out. */
function isCapped({ size, matched }: Count, floors: ReportFloors): boolean {
  const cap = Math.floor((size * floors.matchRateCapPercent) / 100);
  return matched > cap && size - Math.max(cap + 1, floors.result) >= floors.group;
}

/** Throws BAD_REQUEST for a total that is not reportable. */
export function makeReport({ groupings, shown, atoms, agreed, noiseSecret }: ReportInput): OverlapReport {
  const { floors, noise } = agreed;
  const total = sumOf(atoms);
  if (!isReportable(total, floors)) throw new EntenteError("BAD_REQUEST", { detail: "a total that no report shows" });
  const { group, result, matchRateCapPercent } = floors;
  const blocks = blocksOf(atoms, groupings.length, floors);
  return {
    format: "entente-overlap-report/1",
    floors: { group, result, matchRateCapPercent },
    noiseScale: noise.kind === "none" ? null : noise.scale,
    total: totalRow(total, agreed, noiseSecret),
    breakdowns: shown.map((place) => {
      const grouping = groupings[place] as Grouping;
      const groups = groupNames(grouping).flatMap((name, number) => {
        const members = sumOf(atoms.filter((atom) => atom.groups[place] === number));
        // Who is not in a segment is the total's difference to it.
        if (members.size === 0 || name.kind === "non-member") return [];
        if (!isShown(blocks, { grouping: place, group: number }, floors))
          return [{ group: name, size: members.size, overlap: null, rate: null }];
        const key = commit(noiseSecret, GROUP_NOISE_DOMAIN, canonicalJson(definition(grouping, name)));
        return [{ group: name, ...shownRow(members, agreed, key) }];
      });
      return { ...breakdownOf(grouping), groups };
    }),
  };
}

function breakdownOf(grouping: Grouping): Pick<OverlapReport["breakdowns"][number], "kind" | "name"> {
  return grouping.kind === "segment"
    ? { kind: "segment", name: grouping.segment }
    : { kind: "column", name: grouping.column };
}

const GROUP_NOISE_DOMAIN = "entente report noise/1";

/** Of a group, whatever else its grouping has: the same people by the same condition draw the same noise. */
function definition(grouping: Grouping, name: GroupName): Json {
  const alone = name.kind === "value" || name.kind === "range" || name.kind === "blank";
  const by = grouping.kind === "segment" ? [grouping.segment, grouping.content] : [grouping.column];
  return { by, name, ...(alone ? {} : { grouping }) } as unknown as Json;
}

/** A count that is shown lies in the range that may be, so that moving it there with its noise tells nothing. */
function shownRow(count: Count, { floors, noise }: ReportInput["agreed"], keySecret: Uint8Array): ReportRow {
  const { size } = count;
  const drawn = noisyCount(count.matched, size, noise, keySecret);
  const overlap = Math.min(largestShown(size, floors), Math.max(floors.group, drawn));
  return { size, overlap, rate: matchRate(overlap, size, floors) };
}

/** Above the cap it is only said to be. */
function totalRow(count: Count, agreed: ReportInput["agreed"], noiseSecret: Uint8Array): ReportRow {
  const { floors } = agreed;
  if (mayBeShown(count, floors)) return shownRow(count, agreed, noiseSecret);
  return { size: count.size, overlap: null, rate: matchRate(count.matched, count.size, floors) };
}
