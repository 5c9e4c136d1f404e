/** Routes about segments of own datasets; those that a peer has published come with its datasets. */
import * as z from "zod";
import { datasetNameField, jobIdField, MAX_ID_COLUMNS, partyName, tagKeyField } from "../agreement/fields.ts";
import { MAX_EXPRESSION_CHARACTERS } from "../segments/expression.ts";
import { MAX_SEGMENT_VERSION, SEGMENT_KINDS, segmentDescriptionField, segmentNameField } from "../segments/names.ts";
import { segmentRuleSchema } from "../segments/rule.ts";
import { empty, type Route } from "./route.ts";

/** A list of this size has some 300,000 ids; a longer one is imported. */
const MAX_DEFINITION_BYTES = 16 * 1024 * 1024;
const MAX_LIST_IDS = 1_000_000;

const version = z.int().min(1).max(MAX_SEGMENT_VERSION);
const versionText = z
  .string()
  .regex(/^[1-9]\d{0,6}$/)
  .transform(Number);

const partText = z.string().max(4096);
/** As it is written; of an id of several columns one text each, in order. */
const writtenId = z.union([partText, z.array(partText).min(1).max(MAX_ID_COLUMNS)]);

/** The six ways in which an audience is built. */
export const segmentDefinition = z.discriminatedUnion("kind", [
  z
    .strictObject({ kind: z.literal("list"), ids: z.array(writtenId).min(1).max(MAX_LIST_IDS) })
    .describe("Ids as they are written anywhere: the dataset's normaliser is applied."),
  z
    .strictObject({
      kind: z.literal("import"),
      path: z.string().min(1).max(4096),
      idColumns: z
        .array(z.string().min(1).max(64))
        .min(1)
        .max(MAX_ID_COLUMNS)
        .describe("In the order of the dataset's."),
    })
    .describe("Read once, now, from a file on the node's machine."),
  z.strictObject({ kind: z.literal("rule"), rule: segmentRuleSchema }),
  z
    .strictObject({ kind: z.literal("sql"), expression: z.string().min(1).max(4000) })
    .describe("One SQL condition over the dataset's columns."),
  z
    .strictObject({
      kind: z.literal("tier"),
      key: tagKeyField.optional(),
      values: z.array(z.string().min(1).max(64)).min(1).max(100).optional(),
      job: jobIdField.optional(),
    })
    .describe("Who holds a tag of the key now, with one of the values if any are given, from one job if one is named."),
  z
    .strictObject({ kind: z.literal("derived"), expression: z.string().min(1).max(MAX_EXPRESSION_CHARACTERS) })
    .describe("Over other segments of the dataset: `a and (b or c) minus d`."),
]);
export type SegmentDefinitionInput = z.output<typeof segmentDefinition>;

/** Of ids that were given or read. given = accepted + duplicates + all of rejected. */
const listCounts = z.object({
  given: z.number(),
  accepted: z.number(),
  duplicates: z.number(),
  rejected: z.record(z.string(), z.number()),
});

const segmentVersion = z.object({
  name: z.string(),
  version: z.number(),
  dataset: z.string(),
  kind: z.enum(SEGMENT_KINDS),
  definition: z.unknown().describe("In words: the expression, the rule, where the ids came from. Never an id."),
  counts: listCounts.nullable(),
  definedAt: z.string(),
  definedBy: z.string(),
});

const published = z.object({
  version: z.number(),
  description: z.string(),
  at: z.string(),
  to: z.array(z.string()).describe("The peers that it is published to."),
});

const segment = z.object({
  name: z.string(),
  dataset: z.string(),
  version: z.number().describe("The newest."),
  kind: z.enum(SEGMENT_KINDS),
  definedAt: z.string(),
  definedBy: z.string(),
  published: published.nullable().describe("Name, version and description are what the peers see that it names."),
  retiredAt: z.string().nullable(),
});

const named = z.strictObject({ name: segmentNameField });

export const SEGMENT_ROUTES = {
  segments: {
    method: "GET",
    path: "/v1/segments",
    summary: "List the segments of own datasets",
    roles: ["analyst", "steward", "operator"],
    request: empty,
    response: z.object({ segments: z.array(segment) }),
  },
  segment: {
    method: "GET",
    path: "/v1/segments/:name",
    summary: "Show a segment with its versions",
    description: "With every version. A steward reads what it would publish.",
    roles: ["analyst", "steward"],
    request: named,
    response: segment.extend({ versions: z.array(segmentVersion) }),
  },
  defineSegment: {
    method: "POST",
    path: "/v1/segments",
    summary: "Define a segment, or a new version of it",
    description: "A name that is there gets a new version.",
    roles: ["analyst"],
    request: z.strictObject({ name: segmentNameField, dataset: datasetNameField, definition: segmentDefinition }),
    maxBodyBytes: MAX_DEFINITION_BYTES,
    response: segmentVersion,
  },
  countSegment: {
    method: "GET",
    path: "/v1/segments/:name/count",
    summary: "Count the people of a segment",
    description: "Reads the dataset: as it is now.",
    roles: ["analyst"],
    request: z.strictObject({ name: segmentNameField, version: versionText.optional() }),
    response: z.object({ name: z.string(), version: z.number(), dataset: z.string(), people: z.number() }),
  },
  publishSegment: {
    method: "POST",
    path: "/v1/segments/:name/publication",
    summary: "Publish a segment to peers",
    description:
      "From now on these peers, instead of those before, see its name, version and description, and may ask for it as agreements allow.",
    roles: ["steward"],
    request: z.strictObject({
      name: segmentNameField,
      description: segmentDescriptionField,
      to: z.array(partyName).min(1).max(100),
      version: version.describe("The one that was looked at: a newer one may have come meanwhile."),
    }),
    response: segment,
  },
  unpublishSegment: {
    method: "POST",
    path: "/v1/segments/:name/publication/end",
    summary: "End the publication of a segment",
    roles: ["steward"],
    request: named,
    response: segment,
  },
  retireSegment: {
    method: "POST",
    path: "/v1/segments/:name/retirement",
    summary: "Retire a segment",
    description: "It can be neither asked for nor derived from any more; what was derived from it stays.",
    roles: ["analyst", "steward"],
    request: named,
    response: segment,
  },
} as const satisfies Record<string, Route>;
