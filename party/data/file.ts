/**
 * The file itself: where it is, whether it is still the one that was registered, and one pass over its bytes for the
 * digest. Large files are streamed, so this reads with `node:fs` rather than through a port that takes files whole.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import { EntenteError } from "../../proto/errors.ts";
import { type Digest, digest } from "../../proto/ids.ts";
import { DIGEST_CHUNK_BYTES } from "./limits.ts";

/** What the file system says of a version; when all three are as before, the content is taken to be. */
export interface Fingerprint {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** ctime: also moves when a copy or `touch` puts the modification time back. */
  readonly changedMs: number;
}

function missing(cause: unknown): EntenteError {
  return new EntenteError("DATASET_FILE_MISSING", { cause });
}

/** Throws DATASET_FILE_MISSING when there is no readable file. */
export async function fingerprintOf(path: string): Promise<Fingerprint> {
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw new Error("not a regular file");
    return { sizeBytes: stats.size, modifiedMs: stats.mtimeMs, changedMs: stats.ctimeMs };
  } catch (cause) {
    throw missing(cause);
  }
}

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs && a.changedMs === b.changedMs;
}

/**
 * Runs what reads a file: a file that changes meanwhile looks damaged, and what to tell then is DATASET_CHANGED. Throws
 * DATASET_FILE_MISSING, DATASET_CHANGED with `name`, and what `run` throws.
 */
export async function whileUnchanged<T>(
  { path, name }: { readonly path: string; readonly name: string },
  run: (fingerprint: Fingerprint) => Promise<T>,
): Promise<T> {
  const before = await fingerprintOf(path);
  try {
    return await run(before);
  } catch (error) {
    throw await orChanged(error, name, [{ path, fingerprint: before }]);
  }
}

/** DATASET_CHANGED instead of an error about the data, when one of the files is no longer as it was. */
export async function orChanged(
  error: unknown,
  name: string,
  files: readonly { readonly path: string; readonly fingerprint: Fingerprint }[],
): Promise<unknown> {
  if (!(error instanceof EntenteError && error.code.startsWith("DATASET_"))) return error;
  for (const { path, fingerprint } of files) {
    const now = await fingerprintOf(path).catch(() => undefined);
    if (now === undefined || !sameFingerprint(fingerprint, now))
      return new EntenteError("DATASET_CHANGED", { detail: name, cause: error });
  }
  return error;
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (cause) {
    throw missing(cause);
  }
}

/** The first `maxBytes` of a file, or all of it. */
export async function readHead(path: string, maxBytes: number): Promise<Uint8Array> {
  const handle = await openFile(path);
  try {
    const head = new Uint8Array(maxBytes);
    let filled = 0;
    while (filled < maxBytes) {
      const { bytesRead } = await handle.read(head, filled, maxBytes - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return head.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

/** All of a file; each chunk is the caller's. Throws DATASET_FILE_MISSING. */
export async function* chunksOf(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await openFile(path);
  try {
    for (;;) {
      const chunk = new Uint8Array(DIGEST_CHUNK_BYTES);
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** SHA-256 of the file, streamed; `see` gets each chunk, which is valid during the call only. */
export async function digestFile(path: string, see: (chunk: Uint8Array) => void = () => {}): Promise<Digest> {
  const handle = await openFile(path);
  try {
    const hash = createHash("sha256");
    const chunk = new Uint8Array(DIGEST_CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return digest(hash.digest("hex"));
      const part = chunk.subarray(0, bytesRead);
      hash.update(part);
      see(part);
    }
  } finally {
    await handle.close();
  }
}
