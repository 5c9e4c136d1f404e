/**
 * The agreement: what its parties allow each other, signed by all of them and enforced by each node by itself.
 * Its canonical bytes (RFC 8785) are what is signed; its digest is its name everywhere else.
 */
import * as z from "zod";
import { canonicalJson, type Json, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { type Envelope, sign, verify } from "../encoding/dsse.ts";
import { type SigningKey, verifyingKey } from "../encoding/ed25519.ts";
import { digestOf } from "../encoding/sha256.ts";
import { EntenteError } from "../errors.ts";
import type { CollaborationId, Digest } from "../ids.ts";
import {
  columnName,
  datasetNameField,
  hexKey,
  NORMALISERS,
  OPERATIONS,
  PSI_PROTOCOLS,
  partyName,
  utcTime,
  writtenText,
} from "./fields.ts";
import { collaborationOf } from "./identity.ts";
import { keyId } from "./keyset.ts";

export const AGREEMENT_TYPE = "application/vnd.entente.agreement.v1+json";

/** Floors below which no run is made and no result is shown, unless the parties agree on others. */
export const DEFAULT_MINIMUM_INPUT = 1000;
export const DEFAULT_MINIMUM_RESULT = 100;

const columnSchema = z.strictObject({ name: columnName, role: z.enum(["id", "feature"]) });

const datasetSchema = z.strictObject({
  party: partyName,
  name: datasetNameField,
  normaliser: z.enum(NORMALISERS),
  columns: z.array(columnSchema).min(1).max(512),
});

const operationSchema = z.strictObject({
  operation: z.enum(OPERATIONS),
  /** Who learns the intersection and the tags; the other party is the provider. */
  receiver: partyName,
  receiverDataset: datasetNameField,
  providerDataset: datasetNameField,
  protocol: z.enum(PSI_PROTOCOLS).default(PSI_PROTOCOLS[0]),
});

const agreementSchema = z.strictObject({
  format: z.literal("entente-agreement/1"),
  title: writtenText(200),
  purpose: writtenText(1000),
  parties: z.array(z.strictObject({ name: partyName, identity: hexKey })).length(2),
  datasets: z.array(datasetSchema).min(2).max(64),
  operations: z.array(operationSchema).min(1).max(64),
  minimumInput: z.int().min(1).max(4_000_000_000).default(DEFAULT_MINIMUM_INPUT),
  minimumResult: z.int().min(0).max(4_000_000_000).default(DEFAULT_MINIMUM_RESULT),
  validFrom: utcTime,
  validUntil: utcTime,
});

export type AgreementDocument = z.infer<typeof agreementSchema>;
export type AgreedDataset = AgreementDocument["datasets"][number];
export type AgreedOperation = AgreementDocument["operations"][number];

export interface Agreement {
  readonly document: AgreementDocument;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: Digest;
  readonly collaboration: CollaborationId;
}

function invalid(detail: string): EntenteError {
  return new EntenteError("AGREEMENT_INVALID", { detail });
}

function checkReferences(document: AgreementDocument): void {
  const names = document.parties.map((party) => party.name);
  if (new Set(names).size !== names.length) throw invalid("parties: one party twice");
  if (document.parties[0]?.identity === document.parties[1]?.identity) throw invalid("parties: one identity twice");
  if (document.validFrom >= document.validUntil) throw invalid("validUntil is not after validFrom");
  const seen = new Set<string>();
  for (const [i, dataset] of document.datasets.entries()) {
    if (!names.includes(dataset.party)) throw invalid(`datasets.${i}.party is not a party`);
    const key = `${dataset.party}/${dataset.name}`;
    if (seen.has(key)) throw invalid(`datasets.${i}: ${key} twice`);
    seen.add(key);
    if (dataset.columns.filter((column) => column.role === "id").length !== 1)
      throw invalid(`datasets.${i}.columns: one column has role id`);
    if (new Set(dataset.columns.map((column) => column.name)).size !== dataset.columns.length)
      throw invalid(`datasets.${i}.columns: one name twice`);
  }
  for (const [i, operation] of document.operations.entries()) {
    const provider = names.find((name) => name !== operation.receiver);
    if (!names.includes(operation.receiver) || provider === undefined)
      throw invalid(`operations.${i}.receiver is not a party`);
    const own = agreedDataset(document, operation.receiver, operation.receiverDataset);
    const other = agreedDataset(document, provider, operation.providerDataset);
    if (own === undefined) throw invalid(`operations.${i}.receiverDataset is not among the receiver's datasets`);
    if (other === undefined) throw invalid(`operations.${i}.providerDataset is not among the provider's datasets`);
    if (own.normaliser !== other.normaliser)
      throw invalid(`operations.${i}: the two datasets have different normalisers`);
  }
}

export function agreedDataset(document: AgreementDocument, party: string, name: string): AgreedDataset | undefined {
  return document.datasets.find((dataset) => dataset.party === party && dataset.name === name);
}

/** The other party of a two-party agreement. Throws AGREEMENT_INVALID when `party` is not one of them. */
export function otherParty(document: AgreementDocument, party: string): AgreementDocument["parties"][number] {
  const other = document.parties.find((item) => item.name !== party);
  if (other === undefined || !document.parties.some((item) => item.name === party))
    throw invalid(`${party} is not a party`);
  return other;
}

/** Checks a draft, fills in defaults, and fixes the bytes that will be signed. Throws AGREEMENT_INVALID naming the field. */
export function makeAgreement(draft: unknown): Agreement {
  const parsed = agreementSchema.safeParse(draft);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`${issue?.path.join(".") || "document"}: ${issue?.message}`);
  }
  checkReferences(parsed.data);
  const bytes = canonicalJson(parsed.data as unknown as Json);
  return {
    document: parsed.data,
    bytes,
    digest: digestOf(bytes),
    collaboration: collaborationOf(parsed.data.parties.map((party) => party.name)),
  };
}

