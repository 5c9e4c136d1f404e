/**
 * Files that appear whole or not at all: written in a fresh folder (mode 0700) beside the target, synced, given mode 0600,
 * renamed over it. A crash leaves only a folder named `.partial-*`, which `sweepPartial` removes at start-up. Spills live in
 * such folders all their life.
 */
import { type FileHandle, mkdir, mkdtemp, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { diskError } from "../../proto/ports/disk-error.ts";
import { WRITE_BUFFER_BYTES } from "./limits.ts";

const PREFIX = ".partial-";

export async function syncAndClose(path: string, flags: string, mode?: number): Promise<void> {
  const handle = await open(path, flags);
  try {
    if (mode !== undefined) await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A new folder of mode 0700 in `folder`, which is made where it is missing. Throws STORAGE_FAILED. */
export async function freshFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return await mkdtemp(join(folder, PREFIX));
  } catch (cause) {
    throw diskError(cause);
  }
}

/**
 * Calls `write` with a path in the fresh folder; when it resolves, what is there becomes `path`. When it throws, `path` is
 * as it was and the error passes. Throws STORAGE_FAILED when the disk refuses.
 */
export async function writeWhole(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const folder = dirname(path);
  const fresh = await freshFolder(folder);
  try {
    const temporary = join(fresh, "file");
    await write(temporary);
    try {
      await syncAndClose(temporary, "r+", 0o600);
      await rename(temporary, path);
      await syncAndClose(folder, "r");
    } catch (cause) {
      throw diskError(cause);
    }
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Removes what a crash left in a folder. Not while another process writes there. */
export async function sweepPartial(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []);
  for (const name of names) if (name.startsWith(PREFIX)) await rm(join(folder, name), { recursive: true, force: true });
}

/** Gathers lines and writes them in blocks. Throws STORAGE_FAILED. */
export class LineWriter {
  #handle: FileHandle;
  #pending: string[] = [];
  #pendingLength = 0;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async create(path: string): Promise<LineWriter> {
    try {
      return new LineWriter(await open(path, "wx", 0o600));
    } catch (cause) {
      throw diskError(cause);
    }
  }

  /** `text` with its line end. Only sometimes waits for the disk. */
  async write(text: string): Promise<void> {
    this.#pending.push(text);
    this.#pendingLength += text.length;
    if (this.#pendingLength >= WRITE_BUFFER_BYTES) await this.#flush();
  }

  /** Writes the rest and closes; closes in any case. */
  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#handle.close();
    }
  }

  async #flush(): Promise<void> {
    const block = utf8(this.#pending.join(""));
    this.#pending = [];
    this.#pendingLength = 0;
    try {
      await this.#handle.writeFile(block);
    } catch (cause) {
      throw diskError(cause);
    }
  }
}
