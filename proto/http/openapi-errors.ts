/** Errors in the OpenAPI document: one response for each HTTP status, with the codes that come with it. */
import * as z from "zod";
import { CATALOGUE, type ErrorCode } from "../errors.ts";
import type { JsonSchema } from "./openapi-schemas.ts";
import { errorResponse } from "./route.ts";

const CODES = Object.keys(CATALOGUE) as [ErrorCode, ...ErrorCode[]];
const ACTORS = ["caller", "operator", "peer", "coordinator", "nobody"] as const;

/** A client takes a code that it does not know for INTERNAL; the document names all that this version has. */
export const errorCode = z.enum(CODES).describe("What went wrong: programs go by this, not by the texts.");
const { error } = errorResponse.shape;
export const publishedError = z.object({
  error: error.extend({
    code: errorCode,
    message: error.shape.message.describe("The code's fixed text: what happened, and how to mend it."),
    detail: error.shape.detail.describe("Names the field, the limit or the party. Never an id or a value."),
    who: z.enum(ACTORS).describe("Who has to act."),
    retryable: error.shape.retryable.describe("Whether the same request may succeed later."),
    retryAfterSeconds: error.shape.retryAfterSeconds.describe("When it may be tried again, where that is known."),
  }),
});

/** Any route may answer with these: the request, the token, the limits or the node itself is at fault. */
const EVERYWHERE = [400, 401, 403, 421, 429, 500, 503];
/** Nothing of that name; it is there, or not in the state for it. */
const OF_NAMED = [404];
const OF_WORK = [404, 409, 413];

const FORM = { "application/json": { schema: { $ref: "#/components/schemas/Error" } } };

function codesOf(status: number): ErrorCode[] {
  return CODES.filter((code) => CATALOGUE[code].http === status);
}

/** `components.responses`: `Error400` and so on, and `Error` for all other statuses. */
export function errorResponses(): JsonSchema {
  const byStatus = [...new Set([...EVERYWHERE, ...OF_NAMED, ...OF_WORK])].map((status) => [
    `Error${status}`,
    {
      description: codesOf(status)
        .map((code) => `- \`${code}\`: ${CATALOGUE[code].text}`)
        .join("\n"),
      headers: {
        "x-request-id": { $ref: "#/components/headers/RequestId" },
        ...(codesOf(status).some((code) => CATALOGUE[code].retryable)
          ? { "retry-after": { $ref: "#/components/headers/RetryAfter" } }
          : {}),
        ...(status === 401 ? { "www-authenticate": { schema: { const: "Bearer" } } } : {}),
      },
      content: FORM,
    },
  ]);
  const others = { description: "Any other error: the code says which.", content: FORM };
  return { ...Object.fromEntries(byStatus), Error: others };
}

/** The error responses of one operation, by status. */
export function errorsOf({ hasPathFields, isPost }: { readonly hasPathFields: boolean; readonly isPost: boolean }) {
  const statuses = [...EVERYWHERE, ...(isPost ? OF_WORK : hasPathFields ? OF_NAMED : [])].toSorted((a, b) => a - b);
  const named = statuses.map((status) => [String(status), { $ref: `#/components/responses/Error${status}` }]);
  return { ...Object.fromEntries(named), default: { $ref: "#/components/responses/Error" } };
}
