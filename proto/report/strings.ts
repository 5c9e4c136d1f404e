/** Every word of a rendered report, in one place for each language. */
import type { Language } from "../language.ts";
import type { GroupName } from "./grouping.ts";

export interface ReportStrings {
  readonly language: Language;
  readonly title: string;
  readonly total: string;
  readonly withheld: string;
  readonly heads: { readonly group: string; readonly size: string; readonly overlap: string; readonly rate: string };
  breakdown(kind: "column" | "segment", name: string): string;
  group(name: GroupName): string;
  overlap(overlap: number, size: number): string;
  withheldOf(size: number): string;
  count(value: number): string;
  /** `noiseScale`: in people. */
  notes(limits: {
    readonly group: number;
    readonly result: number;
    readonly cap: number;
    readonly noiseScale: number | null;
  }): readonly string[];
  about(job: { readonly peer: string; readonly dataset: string; readonly peerDataset: string }): string;
}

function count(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** Of a bound of a range, which need be no whole number. */
function bound(value: number | null): string {
  if (value === null || !Number.isInteger(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return String(value);
  return `${value < 0 ? "-" : ""}${count(Math.abs(value))}`;
}

function rangeOf({ from, below }: Extract<GroupName, { kind: "range" }>): string {
  if (from === null) return `below ${bound(below)}`;
  return below === null ? `${bound(from)} and above` : `${bound(from)} to below ${bound(below)}`;
}

export const ENGLISH: ReportStrings = {
  language: "en",
  title: "Joint audience report",
  total: "All",
  withheld: "withheld",
  heads: { group: "Group", size: "People in the list", overlap: "Shared", rate: "Match rate" },
  breakdown: (kind, name) => (kind === "segment" ? `Segment ${name}` : `By ${name}`),
  group: (name) => {
    switch (name.kind) {
      case "value":
        return name.value;
      case "range":
        return rangeOf(name);
      case "member":
        return "in the segment";
      case "non-member":
        return "not in the segment";
      case "other":
        return "(all others)";
      case "blank":
        return "(blank)";
    }
  },
  overlap: (overlap, size) => `${count(overlap)} of ${count(size)}`,
  withheldOf: (size) => `withheld, ${count(size)} people`,
  count,
  notes: ({ group, result, cap, noiseScale }) => [
    `A group's overlap is shown when at least ${count(group)} of it matched, at least ${count(group)} did not, and its rate is ` +
      `not above ${cap}%. Other groups are withheld too where a count could be worked out from theirs.`,
    `Nothing is shown when fewer than ${count(result)} matched in all, or too few did not.`,
    ...(noiseScale === null
      ? []
      : [
          `Each count has random noise (scale ${count(noiseScale)} people) of its own: groups do not add up to the total.`,
        ]),
  ],
  about: ({ peer, dataset, peerDataset }) => `${dataset} with ${peerDataset} of ${peer}`,
};
