/**
 * Log entries: DSSE envelopes over in-toto Statements v1, both in RFC 8785 JSON. One entry has one form: signatures
 * stand in the order of their key names, so that two parties who sign the same receipt hold the same bytes.
 */
import * as z from "zod";
import { digestField } from "../agreement/fields.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope, type Signature, sign, verify } from "../encoding/dsse.ts";
import type { SigningKey, VerifyingKey } from "../encoding/ed25519.ts";
import { EntenteError } from "../errors.ts";
import { EVIDENCE_EVENTS, type EvidenceEvent, PREDICATES, type Predicate, type PredicateInput } from "./predicates.ts";
import { MAX_ENTRY_BYTES } from "./tiles.ts";

export const STATEMENT_PAYLOAD_TYPE = "application/vnd.in-toto+json";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/** `https://entente.dev/evidence/<event>/v1`. */
export function predicateType(event: EvidenceEvent): string {
  return `https://entente.dev/evidence/${event}/v1`;
}

/** What a subject's digest is of; a dataset's is its salted commitment. */
export const SUBJECT_NAMES = [
  "agreement",
  "dataset",
  "fork",
  "job",
  "keyset",
  "log",
  "receipt",
  "succession",
  "tags",
] as const;

const subjectSchema = z
  .array(z.strictObject({ name: z.enum(SUBJECT_NAMES), digest: z.strictObject({ sha256: digestField }) }))
  .min(1)
  .max(8);

export type Subject = z.input<typeof subjectSchema>;

export interface Statement<E extends EvidenceEvent = EvidenceEvent> {
  readonly _type: typeof STATEMENT_TYPE;
  readonly subject: z.output<typeof subjectSchema>;
  readonly predicateType: string;
  readonly predicate: Predicate<E>;
}

const frameSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: subjectSchema,
  predicateType: z.enum(EVIDENCE_EVENTS.map(predicateType)),
  predicate: z.unknown(),
});

/** A party's working keys sign; `dsse.ts` takes any name. */
const KEY_ID = /^[a-z][a-z0-9-]{1,31}\/(?:identity|jobs)$/;

function invalid(detail: string): EntenteError {
  return new EntenteError("WIRE_INVALID", { detail: `evidence: ${detail}` });
}

/** Names fields of the schema, never what stands in them or a field that the schema does not have. */
function check<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(`${what} ${parsed.error.issues[0]?.path.join(".") ?? ""}`.trim());
  return parsed.data;
}

/** The canonical bytes that are signed. Throws WIRE_INVALID naming the field that does not fit the event's schema. */
export function statementPayload<E extends EvidenceEvent>(
  event: E,
  subject: Subject,
  predicate: PredicateInput<E>,
): Uint8Array<ArrayBuffer> {
  const statement = {
    _type: STATEMENT_TYPE,
    subject: check(subjectSchema, subject, "subject"),
    predicateType: predicateType(event),
    predicate: check<unknown>(PREDICATES[event], predicate, event),
  };
  return canonicalJson(statement as Json);
}

export function signStatement(payload: Uint8Array, key: SigningKey): Signature {
  return sign(STATEMENT_PAYLOAD_TYPE, payload, key);
}

/** The entry of a payload and everybody's signatures over it, in whatever order they came. Throws WIRE_INVALID when one
 * key signed twice, a key's name is not a jobs or identity key's, or the entry is larger than a log takes. */
export function assembleEntry(payload: Uint8Array, signatures: readonly Signature[]): Uint8Array<ArrayBuffer> {
  const ordered = signatures.toSorted((a, b) => (a.keyid < b.keyid ? -1 : 1));
  checkSigners(ordered);
  const envelope = { payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: ordered };
  const entry = encodeEnvelope(envelope);
  if (entry.length > MAX_ENTRY_BYTES) throw invalid("entry too large");
  return entry;
}

function checkSigners(signatures: readonly Signature[]): void {
  const names = signatures.map((signature) => signature.keyid);
  const isOrdered = names.every((name, i) => i === 0 || name > (names[i - 1] as string));
  if (names.length === 0 || !isOrdered || !names.every((name) => KEY_ID.test(name))) throw invalid("signers");
}

/** The bytes of a log entry, signed by each of `keys`. Errors as `statementPayload` and `assembleEntry`. */
export function statementEntry<E extends EvidenceEvent>(
  event: E,
  subject: Subject,
  predicate: PredicateInput<E>,
  ...keys: readonly SigningKey[]
): Uint8Array<ArrayBuffer> {
  const payload = statementPayload(event, subject, predicate);
  return assembleEntry(
    payload,
    keys.map((key) => signStatement(payload, key)),
  );
}

/** Discriminated by `event`. */
export type ParsedStatement = {
  [E in EvidenceEvent]: { readonly event: E; readonly statement: Statement<E>; readonly envelope: Envelope };
}[EvidenceEvent];

/** The statement in an entry's bytes: form only, no signature is checked. Throws WIRE_INVALID on anything that
 * `assembleEntry` and `statementPayload` would not have written. */
export function parseStatement(bytes: Uint8Array): ParsedStatement {
  if (bytes.length > MAX_ENTRY_BYTES) throw invalid("entry too large");
  const envelope = decodeEnvelope(bytes);
  if (envelope.payloadType !== STATEMENT_PAYLOAD_TYPE) throw invalid("payload type");
  checkSigners(envelope.signatures);
  const frame = check(frameSchema, parseCanonicalJson(envelope.payload), "statement");
  const event = EVIDENCE_EVENTS.find((name) => predicateType(name) === frame.predicateType) as EvidenceEvent;
  const predicate = check<unknown>(PREDICATES[event], frame.predicate, event);
  // The schema was chosen by `event`; the compiler cannot follow that through the table.
  return { event, statement: { ...frame, predicate }, envelope } as ParsedStatement;
}

/** Throws SIGNATURE_INVALID unless exactly one signature names `key.keyId` and it verifies. */
export function verifyStatement(envelope: Envelope, key: VerifyingKey): void {
  verify(envelope, STATEMENT_PAYLOAD_TYPE, key);
}

/** The job that an entry is about; undefined when it is about none. */
export function jobIdOf({ event, statement }: ParsedStatement): string | undefined {
  if (event === "receipt") return statement.predicate.job.jobId;
  return "jobId" in statement.predicate ? statement.predicate.jobId : undefined;
}

/** When the entry was made, by its owner; a receipt by the sender. */
export function timeOf({ event, statement }: ParsedStatement): string {
  return event === "receipt" ? statement.predicate.finishedAt : statement.predicate.at;
}
