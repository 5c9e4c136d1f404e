/**
 * Two checkpoints of one log, both signed by it, of which the later does not extend the earlier: what a witness keeps when
 * a log shows two histories. Of equal sizes the two notes alone prove it. Otherwise they, with the proof that the log
 * offered and that does not hold, are the witness's word that it was shown no better one.
 */
import * as z from "zod";
import { fromHex, toHex, utf8 } from "../encoding/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../encoding/canonical-json.ts";
import type { VerifyingKey } from "../encoding/ed25519.ts";
import { EntenteError } from "../errors.ts";
import { type Checkpoint, openCheckpoint, parseCheckpointBody } from "./checkpoint.ts";
import { MAX_PROOF_HASHES, verifyConsistency } from "./merkle.ts";
import { noteVerifier, parseNote } from "./note.ts";

const noteText = z.string().max(64 * 1024);

const forkSchema = z.strictObject({
  format: z.literal("entente-fork/1"),
  /** The checkpoint that the witness had cosigned, or the log's owner has on its disk. */
  known: noteText,
  /** The one that does not extend it, or that it does not extend. */
  offered: noteText,
  /** From the smaller to the larger, hex; as the log offered it. */
  proof: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(MAX_PROOF_HASHES),
});

export type Fork = Omit<z.infer<typeof forkSchema>, "format">;

/** Canonical JSON. Throws WIRE_INVALID when a part has not the form. */
export function encodeFork(fork: Fork): Uint8Array<ArrayBuffer> {
  return canonicalJson(checked({ format: "entente-fork/1", ...fork }));
}

/** Form only. Throws WIRE_INVALID. */
export function parseFork(bytes: Uint8Array): Fork {
  const { known, offered, proof } = checked(parseCanonicalJson(bytes));
  return { known, offered, proof };
}

function checked(value: unknown): z.infer<typeof forkSchema> {
  const parsed = forkSchema.safeParse(value);
  if (!parsed.success) throw new EntenteError("WIRE_INVALID", { detail: "fork" });
  return parsed.data;
}

export interface CheckedFork {
  readonly origin: string;
  readonly known: Checkpoint;
  readonly offered: Checkpoint;
  /** True when the notes prove it to everybody; false when it rests on the witness's word about the proof. */
  readonly isProof: boolean;
}

/** Both notes are the log's own and do disagree. `logKeys`: all that the log's owner ever had. Throws SIGNATURE_INVALID,
 * WIRE_INVALID; BAD_REQUEST when the later extends the earlier, so that there is no fork. */
export function checkFork({ known, offered, proof }: Fork, logKeys: readonly VerifyingKey[]): CheckedFork {
  const { origin } = parseCheckpointBody(parseNote(utf8(known)).text);
  const open = (note: string) =>
    openCheckpoint(utf8(note), { origin, verifiers: logKeys.map(noteVerifier) }).checkpoint;
  const [a, b] = [open(known), open(offered)];
  const [smaller, larger] = a.size <= b.size ? [a, b] : [b, a];
  const isProof = a.size === b.size && toHex(a.root) !== toHex(b.root);
  const isExtended =
    smaller.size === 0 ||
    verifyConsistency({
      oldSize: smaller.size,
      size: larger.size,
      oldRoot: smaller.root,
      root: larger.root,
      proof: smaller.size === larger.size ? [] : proof.map(fromHex),
    });
  if (isExtended) throw new EntenteError("BAD_REQUEST", { detail: "no fork: one extends the other" });
  return { origin, known: a, offered: b, isProof };
}
