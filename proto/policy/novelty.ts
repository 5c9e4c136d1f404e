/** What can be new in a job. Apart from how it is found: a browser loads it. */

/** first: no run of this operation over these datasets has completed before. The others: none that did had as much of it. */
export const NOVELTIES = ["first", "output", "columns", "segment", "model", "groups"] as const;
export type Novelty = (typeof NOVELTIES)[number];
