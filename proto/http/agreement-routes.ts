/** Routes about agreements and what is left of their budgets. */
import * as z from "zod";
import { digestField, OPERATIONS, writtenText } from "../agreement/fields.ts";
import { budget, empty, type Route } from "./route.ts";

/** Its own schema (proto/agreement) says what is in it: one that this version cannot read is shown all the same. */
export const agreementDocument = z.record(z.string(), z.unknown());

const agreement = z.object({
  digest: z.string(),
  title: z.string(),
  parties: z.array(z.string()),
  signedBy: z.array(z.string()),
  state: z.enum(["proposed", "active", "superseded", "revoked", "expired"]),
  version: z.number(),
  validUntil: z.string(),
  document: agreementDocument,
});

export const AGREEMENT_ROUTES = {
  agreements: {
    method: "GET",
    path: "/v1/agreements",
    summary: "List the agreements",
    roles: ["analyst", "steward", "auditor"],
    request: empty,
    response: z.object({ agreements: z.array(agreement) }),
  },
  agreement: {
    method: "GET",
    path: "/v1/agreements/:digest",
    summary: "Show an agreement",
    roles: ["analyst", "steward", "auditor"],
    request: z.strictObject({ digest: digestField }),
    response: agreement,
  },
  proposeAgreement: {
    method: "POST",
    path: "/v1/agreements",
    summary: "Propose an agreement to the other party",
    roles: ["steward"],
    request: z.strictObject({ document: agreementDocument }),
    response: agreement.extend({ delivered: z.boolean() }),
  },
  signAgreement: {
    method: "POST",
    path: "/v1/agreements/:digest/signature",
    summary: "Sign an agreement",
    roles: ["steward"],
    request: z.strictObject({ digest: digestField }),
    response: agreement.extend({ delivered: z.boolean() }),
  },
  revokeAgreement: {
    method: "POST",
    path: "/v1/agreements/:digest/revocation",
    summary: "Revoke an agreement",
    description: "What runs under it stops at once and its tags are withdrawn; the peer is told.",
    roles: ["steward"],
    request: z
      .strictObject({ digest: digestField, reason: writtenText(300).optional() })
      .describe("The reason stays at this node, beside the log; the peer is not told."),
    response: agreement,
  },
  agreementSchema: {
    method: "GET",
    path: "/v1/agreement-schema",
    summary: "JSON Schema of an agreement, draft 2020-12",
    roles: ["analyst", "steward", "auditor", "operator"],
    request: empty,
    response: z.record(z.string(), z.unknown()),
  },
  budgets: {
    method: "GET",
    path: "/v1/budgets",
    summary: "Show what is left of each budget",
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
} as const satisfies Record<string, Route>;
