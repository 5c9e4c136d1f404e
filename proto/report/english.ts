/** A rendered report in English. */
import { groupedDigits } from "../grouped-digits.ts";
import type { GroupName } from "./grouping.ts";
import { bound, type ReportStrings } from "./strings.ts";

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
  overlap: (overlap, size) => `${groupedDigits(overlap)} of ${groupedDigits(size)}`,
  withheldOf: (size) => `withheld, ${groupedDigits(size)} people`,
  count: groupedDigits,
  notes: ({ group, result, cap, noiseScale }) => [
    `A group's overlap is shown when at least ${groupedDigits(group)} of it matched, at least ${groupedDigits(group)} did not, and its rate is ` +
      `not above ${cap}%. Other groups are withheld too where a count could be worked out from theirs.`,
    `Nothing is shown when fewer than ${groupedDigits(result)} matched in all, or too few did not.`,
    ...(noiseScale === null
      ? []
      : [
          `Each count has random noise (scale ${groupedDigits(noiseScale)} people) of its own: groups do not add up to the total.`,
        ]),
  ],
  about: ({ peer, dataset, peerDataset }) => `${dataset} with ${peerDataset} of ${peer}`,
};
