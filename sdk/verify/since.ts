/** Checkpoints from elsewhere: those that the auditor kept, and those that an exporter cosigned of others' logs. */
import { fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { parseCheckpointBody } from "../../proto/evidence/checkpoint.ts";
import { logFolder, WITNESSED_FOLDER } from "../../proto/evidence/export.ts";
import { parseNote } from "../../proto/evidence/note.ts";
import { compareHead, longestOf } from "./agree.ts";
import type { Keyring } from "./keys.ts";
import type { ExportFolder } from "./load.ts";
import { openSigned } from "./log.ts";
import { verifyNoteKey } from "./rotations.ts";
import type { LogRecord } from "./trace.ts";
import type { Findings, Place } from "./verdict.ts";

/**
 * The signed notes in a file of them, one after another, as `cat` of several `checkpoint` files makes it. Throws
 * WIRE_INVALID when there is anything else, or none.
 */
export function splitNotes(bytes: Uint8Array): Uint8Array[] {
  // A note ends where a signature line is followed by a line that is none.
  const notes = fromUtf8(bytes)
    .split(/(?<=^— [^\n]*\n)(?!— )/m)
    .map((text) => utf8(text));
  if (bytes.length === 0) throw new EntenteError("WIRE_INVALID", { detail: "no checkpoint" });
  for (const note of notes) parseCheckpointBody(parseNote(note).text);
  return notes;
}

/** What the auditor kept must be a past of the log that is here: a log that ends before it is older than what was seen. */
export function verifySince(
  kept: readonly Uint8Array[],
  records: readonly LogRecord[],
  keyring: Keyring,
  findings: Findings,
): void {
  for (const bytes of kept) {
    const opened = openSigned(bytes, keyring);
    if (opened === undefined) {
      findings.report("SINCE_BROKEN", {}, "not signed by a log key in these folders");
      continue;
    }
    const { origin, size } = opened.checkpoint;
    const place = { log: origin };
    verifyKeyOf(opened, records, place, findings);
    if (!records.some(({ log }) => log.origin === origin))
      findings.report("LOG_MISSING", place, "you kept a checkpoint of it");
    const problem = compareHead(opened.checkpoint, records);
    if (problem === "LOGS_DISAGREE")
      findings.report("SINCE_BROKEN", place, `the log is not what it was at ${size} entries`);
    else if (problem !== undefined) findings.report(problem, place, `you have seen it at ${size} entries`);
  }
}

function verifyKeyOf(
  { checkpoint: { origin, size }, signedBy }: NonNullable<ReturnType<typeof openSigned>>,
  records: readonly LogRecord[],
  place: Place,
  findings: Findings,
): void {
  const copies = records.filter(({ log }) => log.origin === origin);
  if (copies.length > 0) verifyNoteKey(longestOf(copies), { size, signedBy }, place, findings);
}

/** An exporter's own record of how far it cosigned the others. */
export async function verifyWitnessed(
  { folder, paths, read }: ExportFolder,
  records: readonly LogRecord[],
  keyring: Keyring,
  findings: Findings,
): Promise<void> {
  for (const path of paths.filter((name) => name.startsWith(WITNESSED_FOLDER))) {
    const opened = openSigned((await read(path)) ?? new Uint8Array(), keyring);
    const place = { folder, path };
    if (opened === undefined || path !== `${WITNESSED_FOLDER}${logFolder(opened.checkpoint.origin)}`) {
      findings.report("CHECKPOINT_INVALID", place);
      continue;
    }
    verifyKeyOf(opened, records, { ...place, log: opened.checkpoint.origin }, findings);
    const problem = compareHead(opened.checkpoint, records);
    if (problem !== undefined) findings.report(problem, { ...place, log: opened.checkpoint.origin });
  }
}
