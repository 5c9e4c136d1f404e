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
  /** Ids as they are written anywhere: the dataset's normaliser is applied. */
  z.strictObject({ kind: z.literal("list"), ids: z.array(writtenId).min(1).max(MAX_LIST_IDS) }),
  /** Read once, now, from a file on the node's machine. */
  z.strictObject({
    kind: z.literal("import"),
    path: z.string().min(1).max(4096),
    /** In the order of the dataset's. */
    idColumns: z.array(z.string().min(1).max(64)).min(1).max(MAX_ID_COLUMNS),
  }),
  z.strictObject({ kind: z.literal("rule"), rule: segmentRuleSchema }),
  /** One SQL condition over the dataset's columns. */
  z.strictObject({ kind: z.literal("sql"), expression: z.string().min(1).max(4000) }),
  /** Who holds a tag of the key now, with one of the values if any are given, from one job if one is named. */
  z.strictObject({
    kind: z.literal("tier"),
    key: tagKeyField.optional(),
    values: z.array(z.string().min(1).max(64)).min(1).max(100).optional(),
    job: jobIdField.optional(),
  }),
  /** Over other segments of the dataset: `a and (b or c) minus d`. */
  z.strictObject({ kind: z.literal("derived"), expression: z.string().min(1).max(MAX_EXPRESSION_CHARACTERS) }),
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
  /** In words: the expression, the rule, where the ids came from. Never an id. */
  definition: z.unknown(),
  counts: listCounts.nullable(),
  definedAt: z.string(),
  definedBy: z.string(),
});

const published = z.object({
  version: z.number(),
  description: z.string(),
  at: z.string(),
  /** The peers that it is published to. */
  to: z.array(z.string()),
});

const segment = z.object({
  name: z.string(),
  dataset: z.string(),
  /** The newest. */
  version: z.number(),
  kind: z.enum(SEGMENT_KINDS),
  definedAt: z.string(),
  definedBy: z.string(),
  /** Name, version and description are what the peers see that it names. */
  published: published.nullable(),
  retiredAt: z.string().nullable(),
});

const named = z.strictObject({ name: segmentNameField });

export const SEGMENT_ROUTES = {
  segments: {
    method: "GET",
    path: "/v1/segments",
    roles: ["analyst", "steward", "operator"],
    request: empty,
    response: z.object({ segments: z.array(segment) }),
  },
  /** With every version. A steward reads what it would publish. */
  segment: {
    method: "GET",
    path: "/v1/segments/:name",
    roles: ["analyst", "steward"],
    request: named,
    response: segment.extend({ versions: z.array(segmentVersion) }),
  },
  /** A name that is there gets a new version. */
  defineSegment: {
    method: "POST",
    path: "/v1/segments",
    roles: ["analyst"],
    request: z.strictObject({ name: segmentNameField, dataset: datasetNameField, definition: segmentDefinition }),
    maxBodyBytes: MAX_DEFINITION_BYTES,
    response: segmentVersion,
  },
  /** How many people it has now. Reads the dataset. */
  countSegment: {
    method: "GET",
    path: "/v1/segments/:name/count",
    roles: ["analyst"],
    request: z.strictObject({ name: segmentNameField, version: versionText.optional() }),
    response: z.object({ name: z.string(), version: z.number(), dataset: z.string(), people: z.number() }),
  },
  /** From now on these peers, instead of those before, see its name, version and description, and may ask for it as agreements
   * allow. */
  publishSegment: {
    method: "POST",
    path: "/v1/segments/:name/publication",
    roles: ["steward"],
    request: z.strictObject({
      name: segmentNameField,
      description: segmentDescriptionField,
      to: z.array(partyName).min(1).max(100),
      /** That was looked at: a newer one may have come meanwhile. */
      version,
    }),
    response: segment,
  },
  unpublishSegment: {
    method: "POST",
    path: "/v1/segments/:name/publication/end",
    roles: ["steward"],
    request: named,
    response: segment,
  },
  /** It can be neither asked for nor derived from any more; what was derived from it stays. */
  retireSegment: {
    method: "POST",
    path: "/v1/segments/:name/retirement",
    roles: ["analyst", "steward"],
    request: named,
    response: segment,
  },
} as const satisfies Record<string, Route>;
