/** Routes about people's access. */
import * as z from "zod";
import { writtenText } from "../agreement/fields.ts";
import { empty, ROLES, type Route } from "./route.ts";

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

export const TOKEN_ROUTES = {
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
