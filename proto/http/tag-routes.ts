/** Routes about tags: values, their catalogue, the batches that they came in, and who has opted out. */
import * as z from "zod";
import { digestField, NORMALISERS, tagKeyField, writtenText } from "../agreement/fields.ts";
import { TABLE_TYPES } from "./file-types.ts";
import { empty, type Route } from "./route.ts";

export const TAG_KINDS = ["marketing", "risk"] as const;

export const tagDefinition = z.strictObject({
  key: tagKeyField,
  kind: z.enum(TAG_KINDS).nullable(),
  valueType: z
    .union([z.enum(["text", "number"]), z.array(writtenText(64)).min(1).max(100)])
    .describe("Text, numbers, or a list: the values that there are."),
  owner: writtenText(100).nullable().describe("The person or team that answers for it."),
  purpose: writtenText(200).nullable(),
  ttlDays: z.int().min(1).max(3650).nullable().describe("Tags live so long at most, whatever a job asks for."),
  agreement: digestField.nullable().describe("The only one that it may be issued under."),
  description: writtenText(500).nullable(),
});
const definedTag = tagDefinition.extend({ definedAt: z.string(), definedBy: z.string() });
const catalogueEntry = definedTag.extend({
  isDeclared: z.boolean(),
  earlier: z.array(definedTag).describe("What people had said of it before, the latest first."),
});

/** The form of an id: the names of its parts' normalisers, joined by "+". */
const oneNormaliser = `(?:${NORMALISERS.join("|")})`;
const idForm = z
  .string()
  .max(300)
  .regex(new RegExp(`^${oneNormaliser}(?:\\+${oneNormaliser})*$`));
/** As the data has them; the parts of an id of several are separated by a tab. */
const ids = z.array(z.string().max(1000)).min(1).max(10_000);
const MAX_IDS_BYTES = 12 * 1024 * 1024;

const batch = z.object({
  batchId: z.number(),
  jobId: z.string(),
  key: z.string(),
  agreement: z.string(),
  model: z.string().nullable(),
  issuedAt: z.string(),
  expiresAt: z.string(),
  state: z.enum(["in-force", "superseded", "withdrawn", "expired", "removed"]),
  endedAt: z.string().nullable(),
  counts: z.record(z.string(), z.number()).describe("People by value, as issued."),
  current: z.number().describe("How many of them have that value now."),
  lineage: z
    .object({
      operation: z.string(),
      purpose: z.string(),
      requestedBy: z.string().nullable(),
      dataset: z.string(),
      datasetVersion: z.string(),
      peer: z.string(),
      peerDataset: z.string(),
      peerVersion: z.string().nullable().describe("As the receipt names it."),
      rulesDigest: z.string().nullable(),
    })
    .nullable(),
});

export const TAG_ROUTES = {
  tags: {
    method: "GET",
    path: "/v1/tags",
    summary: "Count the tags in force",
    roles: ["analyst"],
    request: empty,
    response: z.object({
      tags: z.array(z.object({ key: z.string(), value: z.string(), jobId: z.string(), count: z.number() })),
    }),
  },
  exportTags: {
    method: "GET",
    path: "/v1/tags/export",
    summary: "Tags in force, as a file",
    roles: ["analyst"],
    request: z
      .strictObject({
        format: z.enum(["csv", "parquet"]),
        key: tagKeyField.optional(),
        destination: writtenText(200).optional(),
      })
      .describe("The destination is committed to in the log; its text stays at this node."),
    response: z.never(),
    file: TABLE_TYPES,
  },
  tagCatalogue: {
    method: "GET",
    path: "/v1/tag-definitions",
    summary: "List the tags' definitions",
    roles: ["analyst", "steward", "auditor"],
    request: empty,
    response: z.object({ definitions: z.array(catalogueEntry) }),
  },
  defineTag: {
    method: "POST",
    path: "/v1/tag-definitions",
    summary: "Define a tag",
    description:
      "Binds the jobs that are asked for from then on. What somebody has defined already only a steward may define anew.",
    roles: ["analyst", "steward"],
    request: tagDefinition,
    response: catalogueEntry,
  },
  tagBatches: {
    method: "GET",
    path: "/v1/tag-batches",
    summary: "List the batches of tags",
    description: "Newest first.",
    roles: ["analyst"],
    request: empty,
    response: z.object({ batches: z.array(batch) }),
  },
  tagHistory: {
    method: "POST",
    path: "/v1/tag-history",
    summary: "What tags a person has had",
    description: "Newest first.",
    roles: ["analyst"],
    request: z.strictObject({ subject: z.string().min(1).max(1000).describe("An id, normalised.") }),
    response: z.object({
      tags: z.array(
        z.object({
          batchId: z.number(),
          key: z.string(),
          value: z.string(),
          jobId: z.string(),
          agreement: z.string(),
          issuedAt: z.string(),
          expiresAt: z.string(),
          state: z.enum(["current", "superseded", "withdrawn", "expired"]),
        }),
      ),
    }),
  },
  optOuts: {
    method: "GET",
    path: "/v1/opt-outs",
    summary: "List the opt-out lists",
    roles: ["analyst", "steward"],
    request: empty,
    response: z.object({
      lists: z.array(z.object({ form: z.string(), count: z.number(), lastAddedAt: z.string() })),
    }),
  },
  optOutPage: {
    method: "GET",
    path: "/v1/opt-outs/:form",
    summary: "Read an opt-out list",
    description: "Whom the list names, page after page.",
    roles: ["steward"],
    request: z.strictObject({ form: idForm, after: z.string().max(64).optional() }),
    response: z.object({
      entries: z.array(z.object({ id: z.string(), addedAt: z.string(), person: z.string() })),
      next: z.string().nullable(),
    }),
  },
  addOptOuts: {
    method: "POST",
    path: "/v1/opt-outs",
    summary: "Add people to an opt-out list",
    roles: ["analyst", "steward"],
    request: z.strictObject({ form: idForm, ids }),
    maxBodyBytes: MAX_IDS_BYTES,
    response: z.object({
      added: z.number(),
      withdrawnTags: z.number(),
      rejected: z.array(z.object({ index: z.number(), reason: z.string() })),
    }),
  },
  removeOptOuts: {
    method: "POST",
    path: "/v1/opt-outs/removal",
    summary: "Take people off an opt-out list",
    roles: ["steward"],
    request: z.strictObject({ form: idForm, ids }),
    maxBodyBytes: MAX_IDS_BYTES,
    response: z.object({ removed: z.number() }),
  },
} as const satisfies Record<string, Route>;
