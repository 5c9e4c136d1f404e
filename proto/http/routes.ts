/**
 * The HTTP API of a node, for its own organisation's users: one entry per route with its method, path and the schemas of
 * what goes in and what comes out. The server checks requests with them, the client checks answers.
 */
import * as z from "zod";
import {
  datasetNameField,
  digestField,
  hexKey,
  jobIdField,
  NORMALISERS,
  OPERATIONS,
  OUTPUTS,
  partyName,
  purposeIdField,
  tagKeyField,
  writtenText,
} from "../agreement/fields.ts";
import { tiersSchema } from "../model/header.ts";
import { MAX_RULES } from "../tags/rule.ts";

/**
 * What a user of a node may be. An analyst runs jobs and takes their results; a steward binds the organisation: signs
 * agreements, confirms peers, approves jobs; an auditor reads what happened, without results; an operator enrols the
 * node and issues tokens.
 */
export const ROLES = ["analyst", "steward", "auditor", "operator"] as const;
export type Role = (typeof ROLES)[number];
const EVERYONE = ROLES;

/** A route of the API. Without roles it does not compile: nobody may call what names nobody. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly roles: readonly [Role, ...Role[]];
  readonly request: z.ZodType;
  readonly response: z.ZodType;
  /** Of a request's body, instead of the server's limit for all. */
  readonly maxBodyBytes?: number;
}

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

/** A new identity in the place of a lost one, which this node does not follow before a person has confirmed it and its time has
 * come. */
const succession = z.object({
  fingerprint: z.string(),
  firstSeenAt: z.string(),
  effectiveAt: z.string(),
  confirmed: z.boolean(),
});
const peer = z.object({
  party: z.string(),
  fingerprint: z.string(),
  confirmed: z.boolean(),
  connected: z.boolean(),
  succession: succession.nullable(),
});

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
  state: z.enum(["proposed", "active", "superseded", "revoked", "expired"]),
  version: z.number(),
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
  output: z.enum(OUTPUTS),
  /** A person at this node decides before it runs. */
  awaitsApproval: z.boolean(),
  withheld: z.boolean(),
  /** What this side put in, exactly, and the other's size class as a range: all it knows of the other's list. */
  ownRows: z.number(),
  peerRows: z.object({ from: z.number(), to: z.number() }).nullable(),
  summary: z
    .object({
      matched: z.number().optional(),
      /** Of a match rate: a whole percent, or ">85%". */
      matchRate: z.string().optional(),
      tags: z.record(z.string(), z.number()).optional(),
      seconds: z.number(),
      bytesSent: z.number(),
      bytesReceived: z.number(),
    })
    .nullable(),
});

export const DEFAULT_TAG_DAYS = 90;
/** A dump of 2,000 trees is some megabytes of JSON. */
const MAX_JOB_BYTES = 16 * 1024 * 1024;

const jobRequest = z.strictObject({
  operation: z.enum(OPERATIONS),
  agreement: digestField,
  dataset: datasetNameField,
  peerDataset: datasetNameField,
  /** What to issue to the matched people to whom no rule issues that key; the key may be left out where there are rules. */
  tag: z
    .strictObject({
      key: tagKeyField.optional(),
      value: z.string().min(1).max(64).optional(),
      expiresInDays: z.int().min(1).max(3650).default(DEFAULT_TAG_DAYS),
    })
    .optional(),
  /** Tag rules, in text or JSON (proto/tags), over the own columns and, of a score, `tier` and `score`. */
  rules: z.array(z.unknown()).min(1).max(MAX_RULES).optional(),
  /** One of those that the agreement allows; its first by default. A match rate issues no tags. */
  output: z.enum(OUTPUTS).optional(),
  /** One of the agreement's purposes; its first by default. */
  purpose: purposeIdField.optional(),
  /** One SQL expression over the own dataset's columns: who of it takes part. */
  filter: z.string().min(1).max(4000).optional(),
  /** Of a score whose alignment is agreed to be shared: the earlier audience whose people are scored. */
  audience: jobIdField.optional(),
  /** The model document; for `score` only. */
  model: z.unknown().optional(),
});

