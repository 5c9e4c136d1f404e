/**
 * An id of several columns: its normalised parts in order, joined by U+001F (unit separator). No part may hold that
 * character, so two ids are equal only when all their parts are. Of one column the id is its part, as it is.
 */
import type { IdColumn } from "../../proto/agreement/fields.ts";
import { MAX_ID_BYTES } from "./limits.ts";
import { normaliserOf } from "./normalise.ts";
import { type Normalised, unusable } from "./normalised.ts";
import type { IdReason } from "./rejection.ts";

export const PART_SEPARATOR = "\u001f";

/** Texts of an id as they stand in the data: a list of parts where the id has several columns. */
export type RawId = string | null | readonly (string | null)[];

export type NormalisedId =
  | { readonly ok: true; readonly id: string }
  /** `column`: the first part that is not usable. */
  | { readonly ok: false; readonly reason: IdReason; readonly column: string };

const encoder = new TextEncoder();

/** `raw`: one text for each of `ids`, null for a missing one. The id has at most MAX_ID_BYTES in all. */
export function normaliseId(ids: readonly IdColumn[], raw: readonly (string | null)[]): NormalisedId {
  const parts: string[] = [];
  for (const [k, { column, normaliser }] of ids.entries()) {
    const part = asPart(normaliserOf(normaliser)(raw[k] ?? null), ids.length);
    if (!part.ok) return { ...part, column };
    parts.push(part.id);
  }
  const id = parts.join(PART_SEPARATOR);
  if (encoder.encode(id).length <= MAX_ID_BYTES) return { ok: true, id };
  return { ok: false, reason: "id-length", column: ids.at(-1)?.column ?? "" };
}

function asPart(part: Normalised, parts: number): Normalised {
  return part.ok && parts > 1 && part.id.includes(PART_SEPARATOR) ? unusable("id-characters") : part;
}
