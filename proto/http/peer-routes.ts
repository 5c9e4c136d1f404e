/** Routes about peers: who they are, confirming them, what they offer. */
import * as z from "zod";
import { partyName } from "../agreement/fields.ts";
import { column, empty, idColumn, ROLES, type Route } from "./route.ts";

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

const peerDataset = z.object({
  name: z.string(),
  ids: z.array(idColumn),
  columns: z.array(column),
  segments: z
    .array(z.object({ name: z.string(), version: z.number(), description: z.string() }))
    .describe("Those that the peer has published to this node: a job may name one, with its version."),
});

export const PEER_ROUTES = {
  peers: {
    method: "GET",
    path: "/v1/peers",
    summary: "List the peers",
    roles: ROLES,
    request: empty,
    response: z.object({ peers: z.array(peer) }),
  },
  confirmPeer: {
    method: "POST",
    path: "/v1/peers/:party/confirmation",
    summary: "Confirm a peer by its fingerprint",
    roles: ["steward"],
    request: z.strictObject({ party: partyName, fingerprint: z.string().max(128) }),
    response: peer,
  },
  acceptSuccession: {
    method: "POST",
    path: "/v1/peers/:party/succession",
    summary: "Confirm a peer's new identity by its fingerprint",
    roles: ["steward"],
    request: z.strictObject({ party: partyName, fingerprint: z.string().max(128) }),
    response: peer,
  },
  peerDatasets: {
    method: "GET",
    path: "/v1/peers/:party/datasets",
    summary: "List the datasets that a peer offers",
    roles: ["analyst", "steward"],
    request: z.strictObject({ party: partyName }),
    response: z.object({ datasets: z.array(peerDataset) }),
  },
} as const satisfies Record<string, Route>;
