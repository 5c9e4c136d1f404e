/** What is told of an agreement, in this order. Apart from the words: a browser loads it. */

/** leaves: what the peer learns · arrives: what the viewer learns · stays: what never leaves · purposes: what for · deciding: who
 * decides · limits: how often and from how many people on · validity: from when to when */
export const TERM_SECTIONS = ["leaves", "arrives", "stays", "purposes", "deciding", "limits", "validity"] as const;
export type TermSection = (typeof TERM_SECTIONS)[number];
