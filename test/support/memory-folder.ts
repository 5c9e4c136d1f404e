/**
 * Gives the tests a temporary folder in memory where there is one with room. Nodes sync each step of a job to the disk; a
 * machine's disk would be what most tests wait for. What a disk does when it fails is tested by faults that are injected, and
 * the demo runs on the real one.
 */
import { chmodSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

const MEMORY = "/dev/shm";
/** All tests at once leave a few hundred megabytes at most. */
const LEAST_BYTES = 2e9;

/** Vitest's global set-up: returns the tear-down. */
export function setup(): (() => void) | undefined {
  if (process.env.TMPDIR !== undefined || !hasRoom()) return undefined;
  const folder = mkdtempSync(join(MEMORY, "entente-tests-"));
  // A database server runs as a user of its own.
  chmodSync(folder, 0o711);
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= LEAST_BYTES;
  } catch {
    return false;
  }
}
