/** Single-entry proofs: made from folders that have been examined, and verified with nothing but keysets. */

import { parseFingerprint } from "../../proto/agreement/identity.ts";
import { parseCheckpointBody } from "../../proto/evidence/checkpoint.ts";
import { encodeNote, parseNote } from "../../proto/evidence/note.ts";
import { ownerOf } from "../../proto/evidence/origin.ts";
import type { EvidenceEvent } from "../../proto/evidence/predicates.ts";
import { encodeProof, holdsEntry, parseProof } from "../../proto/evidence/proof.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import { longestOf } from "./agree.ts";
import { cosignaturesOn } from "./cosignatures.ts";
import { type Entry, verifyEntry } from "./entries.ts";
import { Keyring, readHistories } from "./keys.ts";
import { openSigned } from "./log.ts";
import type { Examination } from "./verify.ts";

export interface ProofFile {
  /** `bank-0007-receipt.tlog-proof`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** One file for each entry about the job, from every log that is here. Empty when no log knows the job. */
export async function proveJob({ records }: Pick<Examination, "records">, jobId: string): Promise<ProofFile[]> {
  const proofs: ProofFile[] = [];
  for (const copies of Map.groupBy(records, ({ log }) => log.origin).values()) {
    const { log, jobs } = longestOf(copies);
    for (const index of jobs.get(jobId)?.indexes ?? []) {
      const entry = await log.entry(index);
      const note = parseNote(log.noteFor(index));
      const { size } = parseCheckpointBody(note.text);
      const bytes = encodeProof({ entry, index, path: log.tree.inclusionProof(index, size), note });
      const { event } = parseStatement(entry);
      proofs.push({ path: `${log.owner}-${String(index).padStart(4, "0")}-${event}.tlog-proof`, bytes });
    }
  }
  return proofs;
}

export interface ProofReport {
  readonly verdict: "verified" | "tampered" | "incomplete";
  /** Whether identities were compared with fingerprints that the auditor got elsewhere. */
  readonly trusted: boolean;
  /** In words, when it is not verified. */
  readonly why?: string;
  readonly origin?: string;
  readonly index?: number;
  readonly event?: EvidenceEvent;
  readonly statement?: Entry["statement"];
  /** Who has cosigned the checkpoint, and when by their clocks. */
  readonly cosigned: readonly { readonly by: string; readonly at: string }[];
  readonly fingerprints: readonly { readonly party: string; readonly fingerprint: string }[];
}

export interface ProofOptions {
  /** `keysets.json` of an export. */
  readonly keysets: Uint8Array;
  readonly trust?: readonly string[] | undefined;
}

/** The entry is in a tree that its log's key signed, and it is signed as its event needs. Without a cosignature of anybody
 * else it is incomplete: the owner could still show another tree. Throws BAD_REQUEST when `trust` holds no fingerprint. */
export function verifyProof(bytes: Uint8Array, { keysets, trust }: ProofOptions): ProofReport {
  const trusted = trust?.map(parseFingerprint);
  const keyring = new Keyring();
  const parsed = readHistories(keysets);
  const base = { trusted: trust !== undefined, cosigned: [], fingerprints: [] };
  if (!parsed.every((history) => history !== undefined && keyring.add(history)))
    return { ...base, verdict: "tampered", why: "A keyset is malformed, or not signed by its identity." };
  const fingerprints = keyring.fingerprints();
  const report = { ...base, fingerprints };
  if (trusted !== undefined && keyring.untrusted(trusted).length > 0)
    return { ...report, verdict: "tampered", why: "An identity is not among the fingerprints that you trust." };
  return { ...report, ...inspect(bytes, keyring) };
}

function inspect(bytes: Uint8Array, keyring: Keyring): Pick<ProofReport, "verdict"> & Partial<ProofReport> {
  const tampered = (why: string) => ({ verdict: "tampered" as const, why });
  let proof: ReturnType<typeof parseProof>;
  try {
    proof = parseProof(bytes);
    if (holdsEntry(proof) === undefined)
      return tampered("The checkpoint's tree does not hold the entry at that place.");
  } catch {
    return tampered("The file is no single-entry proof of the published form.");
  }
  const { note, index, entry: entryBytes } = proof;
  const opened = openSigned(encodeNote(note), keyring);
  if (opened === undefined) return tampered("The checkpoint is not signed by the log key of its owner.");
  const { origin } = opened.checkpoint;
  const owner = ownerOf(origin);
  const entry = verifyEntry(entryBytes, index, { party: owner, keyring });
  if (typeof entry === "string") return tampered(`The entry does not hold: ${entry}.`);
  const about = { origin, index, event: entry.event, statement: entry.statement };
  const seen = cosignaturesOn(note, owner, keyring);
  if ("badBy" in seen) return { ...about, ...tampered(`The cosignature by ${seen.badBy} does not verify.`) };
  const cosigned = seen.good.map(({ by, timeS }) => ({ by, at: new Date(timeS * 1000).toISOString() }));
  if (cosigned.length === 0)
    return { ...about, verdict: "incomplete", why: "Nobody else has cosigned that checkpoint." };
  return { ...about, verdict: "verified", cosigned };
}
