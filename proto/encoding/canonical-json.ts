/**
 * RFC 8785 (JSON Canonicalization Scheme). ECMAScript's own number and string forms are what the RFC prescribes
 * (sections 3.2.2.2 and 3.2.2.3), so only the order of members (UTF-16 code units, section 3.2.3) is left to do.
 *
 * A member named `__proto__` is refused, though the RFC allows it: schemas drop it from open records without a word, so that a
 * signed document could hold what no reader of it sees.
 */
import { EntenteError } from "../errors.ts";
import { fromUtf8, utf8 } from "./bytes.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

function write(value: Json, depth: number): string {
  if (depth > 32) throw new EntenteError("WIRE_INVALID", { detail: "JSON nested too deep" });
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new EntenteError("WIRE_INVALID", { detail: "JSON number is not finite" });
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new EntenteError("WIRE_INVALID", { detail: "JSON string has a lone surrogate" });
    return JSON.stringify(value);
  }
  let text = "";
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) text += `${text === "" ? "" : ","}${write(item, depth + 1)}`;
    return `[${text}]`;
  }
  const object = value as { readonly [key: string]: Json };
  if (Object.hasOwn(object, "__proto__")) throw new EntenteError("WIRE_INVALID", { detail: "JSON member __proto__" });
  for (const key of Object.keys(object).sort())
    text += `${text === "" ? "" : ","}${write(key, depth + 1)}:${write(object[key] as Json, depth + 1)}`;
  return `{${text}}`;
}

/** The canonical UTF-8 bytes. Throws WIRE_INVALID on what RFC 8785 cannot carry. */
export function canonicalJson(value: Json): Uint8Array<ArrayBuffer> {
  return utf8(write(value, 0));
}

/** Parses bytes that must already be canonical: anything that would be written otherwise (order, spaces, duplicate
 * members, number forms) is refused with WIRE_INVALID. */
export function parseCanonicalJson(bytes: Uint8Array): Json {
  const text = fromUtf8(bytes);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw new EntenteError("WIRE_INVALID", { detail: "not JSON", cause });
  }
  // Text that was decoded strictly is equal where its bytes are.
  if (write(value, 0) !== text) throw new EntenteError("WIRE_INVALID", { detail: "JSON is not canonical" });
  return value;
}
