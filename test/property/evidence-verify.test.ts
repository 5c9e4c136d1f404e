import { expect, test } from "vitest";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import { BANK, PARTNER, remakeManifest, runJob } from "../support/evidence-world.ts";
import type { MemoryFiles } from "../support/memory-files.ts";

/** Of such files every byte is changed. */
const SMALL_BYTES = 1000;

/** Positions over a file: both ends, and evenly in between. */
function positions(length: number, count: number): number[] {
  const step = Math.max(1, Math.floor(length / count));
  return [...new Set([...Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step), length - 1])];
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, (bytes[at] as number) ^ (1 << (at % 8)));
}

function exported({ contents }: MemoryFiles, below: string): [string, Uint8Array][] {
  return [...contents].filter(([path]) => path.startsWith(below));
}

test("any changed byte of any file is tampering: every byte of small files, many of large ones", async () => {
  const { files, dirs } = await runJob();
  expect((await verifyFolders(dirs, { files })).verdict).toBe("verified");
  let changes = 0;
  for (const dir of dirs) {
    // By itself an untouched folder is incomplete: the other party's log is not there.
    expect((await verifyFolders([dir], { files })).verdict).toBe("incomplete");
    for (const [path, bytes] of exported(files, `${dir}/`)) {
      for (const at of positions(bytes.length, bytes.length <= SMALL_BYTES ? bytes.length : 200)) {
        files.contents.set(path, flipped(bytes, at));
        changes++;
        expect((await verifyFolders([dir], { files })).verdict, `${path} at ${at}`).toBe("tampered");
      }
      files.contents.set(path, bytes);
    }
  }
  expect(changes).toBeGreaterThan(3500);
});

test("a removed file, a truncated one, and an added one are tampering", async () => {
  const { files, dirs } = await runJob();
  for (const [path, bytes] of exported(files, "/export/")) {
    files.contents.delete(path);
    expect((await verifyFolders(dirs, { files })).verdict, `without ${path}`).toBe("tampered");
    files.contents.set(path, bytes.slice(0, -1));
    expect((await verifyFolders(dirs, { files })).verdict, `less of ${path}`).toBe("tampered");
    files.contents.set(path, bytes);
    const added = `${path}.bak`;
    files.contents.set(added, bytes);
    expect((await verifyFolders(dirs, { files })).verdict, `with ${added}`).toBe("tampered");
    files.contents.delete(added);
  }
  expect((await verifyFolders(dirs, { files })).verdict).toBe("verified");
});

test("the same holds when the manifest is made anew over the change: signatures find it", async () => {
  const { files, dirs } = await runJob();
  let changes = 0;
  for (const [dir, party] of [
    [dirs[0], BANK],
    [dirs[1], PARTNER],
  ] as const) {
    for (const [path, bytes] of exported(files, `${dir}/`).filter(([name]) => !name.endsWith("/manifest.json"))) {
      for (const at of positions(bytes.length, 24)) {
        files.contents.set(path, flipped(bytes, at));
        remakeManifest(files, dir, party);
        changes++;
        const { verdict, firstProblem } = await verifyFolders(dirs, { files });
        expect(verdict, `${path} at ${at}: ${firstProblem?.code}`).not.toBe("verified");
      }
      files.contents.set(path, bytes);
      remakeManifest(files, dir, party);
    }
  }
  expect((await verifyFolders(dirs, { files })).verdict).toBe("verified");
  expect(changes).toBeGreaterThan(250);
});
