/** Routes about what leaves the house: what an agreement lets leave, in words, and what has been handed over so far. */
import * as z from "zod";
import { digestField, OPERATIONS, OUTPUTS } from "../agreement/fields.ts";
import { TERM_SECTIONS } from "../terms/sections.ts";
import { empty, type Route } from "./route.ts";

const termsPart = z.object({
  id: z.enum(TERM_SECTIONS),
  title: z.string(),
  blocks: z.array(z.object({ title: z.string().nullable(), lines: z.array(z.string()) })),
});
const terms = z.array(termsPart);

const differenceText = z.object({ what: z.string(), before: z.string().nullable(), after: z.string().nullable() });
const difference = z.object({
  path: z.string().describe("Where in the document, entries of lists by their names."),
  before: z.unknown(),
  after: z.unknown(),
  effect: z.enum(["loosens", "tightens", "other"]).describe("Whether more may leave by it, or less."),
  words: z.object({ en: differenceText, "zh-CN": differenceText }),
});

const releasedGroup = z.object({
  peer: z.string(),
  agreement: z.string(),
  title: z.string(),
  version: z.number(),
  operation: z.enum(OPERATIONS),
  direction: z.enum(["given", "received"]).describe("given: the own data were asked; received: this node asked."),
  ownDataset: z.string(),
  peerDataset: z.string(),
  outputs: z.partialRecord(z.enum(OUTPUTS), z.number()).describe("Runs whose result the receiver could have."),
  released: z.number(),
  notReleased: z.number().describe("Charged runs that failed or have not come to it: nothing was handed over."),
  withheld: z.number().nullable().describe("Below the floor, seen by nobody; null where this node is not told."),
  approved: z.number().describe("Of the released ones, how many a person here approved."),
  columnsInClear: z.array(z.string()),
  segments: z.array(z.string()).describe("Of the party whose data were asked."),
  firstAt: z.string().nullable(),
  lastAt: z.string().nullable(),
});

export const DISCLOSURE_ROUTES = {
  agreementTerms: {
    method: "GET",
    path: "/v1/agreements/:digest/terms",
    summary: "Show in plain words what an agreement lets leave and arrive",
    description:
      "From the point of view of this node's party, with the differences from the version before: null where there is none, " +
      "or this node does not hold it.",
    roles: ["analyst", "steward", "auditor"],
    request: z.strictObject({ digest: digestField }),
    response: z.object({
      digest: z.string(),
      terms: z.object({ en: terms, "zh-CN": terms }),
      differences: z.array(difference).nullable(),
    }),
  },
  released: {
    method: "GET",
    path: "/v1/released",
    summary: "List what has been handed over so far, to whom",
    description:
      "As this node's own log tells it, by peer, agreement, operation and datasets; the latest first. Never what was found.",
    roles: ["steward", "auditor"],
    request: empty,
    response: z.object({ released: z.array(releasedGroup) }),
  },
} as const satisfies Record<string, Route>;
