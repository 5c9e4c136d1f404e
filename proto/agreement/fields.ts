/** Names and field forms that several signed documents and the HTTP API share. No cryptography: a browser loads this. */
import * as z from "zod";
import type { CollaborationId, DatasetName, Digest, JobId, PartyId } from "../ids.ts";

export const OPERATIONS = ["audience", "score"] as const;
export type Operation = (typeof OPERATIONS)[number];
/** The first is the default. `psi-vole` has two profiles, whose assumptions its README states. */
export const PSI_PROTOCOLS = ["psi-vole", "psi-vole-planes", "psi-dh"] as const;
/** What a receiver may be given by each operation; the first is the default. A score is exact, rounded, or told as a tier. */
export const OUTPUTS_OF = {
  audience: ["list", "match-rate", "overlap-report"],
  score: ["score", "rounded-score", "tier"],
} as const satisfies Record<Operation, readonly string[]>;
export const OUTPUTS = [...OUTPUTS_OF.audience, ...OUTPUTS_OF.score] as const;
export type Output = (typeof OUTPUTS)[number];
/** Of a score. hidden: the provider scores all its rows and does not learn who matched. shared: it is told whom an earlier
 * audience found, and scores those alone. */
export const ALIGNMENTS = ["hidden", "shared"] as const;
export type Alignment = (typeof ALIGNMENTS)[number];
/** Outputs that tell of many people at once and name nobody: what the differencing guard and the noise are for. */
export const AGGREGATE_OUTPUTS: readonly Output[] = ["match-rate", "overlap-report"];
export const NORMALISERS = [
  "phone-e164",
  "opaque",
  "email",
  "cn-resident-id",
  "cn-uscc",
  "hashed-sha256",
  "hashed-md5",
  "hashed-sm3",
] as const;
export type NormaliserName = (typeof NORMALISERS)[number];
/** Columns that are one id together. */
export const MAX_ID_COLUMNS = 8;

/** Of a column that leaves in clear. number: a finite double · text: UTF-8 of an agreed length. Each can be missing. */
export const LABEL_TYPES = ["number", "boolean", "text"] as const;
export const labelTextBytes = z.int().min(1).max(64);

function matching<T extends string>(pattern: RegExp) {
  return z
    .string()
    .regex(pattern)
    .transform((text) => text as T);
}

export const partyName = matching<PartyId>(/^[a-z][a-z0-9-]{1,31}$/);
export const datasetNameField = matching<DatasetName>(/^[a-z][a-z0-9_-]{0,63}$/);
export const digestField = matching<Digest>(/^[0-9a-f]{64}$/);
export const jobIdField = matching<JobId>(/^[0-9a-f]{32}$/);
export const collaborationField = matching<CollaborationId>(/^[0-9a-f]{32}$/);
export const hexKey = z.string().regex(/^[0-9a-f]{64}$/);
/** ISO 8601, UTC, milliseconds: the one form that `Date.prototype.toISOString` writes. */
export const utcTime = z.string().refine((text) => {
  const time = Date.parse(text);
  return Number.isFinite(time) && new Date(time).toISOString() === text;
}, "not a UTC time of the form 2026-01-31T00:00:00.000Z");
/** A column's name in a data file: printable, no control characters. */
export const columnName = z.string().regex(/^[^\p{C}]{1,64}$/u);
/** A column that is an id or a part of one, and how its values are made equal. */
const idColumnField = z.strictObject({ column: columnName, normaliser: z.enum(NORMALISERS) });
export type IdColumn = z.infer<typeof idColumnField>;
/** In the order in which the parts make the id. */
export const idColumnsField = z
  .array(idColumnField)
  .min(1)
  .max(MAX_ID_COLUMNS)
  .refine((ids) => new Set(ids.map(({ column }) => column)).size === ids.length, "a column twice");
/** A normaliser, and what beside its name can change its result: the version of the rules that it takes from elsewhere. */
export const normaliserProfileField = z.string().regex(/^[\x20-\x7e]{1,100}$/);
/** What a person wrote: no control, direction or format characters, so that it shows as it is. */
export const writtenText = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^[^\p{C}]*$/u);
/** Name of a purpose within its agreement. */
export const purposeIdField = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);
/** Key of a tag, as `marketing:joint-audience`. */
export const tagKeyField = z.string().regex(/^[a-z][a-z0-9-]{0,31}(?::[a-z0-9][a-z0-9-]{0,63})?$/);
