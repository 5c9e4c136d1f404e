/** One entry as an auditor looks at it: the statement, who signed it with which key, its proof under a checkpoint, what the
 * offline verifier says of that, and what stands behind the commitments. */

import { fromUtf8, toBase64, toHex } from "../../../proto/encoding/bytes.ts";
import { parseCheckpointBody } from "../../../proto/evidence/checkpoint.ts";
import type { EvidenceLog } from "../../../proto/evidence/log.ts";
import { commitmentsIn, type Opening, readOpening } from "../../../proto/evidence/openings.ts";
import { ownerOf } from "../../../proto/evidence/origin.ts";
import { encodeProof } from "../../../proto/evidence/proof.ts";
import { type ParsedStatement, verifyStatement } from "../../../proto/evidence/statements.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import type { Keyring } from "../../../sdk/verify/keys.ts";
import { verifyProof } from "../../../sdk/verify/prove.ts";
import { destinationOf } from "../../evidence/people.ts";
import type { SideNotes } from "../../evidence/side-notes.ts";
import { checkpointView } from "./checkpoint-view.ts";

type View = RouteResponse<"evidenceEntry">;
type Signature = View["signatures"][number];

export interface EntrySources {
  readonly sideNotes: Pick<SideNotes, "get">;
  readonly vault: { opening(commitment: string): Promise<Opening["opened"]> };
}

export interface EntryToView {
  readonly log: EvidenceLog;
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly parsed: ParsedStatement;
  readonly keyring: Keyring;
}

/** All but what a list of entries has of it, too. */
export async function entryView(
  sources: EntrySources,
  { log, index, bytes, parsed, keyring }: EntryToView,
): Promise<Omit<View, keyof RouteResponse<"evidenceEntries">["entries"][number]>> {
  // As a proof for an auditor has it: cosigned where that covers the entry, for who owns the log could show another tree.
  const cosigned = log.lastCosigned();
  const note = cosigned !== undefined && cosigned.head.size > index ? cosigned.note : log.checkpointNote();
  const { size } = parseCheckpointBody(note.text);
  const path = log.inclusionProof(index, size);
  const proof = encodeProof({ entry: bytes, index, path, note });
  const { verdict, why } = verifyProof(proof, { keysets: keyring.encode() });
  const owner = ownerOf(log.origin);
  return {
    origin: log.origin,
    size: log.size,
    entry: toBase64(bytes),
    statement: { ...parsed.statement },
    signatures: parsed.envelope.signatures.map(({ keyid }) => signatureView(parsed, keyid, keyring)),
    proof: fromUtf8(proof),
    path: path.map(toHex),
    checkpoint: checkpointView(note, keyring),
    check: { verdict, why: why ?? null },
    commitments: await commitments(sources, parsed, owner),
    notes: await notes(sources, parsed),
  };
}

/** Of several keysets of one signer the one whose key made it. */
function signatureView({ envelope }: ParsedStatement, keyid: string, keyring: Keyring): Signature {
  const [party = "", role] = keyid.split("/");
  const known = keyring.keysOf(party, role === "identity" ? "identity" : "jobs");
  const good = known.findLast(({ key }) => {
    try {
      verifyStatement(envelope, key);
      return true;
    } catch {
      return false;
    }
  });
  if (good === undefined) return { keyid, state: known.length === 0 ? "unknown-key" : "bad", validity: null };
  return { keyid, state: "good", validity: { from: good.validFrom, until: good.validUntil } };
}

async function commitments(
  { vault }: EntrySources,
  parsed: ParsedStatement,
  owner: string,
): Promise<View["commitments"]> {
  const made = commitmentsIn(parsed, owner).map(async ({ by, kind, commitment }) => {
    if (by !== owner) return { by, kind, commitment, state: "other" as const, value: null };
    const read = readOpening({ kind, commitment, opened: await vault.opening(commitment) });
    return { by, kind, commitment, ...(read === undefined ? GONE : { state: "opened" as const, value: read.value }) };
  });
  return Promise.all(made);
}

const GONE = { state: "gone", value: null } as const;

/** What people wrote when they did what the entry says. */
async function notes({ sideNotes }: EntrySources, { statement }: ParsedStatement): Promise<View["notes"]> {
  const { predicate } = statement;
  const found: View["notes"] = [];
  if ("reason" in predicate && predicate.reason !== undefined) {
    const note = await sideNotes.get(predicate.reason);
    found.push({ field: "reason", text: note?.text ?? null });
  }
  if ("destination" in predicate) {
    const note = await sideNotes.get(predicate.destination);
    found.push({
      field: "destination",
      text: note === undefined ? null : (destinationOf(note.text).destination ?? ""),
    });
  }
  return found;
}
