/** C2SP tlog-checkpoint: a signed note that names a log, its size and its root. Extension lines are refused: they are
 * not auditable. */
import { fromBase64, toBase64, toHex } from "../encoding/bytes.ts";
import type { SigningKey } from "../encoding/ed25519.ts";
import { EntenteError } from "../errors.ts";
import { emptyRoot, HASH_BYTES } from "./merkle.ts";
import { type Note, type NoteVerifier, parseNote, signText, verifyNote } from "./note.ts";

export interface Checkpoint {
  /** `<party>/<collaboration>/<year>`. */
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** A checkpoint as statements and stores write it: the root in lower-case hex. */
export interface TreeHead {
  readonly origin: string;
  readonly size: number;
  readonly root: string;
}

export function treeHead({ origin, size, root }: Checkpoint): TreeHead {
  return { origin, size, root: toHex(root) };
}

function invalid(detail: string): EntenteError {
  return new EntenteError("WIRE_INVALID", { detail: `checkpoint: ${detail}` });
}

/** The note text: origin, size, root in base64, each on its line. Throws WIRE_INVALID on an origin with spaces or plus
 * (a SHOULD of the specification, a must here), a size out of range or a root that is not 32 bytes. */
export function checkpointBody({ origin, size, root }: Checkpoint): string {
  if (!/^[\x21-\x2a\x2c-\x7e]+$/.test(origin)) throw invalid("origin");
  if (!Number.isSafeInteger(size) || size < 0) throw invalid("size");
  if (root.length !== HASH_BYTES) throw invalid("root");
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** Throws WIRE_INVALID on anything that `checkpointBody` would not write. */
export function parseCheckpointBody(text: string): Checkpoint {
  const match = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/=]{44})\n$/.exec(text);
  if (match === null) throw invalid("form");
  const [, origin = "", size = "", root = ""] = match;
  const checkpoint = { origin, size: Number(size), root: fromBase64(root) };
  if (checkpointBody(checkpoint) !== text) throw invalid("not canonical");
  if (checkpoint.size === 0 && toBase64(emptyRoot()) !== root) throw invalid("root of the empty tree");
  return checkpoint;
}

/** A note with the log's own signature (type 0x01). */
export function signCheckpoint(checkpoint: Checkpoint, key: SigningKey): Note {
  const text = checkpointBody(checkpoint);
  return { text, signatures: [signText(text, key)] };
}

/** The checkpoint of a note that one of `verifiers` signed. Throws WIRE_INVALID on the form or another origin,
 * SIGNATURE_INVALID as `verifyNote` does. */
export function openCheckpoint(
  bytes: Uint8Array,
  { origin, verifiers }: { readonly origin: string; readonly verifiers: readonly NoteVerifier[] },
): { readonly note: Note; readonly checkpoint: Checkpoint } {
  const note = parseNote(bytes);
  verifyNote(note, verifiers);
  const checkpoint = parseCheckpointBody(note.text);
  if (checkpoint.origin !== origin) throw invalid("another log's origin");
  return { note, checkpoint };
}
