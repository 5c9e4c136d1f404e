/**
 * The agreement: what its parties allow each other, signed by all of them and enforced by each node by itself.
 * Its canonical bytes (RFC 8785) are what is signed; its digest is its name everywhere else.
 */
import { canonicalJson, type Json, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { type Envelope, sign, verify } from "../encoding/dsse.ts";
import { type SigningKey, verifyingKey } from "../encoding/ed25519.ts";
import { digestOf } from "../encoding/sha256.ts";
import { EntenteError } from "../errors.ts";
import type { CollaborationId, Digest } from "../ids.ts";
import { collaborationOf } from "./identity.ts";
import { keyId } from "./keyset.ts";
import { agreedDataset, agreedIds, checkReferences, fillGroupFloor, fillRoles, invalid } from "./references.ts";
import { type AgreedDataset, type AgreedOperation, type AgreementDocument, agreementSchema } from "./schema.ts";

export type { AgreedDataset, AgreedOperation, AgreementDocument };
export { agreedDataset, agreedIds };

export const AGREEMENT_TYPE = "application/vnd.entente.agreement.v1+json";

export interface Agreement {
  readonly document: AgreementDocument;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: Digest;
  readonly collaboration: CollaborationId;
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
  const document = fillGroupFloor(fillRoles(parsed.data));
  checkReferences(document);
  const bytes = canonicalJson(document as unknown as Json);
  return {
    document,
    bytes,
    digest: digestOf(bytes),
    collaboration: collaborationOf(document.parties.map((party) => party.name)),
  };
}

/**
 * Throws POLICY_GATED when an operation wants its result floor enforced by the provider's node: that takes the gated
 * mode of psi-dh, which is not built, and such an operation is never run without it.
 */
export function requireSupported({ document }: Agreement): void {
  if (document.operations.some((operation) => operation.resultFloor === "provider"))
    throw new EntenteError("POLICY_GATED");
}

/** True when `newer` takes the place of `older`: the next version, of the same parties. Whether an identity in the newer one is
 * that of the older or has followed it the node asks by itself. */
export function isLaterVersion(newer: Agreement, older: Agreement): boolean {
  const parties = ({ document }: Agreement) => document.parties.map(({ name }) => name).sort();
  return (
    newer.document.supersedes === older.digest &&
    newer.document.version === older.document.version + 1 &&
    parties(newer).join() === parties(older).join()
  );
}

/** Agreements that were read lately, by digest: every step of a job reads its agreement anew. */
const read = new Map<string, Agreement>();
const MAX_READ = 64;

/** The agreement in bytes that a peer sent: canonical and complete, nothing defaulted. */
export function readAgreement(bytes: Uint8Array): Agreement {
  const digest = digestOf(bytes);
  const known = read.get(digest);
  if (known !== undefined) return known;
  const agreement = makeAgreement(parseCanonicalJson(bytes));
  if (agreement.bytes.length !== bytes.length) throw invalid("a field is missing");
  if (read.size >= MAX_READ) read.delete(read.keys().next().value as string);
  read.set(digest, agreement);
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
