/** Verify each entry: form, subject, and signatures by the log's owner and whoever else the event needs. */
import type { Envelope, Signature } from "../../proto/encoding/dsse.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { type ParsedStatement, parseStatement, verifyStatement } from "../../proto/evidence/statements.ts";
import type { Keyring } from "./keys.ts";
import type { VerifiedLog } from "./log.ts";
import type { Findings, ProblemCode } from "./verdict.ts";

export type Entry = ParsedStatement & {
  readonly index: number;
  /** SHA-256 of the entry's bytes: what later entries call the receipt by. */
  readonly digest: string;
};

/** The entries that hold, in order; each that does not is reported under its index. */
export function verifyEntries(log: VerifiedLog, keyring: Keyring, findings: Findings): Entry[] {
  const entries: Entry[] = [];
  for (const [index, bytes] of log.entries.entries()) {
    const parsed = parse(bytes);
    const problem = parsed === undefined ? "ENTRY_INVALID" : problemOf(parsed, log.owner, keyring);
    if (problem !== undefined) findings.report(problem, { folder: log.folder, log: log.origin, index });
    else if (parsed !== undefined) entries.push({ ...parsed, index, digest: digestOf(bytes) });
  }
  return entries;
}

function parse(bytes: Uint8Array): ParsedStatement | undefined {
  try {
    return parseStatement(bytes);
  } catch {
    return undefined;
  }
}

function problemOf(entry: ParsedStatement, owner: string, keyring: Keyring): ProblemCode | undefined {
  if (!subjectFits(entry)) return "ENTRY_INVALID";
  const signers = entry.envelope.signatures.map((signature) => signature.keyid.split("/")[0]);
  // A receipt is both parties' word, and stands in the logs of others (the coordinator's) too.
  const needed = entry.event === "receipt" ? Object.values(entry.statement.predicate.parties) : [owner];
  const complete = needed.every((party) => signers.includes(party));
  if (!complete || (entry.event === "receipt" && signers.length !== needed.length)) return "SIGNATURE_INVALID";
  const at = timeOf(entry);
  for (const signature of entry.envelope.signatures) {
    const problem = signatureProblem(entry.envelope, signature, at, keyring);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function signatureProblem(
  envelope: Envelope,
  { keyid }: Signature,
  at: string,
  keyring: Keyring,
): ProblemCode | undefined {
  const [party = "", role] = keyid.split("/");
  const good = keyring.keysOf(party, role === "identity" ? "identity" : "jobs").filter(({ key }) => {
    try {
      verifyStatement(envelope, key);
      return true;
    } catch {
      return false;
    }
  });
  if (good.length === 0) return "SIGNATURE_INVALID";
  return good.some(({ validFrom, validUntil }) => validFrom <= at && at <= validUntil) ? undefined : "KEY_NOT_IN_FORCE";
}

function timeOf(entry: ParsedStatement): string {
  return entry.event === "receipt" ? entry.statement.predicate.finishedAt : entry.statement.predicate.at;
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
  };
  return subject.every(({ name, digest }) => digests[name] === undefined || digests[name] === digest.sha256);
}

function field(predicate: object, name: string): string | undefined {
  return (predicate as Record<string, string | undefined>)[name];
}
