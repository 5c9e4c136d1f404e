/** The two ways to refuse a model: it is not of the form, or it has a part that is not scored here. */
import type * as z from "zod";
import { EntenteError } from "../errors.ts";

/** `field`: path in the document. `problem`: never a value of the model. */
export function invalidModel(field: string, problem: string): EntenteError {
  return new EntenteError("MODEL_INVALID", { detail: `${field}: ${problem}` });
}

/** `part`: its name in the library that wrote the model, as its user knows it. */
export function unsupportedModel(part: string): EntenteError {
  return new EntenteError("MODEL_UNSUPPORTED", { detail: part });
}

/** What `schema` reads of `value`. Throws MODEL_INVALID that names the first field at fault, below `prefix` when given. */
export function readField<T>(schema: z.ZodType<T>, value: unknown, prefix?: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = [...(prefix === undefined ? [] : [prefix]), ...(issue?.path ?? [])].join(".");
  throw invalidModel(path || "document", issue?.message ?? "not of the form");
}
