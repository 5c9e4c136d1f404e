/**
 * Routes by which a person gets a token by signing in with the organisation's own accounts (OpenID Connect), and gives it back.
 * The first three are the only ones of the API that anybody may call; each that costs something is counted by address.
 */
import * as z from "zod";
import { ANYBODY, empty, ROLES, type Route } from "./route.ts";

/** 32 bytes in base64url: of the node's state and the page's verifier, and of a SHA-256 (RFC 7636 section 4). */
const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
/** What a sign-in service puts into an address: visible ASCII (RFC 6749 appendix A). */
const visible = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .regex(/^[\x20-\x7e]+$/);

export const SIGN_IN_ROUTES = {
  signInWays: {
    method: "GET",
    path: "/v1/sign-in",
    summary: "How people sign in here, beside by token",
    roles: ANYBODY,
    request: empty,
    response: z.object({
      organisation: z
        .object({ name: z.string().describe("What people here call their account, for a button.") })
        .nullable()
        .describe("Null where only tokens count."),
    }),
  },
  beginSignIn: {
    method: "POST",
    path: "/v1/sign-in/attempts",
    summary: "Begin to sign in with an account of the organisation",
    description:
      "For a page that keeps a verifier of 32 random bytes in base64url to itself. It is good for ten minutes.",
    roles: ANYBODY,
    request: z.strictObject({ challenge: bytes32.describe("SHA-256 of the verifier's text, in base64url.") }),
    response: z.object({
      authorizationUrl: z
        .url({ protocol: /^https?$/ })
        .describe("Where to send the person; the sign-in service sends them back to the console's address."),
      state: bytes32.describe("Comes back with the person: tells which verifier belongs to it."),
    }),
  },
  finishSignIn: {
    method: "POST",
    path: "/v1/sign-in/tokens",
    summary: "Take a token for what the sign-in service sent the person back with",
    description: "Once for each state, whatever comes of it.",
    roles: ANYBODY,
    request: z.strictObject({
      verifier: bytes32,
      state: bytes32,
      code: visible(4096).optional(),
      iss: visible(2048).optional().describe("Who answers (RFC 9207)."),
      error: visible(128).optional().describe("In the place of a code (RFC 6749 section 4.1.2.1)."),
    }),
    response: z.object({
      token: z.string(),
      tokenId: z.string(),
      person: z.string(),
      roles: z.array(z.enum(ROLES)),
      expiresAt: z.string(),
    }),
  },
  signOut: {
    method: "POST",
    path: "/v1/sign-out",
    summary: "End the token that the request comes with, at once and for good",
    roles: ROLES,
    request: empty,
    response: z.object({ tokenId: z.string() }),
  },
} as const satisfies Record<string, Route>;
