/** Routes of the node itself: who it is, enrolment, keys. */
import * as z from "zod";
import { partyName } from "../agreement/fields.ts";
import { empty, ROLES, type Route } from "./route.ts";

const nodeInfo = z.object({
  party: z.string(),
  fingerprint: z.string(),
  coordinator: z.string().nullable(),
  connected: z.boolean(),
  version: z.string(),
});

export const NODE_ROUTES = {
  node: {
    method: "GET",
    path: "/v1/node",
    summary: "Who this node is, and whether it is connected",
    roles: ROLES,
    request: empty,
    response: nodeInfo,
  },
  enrol: {
    method: "POST",
    path: "/v1/enrolment",
    summary: "Enrol the node with an invite",
    roles: ["operator"],
    request: z.strictObject({ invite: z.string().min(1).max(4096) }),
    response: nodeInfo,
  },
  invite: {
    method: "POST",
    path: "/v1/invites",
    summary: "Make an invite for a new party",
    roles: ["operator"],
    request: z.strictObject({ party: partyName }),
    response: z.object({ code: z.string(), expiresAt: z.string() }),
  },
  rotateKeys: {
    method: "POST",
    path: "/v1/keys/rotation",
    summary: "Replace the node's signing keys",
    roles: ["operator"],
    request: empty,
    response: z.object({ validFrom: z.string(), validUntil: z.string() }),
  },
  rotateIdentity: {
    method: "POST",
    path: "/v1/keys/identity",
    summary: "Replace the party's identity key",
    roles: ["operator"],
    request: empty,
    response: z.object({ fingerprint: z.string(), validFrom: z.string(), validUntil: z.string() }),
  },
} as const satisfies Record<string, Route>;