const leak = z.object({
  text: z.string(),
  parts: z.record(z.string(), z.string().nullable()),
  /** SHA-256 of the text: what an approval names in evidence. */
  digest: z.string(),
});

const budget = z.object({
  runsInEpoch: z.number(),
  runsPerEpoch: z.number(),
  runsToday: z.number(),
  runsPerDay: z.number(),
  modelVersions: z.number(),
  modelVersionsAllowed: z.number(),
  datasetVersions: z.number(),
  datasetVersionsAllowed: z.number(),
  epochEndsAt: z.string(),
});

const rule = z.object({
  code: z.string(),
  outcome: z.enum(["passed", "failed"]),
  inputs: z.record(z.string(), z.number()),
});

const token = z.object({
  tokenId: z.string(),
  person: z.string(),
  roles: z.array(z.enum(ROLES)),
  state: z.enum(["active", "expired", "revoked"]),
  createdAt: z.string(),
  /** Person; null for the node's first token. */
  createdBy: z.string().nullable(),
  expiresAt: z.string(),
  revokedAt: z.string().nullable(),
  /** UTC day, as 2026-01-31. */
  lastUsedOn: z.string().nullable(),
});

const tokenRequest = z.strictObject({
  /** Who holds it. White space is made single, so that one name has one spelling. */
  person: z
    .string()
    .max(256)
    .transform((text) => text.normalize("NFC").replaceAll(/\s+/g, " ").trim())
    .pipe(writtenText(64)),
  roles: z.array(z.enum(ROLES)).min(1).max(ROLES.length),
  expiresInDays: z.int().min(1).max(366).default(90),
});

/** Requests that were denied within one minute, of one token to one route. */
const denial = z.object({
  /** When that minute began. */
  at: z.string(),
  /** Null when the request named none that this node issued. */
  tokenId: z.string().nullable(),
  person: z.string().nullable(),
  /** Null when the token was refused: it is looked at first. */
  route: z.string().nullable(),
  code: z.string(),
  count: z.number(),
});

/** A collaboration's log at this node. */
const collaboration = z.object({
  collaboration: z.string(),
  peer: z.string(),
  origin: z.string(),
  entries: z.number(),
  /** How many of them are under a checkpoint that the peer has cosigned. */
  cosigned: z.number(),
  state: z.enum(["open", "read-only", "forked", "frozen"]),
  /** What a person should do, when it is not open. */
  advice: z.string().nullable(),
});
const inCollaboration = z.strictObject({ collaboration: z.string().regex(/^[0-9a-f]{32}$/) });

const empty = z.strictObject({});

