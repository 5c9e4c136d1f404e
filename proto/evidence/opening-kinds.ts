/** What the owner of a log commits to and can open; `openings.ts` has the form of each. */
export const OPENING_KINDS = [
  "input",
  "output",
  "rate",
  "tags",
  "sketch",
  "approver",
  "withdrawn",
  "model",
  "tiers",
] as const;
export type OpeningKind = (typeof OPENING_KINDS)[number];
