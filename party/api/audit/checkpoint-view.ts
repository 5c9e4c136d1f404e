/** A checkpoint with the signatures on it that verify under keys that this node knows. */

import { fromUtf8, toHex } from "../../../proto/encoding/bytes.ts";
import { parseCheckpointBody } from "../../../proto/evidence/checkpoint.ts";
import { encodeNote, isFrom, type Note, noteVerifier } from "../../../proto/evidence/note.ts";
import { ownerOf } from "../../../proto/evidence/origin.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { cosignaturesOn } from "../../../sdk/verify/cosignatures.ts";
import type { Keyring } from "../../../sdk/verify/keys.ts";

type View = RouteResponse<"evidenceEntry">["checkpoint"];

export function checkpointView(note: Note, keyring: Keyring): View {
  const { origin, size, root } = parseCheckpointBody(note.text);
  const owner = ownerOf(origin);
  const own = keyring.keysOf(owner, "log").map(({ key }) => noteVerifier(key));
  const isGood = (line: Note["signatures"][number]) =>
    own.some((verifier) => isFrom(line, verifier) && verifier.verify(note.text, line.signature));
  const seen = cosignaturesOn(note, owner, keyring);
  const cosigned = "good" in seen ? seen.good : [];
  return {
    ...{ origin, size, root: toHex(root), note: fromUtf8(encodeNote(note)) },
    signers: [...new Set(note.signatures.filter(isGood).map(({ name }) => name))],
    cosigned: cosigned.map(({ by, timeS }) => ({ by, at: new Date(timeS * 1000).toISOString() })),
  };
}