export const ROUTES = {
  node: { method: "GET", path: "/v1/node", roles: EVERYONE, request: empty, response: nodeInfo },
  enrol: {
    method: "POST",
    path: "/v1/enrolment",
    roles: ["operator"],
    request: z.strictObject({ invite: z.string().min(1).max(4096) }),
    response: nodeInfo,
  },
  invite: {
    method: "POST",
    path: "/v1/invites",
    roles: ["operator"],
    request: z.strictObject({ party: partyName }),
    response: z.object({ code: z.string() }),
  },
  peers: {
    method: "GET",
    path: "/v1/peers",
    roles: EVERYONE,
    request: empty,
    response: z.object({ peers: z.array(peer) }),
  },
  confirmPeer: {
    method: "POST",
    path: "/v1/peers/:party/confirmation",
    roles: ["steward"],
    request: z.strictObject({ party: partyName, fingerprint: z.string().max(128) }),
    response: peer,
  },
  acceptSuccession: {
    method: "POST",
    path: "/v1/peers/:party/succession",
    roles: ["steward"],
    request: z.strictObject({ party: partyName, fingerprint: z.string().max(128) }),
    response: peer,
  },
  peerDatasets: {
    method: "GET",
    path: "/v1/peers/:party/datasets",
    roles: ["analyst", "steward"],
    request: z.strictObject({ party: partyName }),
    response: z.object({ datasets: z.array(peerDataset) }),
  },
  datasets: {
    method: "GET",
    path: "/v1/datasets",
    roles: ["analyst", "steward", "operator"],
    request: empty,
    response: z.object({ datasets: z.array(dataset) }),
  },
  registerDataset: {
    method: "POST",
    path: "/v1/datasets",
    roles: ["analyst", "operator"],
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
    roles: ["analyst", "steward", "auditor"],
    request: empty,
    response: z.object({ agreements: z.array(agreement) }),
  },
  agreement: {
    method: "GET",
    path: "/v1/agreements/:digest",
    roles: ["analyst", "steward", "auditor"],
    request: z.strictObject({ digest: digestField }),
    response: agreement,
  },
  proposeAgreement: {
    method: "POST",
    path: "/v1/agreements",
    roles: ["steward"],
    request: z.strictObject({ document: z.record(z.string(), z.unknown()) }),
    response: agreement.extend({ delivered: z.boolean() }),
  },
  signAgreement: {
    method: "POST",
    path: "/v1/agreements/:digest/signature",
    roles: ["steward"],
    request: z.strictObject({ digest: digestField }),
    response: agreement.extend({ delivered: z.boolean() }),
  },
  /** What runs under it stops at once and its tags are withdrawn; the peer is told. */
  revokeAgreement: {
    method: "POST",
    path: "/v1/agreements/:digest/revocation",
    roles: ["steward"],
    /** The reason stays at this node, beside the log; the peer is not told. */
    request: z.strictObject({ digest: digestField, reason: writtenText(300).optional() }),
    response: agreement,
  },
  /** JSON Schema of an agreement, draft 2020-12. */
  agreementSchema: {
    method: "GET",
    path: "/v1/agreement-schema",
    roles: ["analyst", "steward", "auditor", "operator"],
    request: empty,
    response: z.record(z.string(), z.unknown()),
  },
  budgets: {
    method: "GET",
    path: "/v1/budgets",
    roles: ["analyst", "steward", "auditor"],
    request: empty,
    response: z.object({
      budgets: z.array(
        budget.extend({
          agreement: z.string(),
          operation: z.enum(OPERATIONS),
          receiver: z.string(),
          receiverDataset: z.string(),
          providerDataset: z.string(),
        }),
      ),
    }),
  },
  /** Jobs that wait for a person here, with what that person must know. */
  approvals: {
    method: "GET",
    path: "/v1/approvals",
    roles: ["steward"],
    request: empty,
    response: z.object({
      approvals: z.array(z.object({ job, purpose: z.string(), purposeText: z.string(), leakStatement: leak })),
    }),
  },
  decideJob: {
    method: "POST",
    path: "/v1/jobs/:jobId/decision",
    roles: ["steward"],
    request: z.strictObject({
      jobId: jobIdField,
      decision: z.enum(["approve", "decline"]),
      reason: writtenText(300).optional(),
    }),
    response: job,
  },
  leakStatement: {
    method: "GET",
    path: "/v1/jobs/:jobId/leak-statement",
    roles: ["analyst", "steward", "auditor"],
    request: z.strictObject({ jobId: jobIdField }),
    response: leak,
  },
  /** Whether a job would be allowed, why, what it would cost and tell whom. Nothing is recorded, and the peer not asked. */
  dryRun: {
    method: "POST",
    path: "/v1/dry-runs",
    roles: ["analyst", "steward"],
    request: jobRequest,
    maxBodyBytes: MAX_JOB_BYTES,
    response: z.object({
      allowed: z.boolean(),
      refusedBy: publicError.nullable(),
      /** Whether a person at this node would have to approve it; the peer's approval is the peer's to say. */
      needsApproval: z.boolean(),
      rules: z.array(rule),
      /** As it is now: an allowed job adds one run. */
      budget: budget.nullable(),
      leakStatement: leak,
    }),
  },
  jobs: {
    method: "GET",
    path: "/v1/jobs",
    roles: ["analyst", "steward", "auditor"],
    request: empty,
    response: z.object({ jobs: z.array(job) }),
  },
  job: {
    method: "GET",
    path: "/v1/jobs/:jobId",
    roles: ["analyst", "steward", "auditor"],
    request: z.strictObject({ jobId: jobIdField }),
    response: job,
  },
  startJob: {
    method: "POST",
    path: "/v1/jobs",
    roles: ["analyst"],
    request: jobRequest,
    response: job,
    maxBodyBytes: MAX_JOB_BYTES,
  },
  /** For an agreement's `tiers`. The node keeps bounds and salt: every commitment is another one. */
  commitTiers: {
    method: "POST",
    path: "/v1/tier-commitments",
    roles: ["analyst", "steward"],
    request: z.strictObject({ tiers: tiersSchema }),
    response: z.object({ commitment: hexKey }),
  },
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
  auditFiles: {
    method: "GET",
    path: "/v1/audit/:collaboration/files",
    roles: ["auditor"],
    request: z.strictObject({ collaboration: z.string().regex(/^[0-9a-f]{32}$/) }),
    response: z.object({ files: z.array(z.object({ path: z.string(), base64: z.string() })) }),
  },
  collaborations: {
    method: "GET",
    path: "/v1/collaborations",
    roles: ["analyst", "steward", "auditor", "operator"],
    request: empty,
    response: z.object({ collaborations: z.array(collaboration) }),
  },
  /** Checkpoints of one log that do not agree, as this node has kept them. */
  forks: {
    method: "GET",
    path: "/v1/collaborations/:collaboration/forks",
    roles: ["auditor", "operator"],
    request: inCollaboration,
    response: z.object({ files: z.array(z.object({ path: z.string(), base64: z.string() })) }),
  },
  recoverLog: {
    method: "POST",
    path: "/v1/collaborations/:collaboration/recovery",
    roles: ["operator"],
    request: inCollaboration,
    response: collaboration,
  },
  resumeCollaboration: {
    method: "POST",
    path: "/v1/collaborations/:collaboration/resumption",
    roles: ["steward"],
    request: inCollaboration,
    response: collaboration,
  },
  rotateKeys: {
    method: "POST",
    path: "/v1/keys/rotation",
    roles: ["operator"],
    request: empty,
    response: z.object({ validFrom: z.string(), validUntil: z.string() }),
  },
  rotateIdentity: {
    method: "POST",
    path: "/v1/keys/identity",
    roles: ["operator"],
    request: empty,
    response: z.object({ fingerprint: z.string(), validFrom: z.string(), validUntil: z.string() }),
  },
  tokens: {
    method: "GET",
    path: "/v1/tokens",
    roles: ["auditor", "operator"],
    request: empty,
    response: z.object({ tokens: z.array(token) }),
  },
  /** The only answer that ever shows the token itself. */
  createToken: {
    method: "POST",
    path: "/v1/tokens",
    roles: ["operator"],
    request: tokenRequest,
    response: token.extend({ token: z.string() }),
  },
  revokeToken: {
    method: "POST",
    path: "/v1/tokens/:tokenId/revocation",
    roles: ["operator"],
    request: z.strictObject({ tokenId: z.string().regex(/^[0-9a-f]{16}$/) }),
    response: token,
  },
  /** Newest first. */
  denials: {
    method: "GET",
    path: "/v1/denials",
    roles: ["auditor", "operator"],
    request: empty,
    response: z.object({ denials: z.array(denial) }),
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
/** What a caller gives; defaults are filled in by the server. */
export type RouteRequest<N extends RouteName> = z.input<(typeof ROUTES)[N]["request"]>;
export type RouteInput<N extends RouteName> = z.output<(typeof ROUTES)[N]["request"]>;
export type RouteResponse<N extends RouteName> = z.output<(typeof ROUTES)[N]["response"]>;
