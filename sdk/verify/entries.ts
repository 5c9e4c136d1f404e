/** Verify each entry: form, subject, and signatures by the log's owner and whoever else the event needs. */
import { keyId } from "../../proto/agreement/keyset.ts";
import type { Signature } from "../../proto/encoding/dsse.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import type { EvidenceEvent } from "../../proto/evidence/predicates.ts";
import { type ParsedStatement, parseStatement, timeOf, verifyStatement } from "../../proto/evidence/statements.ts";
import type { ProblemCode } from "../../proto/evidence/verdict.ts";
import type { Keyring } from "./keys.ts";

/** Of a log, with a place in it. */
export type Entry = ParsedStatement & {
  readonly index: number;
  /** SHA-256 of the entry's bytes: what later entries call the receipt by. */
  readonly digest: string;
};

export interface LogOwner {
  readonly party: string;
  readonly keyring: Keyring;
  /** Place of the party's keyset in force, for an entry of that time; without it, that is by times alone. */
  readonly placeFor?: (entry: ParsedStatement) => number;
}

/** The entry in these bytes, or what is wrong with it. */
export function verifyEntry(bytes: Uint8Array, index: number, owner: LogOwner): Entry | ProblemCode {
  const parsed = parse(bytes);
  if (parsed === undefined) return "ENTRY_INVALID";
  return problemOf(parsed, owner) ?? { ...parsed, index, digest: digestOf(bytes) };
}

function parse(bytes: Uint8Array): ParsedStatement | undefined {
  try {
    return parseStatement(bytes);
  } catch {
    return undefined;
  }
}

/** What changes keys, or begins a log after a loss, a stolen jobs key alone must not say. */
const BY_IDENTITY: readonly EvidenceEvent[] = [
  "keyset-rotated",
  "identity-rotated",
  "identity-recovered",
  "log-recovered",
];

/** Who must have signed it with which key. A receipt is both parties' word, and stands in the logs of others (the
 * coordinator's) too. */
function isComplete({ event, statement, envelope }: ParsedStatement, owner: string): boolean {
  const names = envelope.signatures.map((signature) => signature.keyid);
  const signers = names.map((name) => name.split("/")[0]);
  if (event === "receipt")
    return signers.length === 2 && Object.values(statement.predicate.parties).every((party) => signers.includes(party));
  if (!signers.includes(owner)) return false;
  const isOwn = !("party" in statement.predicate) || statement.predicate.party === owner;
  if (!BY_IDENTITY.includes(event) || !isOwn) return true;
  return names.includes(keyId(owner, "identity")) && names.includes(keyId(owner, "jobs"));
}

function problemOf(entry: ParsedStatement, owner: LogOwner): ProblemCode | undefined {
  if (!subjectFits(entry)) return "ENTRY_INVALID";
  if (!isComplete(entry, owner.party)) return "SIGNATURE_INVALID";
  for (const signature of entry.envelope.signatures) {
    const problem = signatureProblem(entry, signature, owner);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function signatureProblem(entry: ParsedStatement, { keyid }: Signature, owner: LogOwner): ProblemCode | undefined {
  const [party = "", role] = keyid.split("/");
  const at = timeOf(entry);
  const good = owner.keyring.keysOf(party, role === "identity" ? "identity" : "jobs").filter(({ key }) => {
    try {
      verifyStatement(entry.envelope, key);
      return true;
    } catch {
      return false;
    }
  });
  if (good.length === 0) return "SIGNATURE_INVALID";
  const place = party === owner.party ? placeOf(entry, role, owner) : undefined;
  const isInForce = good.some(
    (key) => (place === undefined || key.place === place) && key.validFrom <= at && at <= key.validUntil,
  );
  return isInForce ? undefined : "KEY_NOT_IN_FORCE";
}

/** A lost identity signs nothing any more: of its recovery the new one speaks. */
function placeOf(entry: ParsedStatement, role: string | undefined, owner: LogOwner): number | undefined {
  if (entry.event === "identity-recovered" && role === "identity" && entry.statement.predicate.party === owner.party)
    return owner.keyring.placeOf(owner.party, entry.statement.predicate.keysetDigest);
  return owner.placeFor?.(entry);
}

/** Where the predicate holds the digest too, the subject must say the same. */
function subjectFits({ event, statement }: ParsedStatement): boolean {
  const { predicate, subject } = statement;
  const digests: Record<string, string | undefined> = {
    job:
      event === "receipt" ? (predicate as { job: { jobDigest: string } }).job.jobDigest : field(predicate, "jobDigest"),
    agreement: field(predicate, "agreementDigest"),
    keyset: field(predicate, "keysetDigest"),
    dataset: field(predicate, "datasetCommitment"),
    tags: field(predicate, "tagsCommitment"),
    receipt: field(predicate, "receiptDigest"),
    succession: field(predicate, "successionDigest"),
  };
  return subject.every(({ name, digest }) => digests[name] === undefined || digests[name] === digest.sha256);
}

function field(predicate: object, name: string): string | undefined {
  return (predicate as Record<string, string | undefined>)[name];
}
