/** What a failed request tells its caller and the node's log. */
import type { Response } from "express";
import type { Logger } from "pino";
import type * as z from "zod";
import { CATALOGUE, EntenteError, toEntenteError } from "../../proto/errors.ts";
import { isDenial } from "../access/denials.ts";
import { traceOf } from "../trace.ts";

function problemOf(type: unknown): string {
  return type === "entity.parse.failed" ? "body: not JSON" : "the request cannot be read";
}

/** Express and its body parser throw errors with a 4xx `status`; they are the caller's. */
export function requestError(thrown: unknown): EntenteError {
  const { status, type } = (thrown ?? {}) as Readonly<Record<"status" | "type", unknown>>;
  if (thrown instanceof EntenteError || typeof status !== "number" || status < 400 || status > 499)
    return toEntenteError(thrown);
  return new EntenteError("BAD_REQUEST", { detail: problemOf(type), cause: thrown });
}

/** What a field that is too long, too short, too large or too small may be at most or at least: a rule, not what was sent. */
function boundOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code !== "too_big" && issue?.code !== "too_small") return "";
  const [word, bound] = issue.code === "too_big" ? ["most", issue.maximum] : ["least", issue.minimum];
  const unit = issue.origin !== "string" ? "" : Number(bound) === 1 ? " character" : " characters";
  return `: at ${word} ${bound}${unit}`;
}

/** BAD_REQUEST with the first field at fault. What a caller wrote is repeated only where it is a plain field name. */
export function fieldError({ issues }: z.ZodError): EntenteError {
  const [issue] = issues;
  const path = (issue?.path ?? []).map(String);
  const unknown = issue?.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const field = [...path, ...(unknown === undefined ? [] : [unknown])].join(".");
  const shown = /^[A-Za-z][A-Za-z0-9_.]{0,127}$/.test(field) ? field : "form";
  return new EntenteError("BAD_REQUEST", {
    detail: unknown === undefined ? `${shown}${boundOf(issue)}` : `${shown}: unknown field`,
  });
}

/** Logs code and origin; answers with code and fixed text, unless the answer has begun: then it is cut off. */
export function fail(thrown: unknown, response: Response, logger: Logger): void {
  const error = requestError(thrown);
  const { http, who } = CATALOGUE[error.code];
  const fields = { code: error.code, status: http };
  if (http >= 500 && who === "operator") logger.error({ ...fields, trace: traceOf(error) }, "request failed");
  else if (isDenial(error.code)) logger.warn(fields, "request denied");
  else logger.info(fields, "request refused");
  if (response.headersSent) {
    if (!response.writableEnded) response.destroy();
    return;
  }
  // What is thrown by mistake may hold anything: its detail stays here.
  const shown = error.code === "INTERNAL" ? new EntenteError("INTERNAL") : error;
  if (http === 401) response.set("www-authenticate", "Bearer");
  if (error.retryAfterSeconds !== undefined) response.set("retry-after", String(error.retryAfterSeconds));
  response.status(http).json({ error: shown.toPublic() });
}
