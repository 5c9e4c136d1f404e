/** The real `Ports`, for the two `main.ts`, the command line and tests. The only file under `proto` with I/O. */
import { randomBytes, randomFillSync } from "node:crypto";
import { lstat, mkdir, open, readdir, readFile, rename, rm, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type KeySource, takeKeySource } from "../keys/key-source.ts";
import { diskError } from "./disk-error.ts";
import type { Files, Ports } from "./ports.ts";

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** mkdir -p whose new entries survive a power loss: the parent of each new folder is synced. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw diskError(error);
  });
  if (first === undefined) return;
  for (let parent = dirname(path); ; parent = dirname(parent)) {
    await syncFolder(parent);
    if (parent === dirname(first)) return;
  }
}

/** What vanishes meanwhile counts for nothing. */
async function usedBytes(path: string): Promise<number> {
  try {
    const found = await lstat(path);
    if (!found.isDirectory()) return found.size;
    let sum = 0;
    for (const name of await readdir(path)) sum += await usedBytes(join(path, name));
    return sum;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw diskError(error);
  }
}

const files: Files = {
  async read(path) {
    try {
      const { buffer, byteOffset, length } = await readFile(path);
      return new Uint8Array(buffer, byteOffset, length);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw diskError(error);
    }
  },
  async writeDurable(path, bytes) {
    const folder = dirname(path);
    await makeFolder(folder);
    const temporary = join(folder, `.${randomBytes(8).toString("hex")}.tmp`);
    try {
      const handle = await open(temporary, "wx", 0o600);
      try {
        for (const part of bytes instanceof Uint8Array ? [bytes] : bytes) await handle.writeFile(part);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw diskError(error);
    }
    await syncFolder(folder);
  },
  // A restored file has another inode, and no program can set the time at which an inode was changed. The device's number is
  // left out: it may differ after a reboot.
  async fileIdentity(path) {
    try {
      const { ino, ctimeNs } = await stat(path, { bigint: true });
      return `${ino}/${ctimeNs}`;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw diskError(error);
    }
  },
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
  usedBytes,
  async list(path) {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw diskError(error);
    }
  },
  makeFolder,
  async remove(path) {
    await rm(path, { recursive: true, force: true }).catch((error: unknown) => {
      throw diskError(error);
    });
  },
};

let keySource: { readonly source: KeySource | undefined } | undefined;

export const nodePorts: Ports = {
  clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
  timers: {
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      timer.unref();
      return () => clearTimeout(timer);
    },
  },
  // Into memory of its own: no copy is left in a pool that others share.
  random: { bytes: (length) => randomFillSync(new Uint8Array(length)) },
  files,
  /** Taken out of the environment at the first look. Throws BAD_REQUEST. */
  get key() {
    if (keySource === undefined) {
      const taken = takeKeySource(process.env);
      keySource = { source: taken?.kind === "file" ? { kind: "file", path: resolve(taken.path) } : taken };
    }
    return keySource.source;
  },
};
