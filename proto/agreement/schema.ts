/**
 * The agreement's form: every field with its bounds and its default. What one field says of another is checked in
 * references.ts. Defaults are the ad industry's (proto/policy/README.md names the sources).
 */
import * as z from "zod";
import { segmentNameField } from "../segments/names.ts";
import {
  ALIGNMENTS,
  columnName,
  datasetNameField,
  digestField,
  hexKey,
  LABEL_TYPES,
  labelTextBytes,
  NORMALISERS,
  OPERATIONS,
  OUTPUTS,
  type Output,
  PSI_PROTOCOLS,
  partyName,
  purposeIdField,
  utcTime,
  writtenText,
} from "./fields.ts";

/** data-provider: brings data · result-receiver: its node obtains the result · result-user: may act on it · payer: pays */
export const PARTY_ROLES = ["data-provider", "result-receiver", "result-user", "payer"] as const;
export type PartyRole = (typeof PARTY_ROLES)[number];
/** id: matched on · filter: a condition on one's own side · feature: computed on, encrypted · label, release: leave in clear */
export const COLUMN_ROLES = ["id", "filter", "feature", "label", "release"] as const;
/** Columns of these roles leave in clear with a result. */
export const CLEAR_ROLES: readonly (typeof COLUMN_ROLES)[number][] = ["label", "release"];
/** JR/T 0197-2020 grades data 1 (public) to 5 (grave harm to the nation or the public); above this none leaves in clear. */
export const MAX_CLEAR_GRADE = 3;
export const APPROVAL_MODES = ["automatic", "first-run", "every-run"] as const;
/** Who enforces the result floor. `provider` is the gated mode, which no protocol here offers yet. */
export const RESULT_FLOOR_ENFORCERS = ["receiver", "provider"] as const;
/** Signatures and digests. One today; the field is signed so that another one can be agreed on, never slipped in. */
export const KEY_SUITES = ["ed25519-sha256"] as const;

const MAX_ROWS = 4_000_000_000;
const MAX_RUNS = 1_000_000;
const MAX_DAYS = 3650;
const MAX_AGREED_SEGMENTS = 64;

const rows = (min: number) => z.int().min(min).max(MAX_ROWS);
const runs = z.int().min(1).max(MAX_RUNS);
const days = z.int().min(1).max(MAX_DAYS);

const partySchema = z.strictObject({
  name: partyName,
  /** Raw Ed25519 public key, hex. */
  identity: hexKey,
  /** Default: see `fillRoles` in references.ts. */
  roles: z.array(z.enum(PARTY_ROLES)).min(1).max(PARTY_ROLES.length).optional(),
});

const columnSchema = z
  .strictObject({
    name: columnName,
    role: z.enum(COLUMN_ROLES),
    grade: z.int().min(1).max(5).default(3),
    /** Personal information in the sense of PIPL; by default an id is, another column is not. */
    personal: z.boolean().optional(),
    /** Of a label: what its values are; text by default. */
    type: z.enum(LABEL_TYPES).optional(),
    /** Of a label that is text: UTF-8, at most; 32 by default. */
    maxBytes: labelTextBytes.optional(),
    /** Of an id, and always there with it: how its values are made equal. */
    normaliser: z.enum(NORMALISERS).optional(),
  })
  .transform((column) => ({ ...column, personal: column.personal ?? column.role === "id" }));

const datasetSchema = z.strictObject({
  party: partyName,
  name: datasetNameField,
  /** Those of role id are the id together, in their order here. */
  columns: z.array(columnSchema).min(1).max(512),
});

/** `step`: in units of what the model puts out; 0.05 of a probability. */
const roundingSchema = z.strictObject({ step: z.number().min(1e-6).max(1e9) });

const approvalSchema = z.strictObject({
  receiver: z.enum(APPROVAL_MODES).default("automatic"),
  provider: z.enum(APPROVAL_MODES).default("automatic"),
});

