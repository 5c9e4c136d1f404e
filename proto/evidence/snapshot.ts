/** The files of a log that another process may be writing, read without changing anything: for an export beside a server
 * that runs. */
import { equalBytes } from "../encoding/bytes.ts";
import { EntenteError } from "../errors.ts";
import type { Files } from "../ports/ports.ts";
import { parseCheckpointBody } from "./checkpoint.ts";
import type { LogFile } from "./log.ts";
import { parseNote } from "./note.ts";
import { rebuild } from "./rebuild.ts";
import { tilePath, tilesOf } from "./tiles.ts";

/** An append that finishes meanwhile removes partial tiles of the size before. */
const MAX_TRIES = 10;

export interface LogSnapshot {
  readonly origin: string;
  /** As `EvidenceLog.exportFiles` returns them. */
  readonly files: readonly LogFile[];
}

/** Signatures are the verifier's to check. Throws NOT_FOUND when there is no log, LOG_CORRUPT when what is there does not
 * fit together, and what `files` throws. */
export async function snapshotLog(files: Files, folder: string): Promise<LogSnapshot> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const snapshot = await attempt(files, folder);
    if (snapshot !== undefined) return snapshot;
  }
  throw new EntenteError("LOG_CORRUPT", { detail: "tiles do not fit the checkpoint" });
}

async function attempt(files: Files, folder: string): Promise<LogSnapshot | undefined> {
  // Before the checkpoint: it must not be of a later size.
  const cosigned = await files.read(`${folder}/cosigned`);
  const checkpoint = await files.read(`${folder}/checkpoint`);
  if (checkpoint === undefined) throw new EntenteError("NOT_FOUND", { detail: "log" });
  const { origin, size, root } = parseCheckpointBody(parseNote(checkpoint).text);
  const out: LogFile[] = [{ path: "checkpoint", bytes: checkpoint }];
  if (cosigned !== undefined) out.push({ path: "cosigned", bytes: cosigned });
  const read = new Map<string, Uint8Array>();
  for (const path of tilesOf(size).map(tilePath)) {
    const bytes = await files.read(`${folder}/${path}`);
    if (bytes === undefined) return undefined;
    read.set(path, bytes);
    out.push({ path, bytes });
  }
  const rebuilt = await rebuild(size, async (path) => read.get(path));
  return "tree" in rebuilt && equalBytes(rebuilt.tree.root(), root) ? { origin, files: out } : undefined;
}