/** The agreement in bytes that a peer sent: canonical and complete, nothing defaulted. */
export function readAgreement(bytes: Uint8Array): Agreement {
  const agreement = makeAgreement(parseCanonicalJson(bytes));
  if (agreement.bytes.length !== bytes.length) throw invalid("a field is missing");
  return agreement;
}

/** One party's signature by its identity key, which the agreement itself names. */
export function signAgreement(agreement: Agreement, identityKey: SigningKey): Envelope {
  return {
    payloadType: AGREEMENT_TYPE,
    payload: agreement.bytes,
    signatures: [sign(AGREEMENT_TYPE, agreement.bytes, identityKey)],
  };
}

/** Both envelopes' signatures in one, in the order of the key names. */
export function mergeSignatures(a: Envelope, b: Envelope): Envelope {
  const byKey = new Map([...a.signatures, ...b.signatures].map((signature) => [signature.keyid, signature]));
  return { ...a, signatures: [...byKey.values()].sort((x, y) => (x.keyid < y.keyid ? -1 : 1)) };
}

/** Throws SIGNATURE_INVALID when the party's identity key has not signed these bytes. */
export function verifyAgreementSignature(signed: Envelope, agreement: Agreement, party: string): void {
  const identity = agreement.document.parties.find((item) => item.name === party)?.identity;
  if (identity === undefined) throw invalid(`${party} is not a party`);
  verify(signed, AGREEMENT_TYPE, verifyingKey(keyId(party, "identity"), Uint8Array.fromHex(identity)));
}

/** The agreement in an envelope that carries every party's signature. Throws AGREEMENT_UNSIGNED or SIGNATURE_INVALID. */
export function readSignedAgreement(signed: Envelope): Agreement {
  const agreement = readAgreement(signed.payload);
  for (const { name } of agreement.document.parties) {
    if (!signed.signatures.some((signature) => signature.keyid === keyId(name, "identity"))) {
      throw new EntenteError("AGREEMENT_UNSIGNED", { detail: `${name} has not signed` });
    }
    verifyAgreementSignature(signed, agreement, name);
  }
  if (signed.signatures.length !== agreement.document.parties.length)
    throw new EntenteError("SIGNATURE_INVALID", { detail: "a signature of no party" });
  return agreement;
}
