/** Errors of requests to a node, and of its own state. */
import {
  ABORTED,
  ALREADY_EXISTS,
  type CatalogueEntry,
  entry,
  INTERNAL,
  INVALID_ARGUMENT,
  NOT_FOUND,
  PERMISSION_DENIED,
  RESOURCE_EXHAUSTED,
  UNAUTHENTICATED,
  UNAVAILABLE,
} from "./entry.ts";

export const REQUESTS = {
  BAD_REQUEST: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The request is not of the documented form. Correct the named field and send it again.",
  ),
  NOT_FOUND: entry(
    NOT_FOUND,
    404,
    "caller",
    "There is nothing of that name here. List what exists and use one of those names.",
  ),
  ALREADY_EXISTS: entry(
    ALREADY_EXISTS,
    409,
    "caller",
    "That name is taken. Choose another, or remove the existing one first.",
  ),
  TOKEN_MISSING: entry(
    UNAUTHENTICATED,
    401,
    "caller",
    "No valid bearer token came with the request. Send the token that this node issued.",
  ),
  NOT_ALLOWED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "This token's role may not do that. Ask a colleague who holds the role.",
  ),
  NODE_UNREACHABLE: entry(
    UNAVAILABLE,
    503,
    "operator",
    "The party node does not answer. Start it with 'entente party start', or name the right folder with --node.",
    true,
  ),
  HOST_REFUSED: entry(
    PERMISSION_DENIED,
    421,
    "operator",
    "The request is for a name that this node does not serve. Ask by its address, or add the name to 'hosts' of 'api' in its node.json.",
  ),
  SITE_REFUSED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "A browser sent this request for a page of another site. Only the node's own pages may call it, and programs.",
  ),
  TOKEN_EXPIRED: entry(
    UNAUTHENTICATED,
    401,
    "caller",
    "The bearer token has expired or was revoked. Ask the node's operator for a new one.",
  ),
  CANCELLED: entry(ABORTED, 409, "caller", "The job was cancelled. Nothing was released."),
  NODE_RESTARTED: entry(
    UNAVAILABLE,
    503,
    "caller",
    "A node stopped while the job was running. Nothing was released; run the job again.",
    true,
  ),
  OVERLOADED: entry(
    RESOURCE_EXHAUSTED,
    429,
    "caller",
    "The node is busy with as many jobs as it may run. Try again later.",
    true,
  ),
  INTERNAL: entry(
    INTERNAL,
    500,
    "operator",
    "Something went wrong inside this node. Its log has the cause under this job or request id.",
  ),
} as const satisfies Record<string, CatalogueEntry>;
