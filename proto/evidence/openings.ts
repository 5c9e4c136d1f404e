/**
 * What stands behind the commitments of a log's owner: one strict form for each kind of value. Values are digests, counts
 * and what the owner's people are called at its node; never an id, a feature or anything of one person in a data set. An
 * export carries those of the exporter alone, so that an auditor can say how many ids went in and what came out.
 */
import * as z from "zod";
import { digestField, hexKey, partyName } from "../agreement/fields.ts";
import type { AgreementDocument } from "../agreement/schema.ts";
import { fromBase64, fromHex, toBase64, toHex } from "../encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { EntenteError } from "../errors.ts";
import { tiersSchema } from "../model/header.ts";
import { TIERS_COMMITMENT_DOMAIN } from "../model/output.ts";
import { MODEL_COMMITMENT_DOMAIN } from "../model/partner-view.ts";
import { commit, opens, SALT_BYTES } from "./commitment.ts";
import { OPENING_KINDS, type OpeningKind } from "./opening-kinds.ts";
import type { ParsedStatement } from "./statements.ts";

export const OPENINGS_PATH = "openings.json";

const count = z.int().min(0).max(4_000_000_000);

/** One form a kind; all values but the model version's are canonical JSON. */
const VALUES = {
  /** What this party brought: distinct people, and SHA-256 over the SHA-256 of every partition's keyed hashes in order; and
   * the digest of the segment's definition, where not everybody takes part. */
  input: z.strictObject({
    datasetVersion: digestField,
    segment: digestField.optional(),
    rows: count,
    digest: digestField,
  }),
  /** What came out by person, at the receiver; the digest is over the SHA-256 of every partition's matched rows and their labels. */
  output: z.strictObject({ matched: count, digest: digestField }),
  /** What came out as an aggregate, exactly as it was shown: the count itself is kept nowhere. Of a report the total's
   * rate, and the digest of the whole in canonical JSON. */
  rate: z.strictObject({ shown: z.string().regex(/^>?\d{1,3}%$/), report: digestField.optional() }),
  tags: z.strictObject({ count, digest: digestField }),
  /** The difference sketch of the receiver's list; its digests are useless without the node's epoch key. Of a
   * report also the digest of what it is broken down by. */
  sketch: z.strictObject({ rows: count, digest: digestField, groupings: digestField.optional() }),
  /** Name of a person who works for the owner, as its node's tokens name people. */
  approver: z.strictObject({ person: z.string().regex(/^[^\p{C}]{1,64}$/u) }),
  withdrawn: z.strictObject({ count, jobs: count, digest: digestField }),
  /** The model's digest. */
  model: digestField,
  /** Tier bounds, whose commitment stands in an agreement. */
  tiers: tiersSchema,
} as const satisfies Record<OpeningKind, z.ZodType>;

export type OpeningValue<K extends OpeningKind> = z.input<(typeof VALUES)[K]>;

export function openingDomain(kind: OpeningKind): string {
  if (kind === "model") return MODEL_COMMITMENT_DOMAIN;
  return kind === "tiers" ? TIERS_COMMITMENT_DOMAIN : `entente evidence ${kind}/1`;
}

/** The bytes that are committed to. Throws BAD_REQUEST when the value is not of the kind's form. */
export function openingBytes<K extends OpeningKind>(kind: K, value: OpeningValue<K>): Uint8Array<ArrayBuffer> {
  const parsed = VALUES[kind].safeParse(value);
  if (!parsed.success) throw new EntenteError("BAD_REQUEST", { detail: `opening: ${kind}` });
  return kind === "model" ? new TextEncoder().encode(parsed.data as string) : canonicalJson(parsed.data as Json);
}

/** The commitment to a value, 32 bytes. `saltSecret`: 32 fresh random bytes. Throws as `openingBytes` and `commit`. */
export function commitTo<K extends OpeningKind>(
  kind: K,
  value: OpeningValue<K>,
  saltSecret: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return commit(saltSecret, openingDomain(kind), openingBytes(kind, value));
}

/** What a reader gets. */
export type OpenedValue<K extends OpeningKind> = z.output<(typeof VALUES)[K]>;
/** Discriminated by `kind`. */
export type Opened = {
  [K in OpeningKind]: { readonly kind: K; readonly value: z.output<(typeof VALUES)[K]> };
}[OpeningKind];

/** A commitment of the exporter; without salt and value when its node does not have them any more. */
export interface Opening {
  readonly kind: OpeningKind;
  /** Hex. */
  readonly commitment: string;
  readonly opened: { readonly salt: Uint8Array; readonly value: Uint8Array } | null;
}

