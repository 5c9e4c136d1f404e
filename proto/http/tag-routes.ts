/** Routes about tags: values, their catalogue, the batches that they came in, and who has opted out. */
import * as z from "zod";
import { digestField, NORMALISERS, tagKeyField, writtenText } from "../agreement/fields.ts";
import { empty, type Route } from "./route.ts";

export const TAG_KINDS = ["marketing", "risk"] as const;

export const tagDefinition = z.strictObject({
  key: tagKeyField,
  kind: z.enum(TAG_KINDS).nullable(),
  /** A list: the values that there are. */
  valueType: z.union([z.enum(["text", "number"]), z.array(writtenText(64)).min(1).max(100)]),
  /** The person or team that answers for it. */
  owner: writtenText(100).nullable(),
  purpose: writtenText(200).nullable(),
  /** Tags live so long at most, whatever a job asks for. */
  ttlDays: z.int().min(1).max(3650).nullable(),
  /** The only one that it may be issued under. */
  agreement: digestField.nullable(),
  description: writtenText(500).nullable(),
});
const definedTag = tagDefinition.extend({ definedAt: z.string(), definedBy: z.string() });
const catalogueEntry = definedTag.extend({
  isDeclared: z.boolean(),
  /** What people had said of it before, the latest first. */
  earlier: z.array(definedTag),
});

/** The form of an id: the names of its parts' normalisers, joined by "+". */
const idForm = z
  .string()
  .max(300)
  .refine(
    (form) => form.split("+").every((name) => (NORMALISERS as readonly string[]).includes(name)),
    "no such normaliser",
  );
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
  /** People by value as issued, and how many of them have that value now. */
  counts: z.record(z.string(), z.number()),
  current: z.number(),
  lineage: z
    .object({
      operation: z.string(),
      purpose: z.string(),
      requestedBy: z.string().nullable(),
      dataset: z.string(),
      datasetVersion: z.string(),
      peer: z.string(),
      peerDataset: z.string(),
      /** As the receipt names it. */
      peerVersion: z.string().nullable(),
      rulesDigest: z.string().nullable(),
    })
    .nullable(),
});

export const TAG_ROUTES = {
  tags: {
    method: "GET",
    path: "/v1/tags",
    roles: ["analyst"],
    request: empty,
    response: z.object({
      tags: z.array(z.object({ key: z.string(), value: z.string(), jobId: z.string(), count: z.number() })),
    }),
  },
  /** Answers with a file, not JSON. */
  exportTags: {
    method: "GET",
    path: "/v1/tags/export",
    roles: ["analyst"],
    /** The destination is committed to in the log; its text stays at this node. */
    request: z.strictObject({
      format: z.enum(["csv", "parquet"]),
      key: tagKeyField.optional(),
      destination: writtenText(200).optional(),
    }),
    response: z.never(),
  },
  tagCatalogue: {
    method: "GET",
    path: "/v1/tag-definitions",
    roles: ["analyst", "steward", "auditor"],
    request: empty,
    response: z.object({ definitions: z.array(catalogueEntry) }),
  },
  /** Binds the jobs that are asked for from then on. What somebody has defined already only a steward may define anew. */
  defineTag: {
    method: "POST",
    path: "/v1/tag-definitions",
    roles: ["analyst", "steward"],
    request: tagDefinition,
    response: catalogueEntry,
  },
  /** Newest first. */
  tagBatches: {
    method: "GET",
    path: "/v1/tag-batches",
    roles: ["analyst"],
    request: empty,
    response: z.object({ batches: z.array(batch) }),
  },
  /** What a person has had, newest first. */
  tagHistory: {
    method: "POST",
    path: "/v1/tag-history",
    roles: ["analyst"],
    /** Normalised. */
    request: z.strictObject({ subject: z.string().min(1).max(1000) }),
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
    roles: ["analyst", "steward"],
    request: empty,
    response: z.object({
      lists: z.array(z.object({ form: z.string(), count: z.number(), lastAddedAt: z.string() })),
    }),
  },
  /** Whom the list names, page after page. */
  optOutPage: {
    method: "GET",
    path: "/v1/opt-outs/:form",
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
    roles: ["steward"],
    request: z.strictObject({ form: idForm, ids }),
    maxBodyBytes: MAX_IDS_BYTES,
    response: z.object({ removed: z.number() }),
  },
} as const satisfies Record<string, Route>;
