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
  createdBy: z
    .string()
    .nullable()
    .describe("Person, or the address of the sign-in service; null for the node's first token."),
  expiresAt: z.string(),
  revokedAt: z.string().nullable(),
  lastUsedOn: z.string().nullable().describe("UTC day, as 2026-01-31."),
});

/** Who holds a token. White space is made single, so that one name has one spelling. */
export const personName = z
  .string()
  .max(256)
  .transform((text) => text.normalize("NFC").replaceAll(/\s+/g, " ").trim())
  .pipe(writtenText(64));

const tokenRequest = z.strictObject({
  person: personName.describe("Who holds it. White space is made single, so that one name has one spelling."),
  roles: z.array(z.enum(ROLES)).min(1).max(ROLES.length),
  expiresInDays: z.int().min(1).max(366).default(90),
});

/** Requests that were denied within one minute, of one token to one route. */
const denial = z.object({
  at: z.string().describe("When that minute began."),
  tokenId: z.string().nullable().describe("Null when the request named none that this node issued."),
  person: z.string().nullable(),
  route: z.string().nullable().describe("Null when the token was refused: it is looked at first."),
  code: z.string(),
  count: z.number(),
});

export const TOKEN_ROUTES = {
  session: {
    method: "GET",
    path: "/v1/session",
    summary: "Show whose token this is",
    description: "Whose token came with the request, and what it is good for.",
    roles: ROLES,
    request: empty,
    response: z.object({
      party: z.string(),
      tokenId: z.string(),
      person: z.string(),
      roles: z.array(z.enum(ROLES)),
      expiresAt: z.string(),
    }),
  },
  tokens: {
    method: "GET",
    path: "/v1/tokens",
    summary: "List the tokens",
    roles: ["auditor", "operator"],
    request: empty,
    response: z.object({ tokens: z.array(token) }),
  },
  createToken: {
    method: "POST",
    path: "/v1/tokens",
    summary: "Create a token",
    description: "The only answer that ever shows the token itself.",
    roles: ["operator"],
    request: tokenRequest,
    response: token.extend({ token: z.string() }),
  },
  revokeToken: {
    method: "POST",
    path: "/v1/tokens/:tokenId/revocation",
    summary: "Revoke a token",
    roles: ["operator"],
    request: z.strictObject({ tokenId: z.string().regex(/^[0-9a-f]{16}$/) }),
    response: token,
  },
  denials: {
    method: "GET",
    path: "/v1/denials",
    summary: "List the requests that were denied",
    description: "Newest first.",
    roles: ["auditor", "operator"],
    request: empty,
    response: z.object({ denials: z.array(denial) }),
  },
} as const satisfies Record<string, Route>;
