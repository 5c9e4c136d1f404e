import { expect, test } from "vitest";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import { BANK, PARTNER, remakeManifest, runJob } from "../support/evidence-world.ts";

/** Positions over a file: both ends, and evenly in between. */
function positions(length: number, count: number): number[] {
  const step = Math.max(1, Math.floor(length / count));
  return [...new Set([...Array.from({ length: Math.ceil(length / step) }, (_, i) => i * step), length - 1])];
}

test("any changed byte of any file gives another verdict than verified", async () => {
  const { files, dirs } = await runJob();
  expect((await verifyFolders(dirs, { files })).verdict).toBe("verified");
  let changes = 0;
  for (const [path, bytes] of [...files.contents].filter(([name]) => name.startsWith("/export/"))) {
    for (const at of positions(bytes.length, 24)) {
      const changed = new Uint8Array(bytes);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      files.contents.set(path, changed);
      changes++;
      expect((await verifyFolders(dirs, { files })).verdict, `${path} at ${at}`).toBe("tampered");
    }
    files.contents.set(path, bytes);
  }
  expect(changes).toBeGreaterThan(250);
});

test("the same holds when the manifest is made anew over the change: signatures find it", async () => {
  const { files, dirs } = await runJob();
  let changes = 0;
  const targets = [...files.contents].filter(
    ([name]) => name.startsWith("/export/") && !name.endsWith("/manifest.json"),
  );
  for (const [path, bytes] of targets) {
    const [dir, party] = path.startsWith(dirs[0]) ? [dirs[0], BANK] : [dirs[1], PARTNER];
    for (const at of positions(bytes.length, 24)) {
      const changed = new Uint8Array(bytes);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      files.contents.set(path, changed);
      remakeManifest(files, dir, party);
      changes++;
      const { verdict, firstProblem } = await verifyFolders(dirs, { files });
      expect(verdict, `${path} at ${at}: ${firstProblem?.code}`).not.toBe("verified");
    }
    files.contents.set(path, bytes);
    remakeManifest(files, dir, party);
  }
  expect((await verifyFolders(dirs, { files })).verdict).toBe("verified");
  expect(changes).toBeGreaterThan(200);
});