const operationSchema = z
  .strictObject({
    operation: z.enum(OPERATIONS),
    /** Who learns the intersection and the tags; the other party is the provider. */
    receiver: partyName,
    receiverDataset: datasetNameField,
    providerDataset: datasetNameField,
    /** Names of the provider's segments: a job names one of these. Without it any of the dataset that the provider
     * publishes to the receiver, or none. */
    segments: z.array(segmentNameField).min(1).max(MAX_AGREED_SEGMENTS).optional(),
    protocol: z.enum(PSI_PROTOCOLS).default(PSI_PROTOCOLS[0]),
    /** What the receiver may be given; a job names one of them. */
    outputs: z.array(z.enum(OUTPUTS)).min(1).max(OUTPUTS.length).optional(),
    /** Of rounded-score, and always there with it. */
    rounding: roundingSchema.optional(),
    /** Of tier: the receiver's commitment to the bounds (proto/model/output.ts). Without it the receiver may choose them. */
    tiers: hexKey.optional(),
    /** Of a score: whether the provider learns which of its customers matched. */
    alignment: z.enum(ALIGNMENTS).default(ALIGNMENTS[0]),
    resultFloor: z.enum(RESULT_FLOOR_ENFORCERS).default("receiver"),
    approval: approvalSchema.prefault({}),
  })
  .transform((item) => {
    const defaults: readonly Output[] = item.operation === "score" ? ["score"] : ["list"];
    return { ...item, outputs: item.outputs ?? [...defaults] };
  });

const floorsSchema = z.strictObject({
  /** Distinct people in a list that enters a run. */
  input: rows(1).default(1000),
  /** Matched people in a result that is shown. */
  result: rows(0).default(100),
  /** Of a group in a report that is shown, people who matched, and people who did not. Default: see `fillGroupFloor` in
   * references.ts. */
  group: rows(1).optional(),
  /** A match rate above this is shown as "above" only. */
  matchRateCapPercent: z.int().min(1).max(100).default(85),
  /** Larger list to smaller list, at most. */
  sizeRatio: z.int().min(1).max(MAX_ROWS).default(50),
});

const budgetsSchema = z.strictObject({
  epochDays: z.int().min(1).max(366).default(30),
  /** Of one pair of datasets in one direction, as are all budgets here. */
  runsPerEpoch: runs.default(20),
  runsPerDay: runs.default(5),
  /** Score runs of one model version over one version of each dataset, in an epoch. */
  scoresPerModelVersion: runs.default(1),
  /** null: as many as the extraction rule allows (proto/policy/README.md). */
  modelVersionsPerEpoch: runs.nullable().default(null),
  /** Versions of the receiver's dataset in aggregate runs, in an epoch. */
  datasetVersionsPerEpoch: runs.default(5),
  /** Inputs of two aggregate runs over one dataset version differ by none or by at least so many people. */
  smallestDifference: rows(1).default(50),
});

const noiseSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none") }),
  /** On the match count of aggregate outputs; scale b of P(x) ~ exp(-|x| / b), in people. */
  z.strictObject({ kind: z.literal("discrete-laplace"), scale: z.int().min(1).max(1000) }),
]);

const retentionSchema = z.strictObject({ tagDays: days.default(365), resultDays: days.default(365) });

export const agreementSchema = z.strictObject({
  format: z.literal("entente-agreement/1"),
  title: writtenText(200),
  version: z.int().min(1).max(MAX_RUNS).default(1),
  /** Digest of the version before this one; null in the first. */
  supersedes: digestField.nullable().default(null),
  suite: z.enum(KEY_SUITES).default(KEY_SUITES[0]),
  parties: z.array(partySchema).length(2),
  datasets: z.array(datasetSchema).min(2).max(64),
  operations: z.array(operationSchema).min(1).max(64),
  purposes: z
    .array(z.strictObject({ id: purposeIdField, text: writtenText(1000), legalBasis: writtenText(300) }))
    .min(1)
    .max(16),
  floors: floorsSchema.prefault({}),
  budgets: budgetsSchema.prefault({}),
  noise: noiseSchema.default({ kind: "none" }),
  retention: retentionSchema.prefault({}),
  validFrom: utcTime,
  validUntil: utcTime,
});

/** A document whose roles may still be missing: what the schema alone makes of a draft. */
export type ParsedDraft = z.output<typeof agreementSchema>;
export type AgreedParty = Omit<ParsedDraft["parties"][number], "roles"> & { roles: PartyRole[] };
export type AgreementDocument = Omit<ParsedDraft, "parties"> & { parties: AgreedParty[] };
export type AgreedDataset = AgreementDocument["datasets"][number];
export type AgreedOperation = AgreementDocument["operations"][number];

/** JSON Schema, draft 2020-12, of what a person may write: fields with a default may be left out. */
export function agreementJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(agreementSchema, { io: "input", target: "draft-2020-12" }),
    title: "Entente agreement",
  };
}
