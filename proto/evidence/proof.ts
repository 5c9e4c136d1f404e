/**
 * C2SP tlog-proof: one entry of a log with all that shows that it is in it, as a text file. The `extra` line holds the
 * entry itself, so that the file needs nothing beside the keys.
 */
import { equalBytes, fromBase64, fromUtf8, toBase64, utf8 } from "../encoding/bytes.ts";
import { EntenteError } from "../errors.ts";
import { type Checkpoint, parseCheckpointBody } from "./checkpoint.ts";
import { HASH_BYTES, leafHash, MAX_PROOF_HASHES, verifyInclusion } from "./merkle.ts";
import { encodeNote, type Note, parseNote } from "./note.ts";

const HEADER = "c2sp.org/tlog-proof@v1";

export interface EntryProof {
  /** At most 65,535 bytes. */
  readonly entry: Uint8Array;
  readonly index: number;
  /** RFC 6962 audit path, from the leaf's sibling up. */
  readonly path: readonly Uint8Array[];
  /** The checkpoint, with whatever cosignatures it has. */
  readonly note: Note;
}

function invalid(detail: string): EntenteError {
  return new EntenteError("WIRE_INVALID", { detail: `log proof: ${detail}` });
}

export function encodeProof({ entry, index, path, note }: EntryProof): Uint8Array<ArrayBuffer> {
  const lines = [HEADER, `extra ${toBase64(entry)}`, `index ${index}`, ...path.map(toBase64)];
  return utf8(`${lines.join("\n")}\n\n${fromUtf8(encodeNote(note))}`);
}

/** Form only: nothing is trusted before `holdsEntry` and the note's signatures. Throws WIRE_INVALID on anything that
 * `encodeProof` would not have written. */
export function parseProof(bytes: Uint8Array): EntryProof {
  const text = fromUtf8(bytes);
  const end = text.indexOf("\n\n");
  if (end < 0) throw invalid("form");
  const [header, extra = "", index = "", ...path] = text.slice(0, end).split("\n");
  if (header !== HEADER || !extra.startsWith("extra ") || !/^index (?:0|[1-9]\d{0,15})$/.test(index))
    throw invalid("form");
  if (path.length > MAX_PROOF_HASHES) throw invalid("too many hashes");
  const proof = {
    entry: fromBase64(extra.slice("extra ".length)),
    index: Number(index.slice("index ".length)),
    path: path.map(fromBase64),
    note: parseNote(utf8(text.slice(end + 2))),
  };
  if (!Number.isSafeInteger(proof.index) || proof.path.some((hash) => hash.length !== HASH_BYTES))
    throw invalid("index or hash");
  if (!equalBytes(encodeProof(proof), bytes)) throw invalid("not canonical");
  return proof;
}

/** The checkpoint, when its tree holds the entry at that index; undefined otherwise. Says nothing of its signatures.
 * Throws WIRE_INVALID when the note is no checkpoint. */
export function holdsEntry({ entry, index, path, note }: EntryProof): Checkpoint | undefined {
  const checkpoint = parseCheckpointBody(note.text);
  const { size, root } = checkpoint;
  return verifyInclusion({ index, size, root, leaf: leafHash(entry), proof: path }) ? checkpoint : undefined;
}
