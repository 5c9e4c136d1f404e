/**
 * The HTTP API of a node, for its own organisation's users: one entry per route with its method, path and the schemas of
 * what goes in and what comes out. The server checks requests with them, the client checks answers.
 */
import * as z from "zod";
import {
  datasetNameField,
  digestField,
  jobIdField,
  NORMALISERS,
  OPERATIONS,
  partyName,
  tagKeyField,
} from "../agreement/fields.ts";

const errorBody = z.object({
  code: z.string(),
  message: z.string(),
  detail: z.string().optional(),
  who: z.string(),
  retryable: z.boolean(),
});
export const errorResponse = z.object({ error: errorBody });

const nodeInfo = z.object({
  party: z.string(),
  fingerprint: z.string(),
  coordinator: z.string().nullable(),
  connected: z.boolean(),
  version: z.string(),
});

const peer = z.object({ party: z.string(), fingerprint: z.string(), confirmed: z.boolean(), connected: z.boolean() });

const column = z.object({ name: z.string(), type: z.string() });
const dataset = z.object({
  name: z.string(),
  version: z.string(),
  format: z.string(),
  idColumn: z.string(),
  normaliser: z.string(),
  columns: z.array(column),
  rows: z.number(),
  /** Distinct usable ids: what takes part in a job. */
  accepted: z.number(),
  duplicates: z.number(),
  rejected: z.record(z.string(), z.number()),
  /** On the node's own disk: the rows set aside, with line and reason. */
  quarantine: z.string().nullable(),
  registeredAt: z.string(),
});

const peerDataset = z.object({ name: z.string(), normaliser: z.string(), columns: z.array(column) });

const agreement = z.object({
  digest: z.string(),
  title: z.string(),
  parties: z.array(z.string()),
  signedBy: z.array(z.string()),
  state: z.enum(["proposed", "active", "expired"]),
  validUntil: z.string(),
  document: z.record(z.string(), z.unknown()),
});

const publicError = z.object({ code: z.string(), message: z.string(), detail: z.string().optional(), who: z.string() });

const job = z.object({
  jobId: z.string(),
  operation: z.enum(OPERATIONS),
  role: z.enum(["receiver", "provider"]),
  peer: z.string(),
  agreement: z.string(),
  state: z.enum(["proposed", "admitted", "running", "releasing", "done", "refused", "failed"]),
  updatedAt: z.string(),
  /** What it is doing now; null when it has ended. */
  progress: z.object({ step: z.string(), done: z.number(), total: z.number() }).nullable(),
  reason: publicError.extend({ by: z.enum(["own", "peer"]).optional() }).nullable(),
  withheld: z.boolean(),
  /** What this side put in, exactly, and the other's size class as a range: all it knows of the other's list. */
  ownRows: z.number(),
  peerRows: z.object({ from: z.number(), to: z.number() }).nullable(),
  summary: z
    .object({
      matched: z.number().optional(),
      tags: z.record(z.string(), z.number()).optional(),
      seconds: z.number(),
      bytesSent: z.number(),
      bytesReceived: z.number(),
    })
    .nullable(),
});

const jobRequest = z.strictObject({
  operation: z.enum(OPERATIONS),
  agreement: digestField,
  dataset: datasetNameField,
  peerDataset: datasetNameField,
  /** What to issue to the matched people. */
  tag: z.strictObject({
    key: tagKeyField,
    value: z.string().min(1).max(64).optional(),
    expiresInDays: z.int().min(1).max(3650).default(90),
  }),
  /** The model document; for `score` only. */
  model: z.unknown().optional(),
});

const empty = z.strictObject({});

export const ROUTES = {
  node: { method: "GET", path: "/v1/node", request: empty, response: nodeInfo },
  enrol: {
    method: "POST",
    path: "/v1/enrolment",
    request: z.strictObject({ invite: z.string().min(1).max(4096) }),
    response: nodeInfo,
  },
  invite: {
    method: "POST",
    path: "/v1/invites",
    request: z.strictObject({ party: partyName }),
    response: z.object({ code: z.string() }),
  },
  peers: { method: "GET", path: "/v1/peers", request: empty, response: z.object({ peers: z.array(peer) }) },
  confirmPeer: {
    method: "POST",
    path: "/v1/peers/:party/confirmation",
    request: z.strictObject({ party: partyName, fingerprint: z.string().max(128) }),
    response: peer,
  },
  peerDatasets: {
    method: "GET",
    path: "/v1/peers/:party/datasets",
    request: z.strictObject({ party: partyName }),
    response: z.object({ datasets: z.array(peerDataset) }),
  },
  datasets: { method: "GET", path: "/v1/datasets", request: empty, response: z.object({ datasets: z.array(dataset) }) },
  registerDataset: {
    method: "POST",
    path: "/v1/datasets",
    request: z.strictObject({
      name: datasetNameField,
      /** Absolute path on the node's machine. */
      path: z.string().min(1).max(4096),
      idColumn: z.string().min(1).max(64),
      normaliser: z.enum(NORMALISERS),
    }),
    response: dataset,
  },
  agreements: {
    method: "GET",
    path: "/v1/agreements",
    request: empty,
    response: z.object({ agreements: z.array(agreement) }),
  },
  agreement: {
    method: "GET",
    path: "/v1/agreements/:digest",
    request: z.strictObject({ digest: digestField }),
    response: agreement,
  },
  proposeAgreement: {
    method: "POST",
    path: "/v1/agreements",
    request: z.strictObject({ document: z.record(z.string(), z.unknown()) }),
    response: agreement.extend({ delivered: z.boolean() }),
  },
  signAgreement: {
    method: "POST",
    path: "/v1/agreements/:digest/signature",
    request: z.strictObject({ digest: digestField }),
    response: agreement.extend({ delivered: z.boolean() }),
  },
  jobs: { method: "GET", path: "/v1/jobs", request: empty, response: z.object({ jobs: z.array(job) }) },
  job: { method: "GET", path: "/v1/jobs/:jobId", request: z.strictObject({ jobId: jobIdField }), response: job },
  startJob: { method: "POST", path: "/v1/jobs", request: jobRequest, response: job },
  tags: {
    method: "GET",
    path: "/v1/tags",
    request: empty,
    response: z.object({
      tags: z.array(z.object({ key: z.string(), value: z.string(), jobId: z.string(), count: z.number() })),
    }),
  },
  /** Answers with a file, not JSON. */
  exportTags: {
    method: "GET",
    path: "/v1/tags/export",
    request: z.strictObject({ format: z.enum(["csv", "parquet"]), key: tagKeyField.optional() }),
    response: z.never(),
  },
  auditFiles: {
    method: "GET",
    path: "/v1/audit/:collaboration/files",
    request: z.strictObject({ collaboration: z.string().regex(/^[0-9a-f]{32}$/) }),
    response: z.object({ files: z.array(z.object({ path: z.string(), base64: z.string() })) }),
  },
} as const satisfies Record<string, { method: "GET" | "POST"; path: string; request: z.ZodType; response: z.ZodType }>;

export type RouteName = keyof typeof ROUTES;
/** What a caller gives; defaults are filled in by the server. */
export type RouteRequest<N extends RouteName> = z.input<(typeof ROUTES)[N]["request"]>;
export type RouteInput<N extends RouteName> = z.output<(typeof ROUTES)[N]["request"]>;
export type RouteResponse<N extends RouteName> = z.output<(typeof ROUTES)[N]["response"]>;
