/** Files and folders that appear whole or not at all: written beside the target, synced, renamed. */
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { EntenteError } from "../../proto/errors.ts";
import { nodePorts } from "../../proto/ports/node.ts";

function siblingOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.partial`);
}

function storageError(path: string, cause: unknown): EntenteError {
  return cause instanceof EntenteError
    ? cause
    : new EntenteError("STORAGE_FAILED", { detail: `cannot write ${path}`, cause });
}

/** Runs `work`; an interrupt from the keyboard aborts its signal, so that what was written so far can be removed. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = new AbortController();
  const abort = () => interrupt.abort(new EntenteError("CANCELLED"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, abort);
  try {
    return await work(interrupt.signal);
  } catch (error) {
    throw interrupt.signal.aborted ? interrupt.signal.reason : error;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, abort);
  }
}

/**
 * Writes a stream to `path`, mode 0600 (it holds ids), over a file of that name. Resolves to the bytes written. Throws
 * the stream's own error, STORAGE_FAILED, or CANCELLED on an interrupt; `path` is then as it was.
 */
export async function saveFile(path: string, stream: ReadableStream<Uint8Array>): Promise<number> {
  const target = resolve(path);
  const partial = siblingOf(target);
  try {
    return await interruptible(async (signal) => {
      const file = createWriteStream(partial, { flags: "wx", mode: 0o600, flush: true });
      await pipeline(Readable.fromWeb(stream as import("node:stream/web").ReadableStream), file, { signal });
      await rename(partial, target);
      return file.bytesWritten;
    });
  } catch (cause) {
    await rm(partial, { force: true });
    throw storageError(path, cause);
  }
}

/** Throws ALREADY_EXISTS when there is anything at `path`. */
export async function requireAbsent(path: string): Promise<void> {
  const exists = await access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== "ENOENT",
  );
  if (exists) throw new EntenteError("ALREADY_EXISTS", { detail: path });
}

export interface NamedBytes {
  /** Below the folder, "/" between elements. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Makes the folder `path` of these files. Throws ALREADY_EXISTS, STORAGE_FAILED, or BAD_REQUEST for a path that leaves it. */
export async function saveFolder(path: string, files: readonly NamedBytes[]): Promise<void> {
  const target = resolve(path);
  await requireAbsent(target);
  for (const file of files)
    if (!isInside(file.path))
      throw new EntenteError("BAD_REQUEST", { detail: "the export names a path outside itself" });
  const partial = siblingOf(target);
  try {
    await interruptible(async (signal) => {
      await nodePorts.files.makeFolder(partial);
      for (const { path: name, bytes } of files) {
        signal.throwIfAborted();
        await nodePorts.files.writeDurable(join(partial, name), bytes);
      }
      await rename(partial, target);
    });
  } catch (cause) {
    await nodePorts.files.remove(partial);
    throw storageError(path, cause);
  }
}

function isInside(path: string): boolean {
  return path.split("/").every((element) => /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(element));
}
