/** Errors of signing in with an organisation's own account. */
import { type CatalogueEntry, entry, FAILED_PRECONDITION, PERMISSION_DENIED, UNAVAILABLE } from "./entry.ts";

export const SIGN_IN = {
  SIGN_IN_INVALID: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The sign-in cannot be accepted: it was used before, took too long, or did not begin in this page. Begin it again.",
  ),
  SIGN_IN_REFUSED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The organisation's sign-in service has not signed this person in. Try again, or ask those who run it.",
  ),
  SIGN_IN_NOT_ALLOWED: entry(
    PERMISSION_DENIED,
    403,
    "operator",
    "The account is good, and gives no right to use this node. Ask the node's operator which accounts have one.",
  ),
  SIGN_IN_UNTRUSTED: entry(
    FAILED_PRECONDITION,
    502,
    "operator",
    "The node and the organisation's sign-in service do not agree, so nobody was signed in. Compare 'signIn' of node.json with what the service has.",
  ),
  SIGN_IN_UNREACHABLE: entry(
    UNAVAILABLE,
    503,
    "operator",
    "The organisation's sign-in service does not answer. Try again later, or sign in with a token.",
    true,
  ),
} as const satisfies Record<string, CatalogueEntry>;