const openingsSchema = z.strictObject({
  format: z.literal("entente-openings/1"),
  party: partyName,
  openings: z.array(
    z.strictObject({
      kind: z.enum(OPENING_KINDS),
      commitment: hexKey,
      opened: z.strictObject({ salt: hexKey, value: z.string().max(65_536) }).nullable(),
    }),
  ),
});

/** The file of an export, in order of the commitments. */
export function encodeOpenings(party: string, openings: readonly Opening[]): Uint8Array<ArrayBuffer> {
  const rows = openings
    .map(({ kind, commitment, opened }) => ({
      kind,
      commitment,
      opened: opened && { salt: toHex(opened.salt), value: toBase64(opened.value) },
    }))
    .sort((a, b) => (a.commitment < b.commitment ? -1 : 1));
  return canonicalJson({ format: "entente-openings/1", party, openings: rows });
}

/** Form and order only; `readOpening` looks at what stands in them. Throws WIRE_INVALID. */
export function parseOpenings(bytes: Uint8Array): { readonly party: string; readonly openings: readonly Opening[] } {
  const parsed = openingsSchema.safeParse(parseCanonicalJson(bytes));
  if (!parsed.success) throw new EntenteError("WIRE_INVALID", { detail: "openings" });
  const { party, openings } = parsed.data;
  const isOrdered = openings.every(({ commitment }, i) => i === 0 || commitment > (openings[i - 1]?.commitment ?? ""));
  if (!isOrdered) throw new EntenteError("WIRE_INVALID", { detail: "openings: order" });
  return {
    party,
    openings: openings.map(({ kind, commitment, opened }) => ({
      kind,
      commitment,
      opened: opened && { salt: fromHex(opened.salt), value: fromBase64(opened.value) },
    })),
  };
}

/** What a commitment was made of; undefined when it cannot be opened. Throws WIRE_INVALID when salt and value are not what
 * it was made of, or the value is not of the kind's form. */
export function readOpening({ kind, commitment, opened }: Opening): Opened | undefined {
  if (opened === null) return undefined;
  const invalid = (why: string) => new EntenteError("WIRE_INVALID", { detail: `opening: ${kind}: ${why}` });
  if (opened.salt.length !== SALT_BYTES) throw invalid("salt");
  if (!opens(fromHex(commitment), { ...opened, domain: openingDomain(kind) })) throw invalid("another value");
  const value = kind === "model" ? new TextDecoder().decode(opened.value) : parseCanonicalJson(opened.value);
  const parsed = VALUES[kind].safeParse(value);
  if (!parsed.success) throw invalid("form");
  return { kind, value: parsed.data } as Opened;
}

/** A commitment in an entry, by the party that made it. */
export interface MadeCommitment {
  readonly by: string;
  readonly kind: OpeningKind;
  /** Hex. */
  readonly commitment: string;
}

/** The commitments to tier bounds in an agreement: each is the receiver's. */
export function commitmentsOf({ operations }: AgreementDocument): MadeCommitment[] {
  return operations.flatMap(({ receiver, tiers }) => made(receiver, "tiers", tiers));
}

/** The commitments that an entry of `owner`'s log holds. */
export function commitmentsIn({ event, statement }: ParsedStatement, owner: string): MadeCommitment[] {
  switch (event) {
    case "receipt": {
      const { parties, inputCommitments, sketchCommitment, modelVersion } = statement.predicate;
      const { receiver, sender } = parties;
      return [
        { by: receiver, kind: "input", commitment: inputCommitments.receiver },
        { by: sender, kind: "input", commitment: inputCommitments.sender },
        ...made(receiver, "sketch", sketchCommitment),
        ...made(receiver, "model", modelVersion),
      ];
    }
    case "policy-decision": {
      const { charge } = statement.predicate;
      return charge === null ? [] : made(charge.receiver, "model", charge.modelVersion);
    }
    case "approval":
      return made(owner, "approver", statement.predicate.approver);
    case "opened": {
      const { outputCommitment, tags } = statement.predicate;
      return [
        ...made(owner, tags === null ? "rate" : "output", outputCommitment),
        ...made(owner, "tags", tags?.commitment),
      ];
    }
    case "tags-withdrawn":
      return made(owner, "withdrawn", statement.predicate.tagsCommitment);
    default:
      return [];
  }
}

function made(by: string, kind: OpeningKind, commitment: string | null | undefined): MadeCommitment[] {
  return commitment === null || commitment === undefined ? [] : [{ by, kind, commitment }];
}
