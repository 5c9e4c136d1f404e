import { expect, test } from "vitest";
import { equalBytes, utf8 } from "../../proto/encoding/bytes.ts";
import { openCheckpoint } from "../../proto/evidence/checkpoint.ts";
import { cosign } from "../../proto/evidence/cosignature.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { leafHash, MerkleTree } from "../../proto/evidence/merkle.ts";
import { encodeNote, encodeSignatureLine, noteVerifier } from "../../proto/evidence/note.ts";
import { testKey } from "../support/evidence-world.ts";
import { type Fault, MemoryFiles } from "../support/memory-files.ts";

const KEY = testKey("bank", "log");
const COSIGNER = testKey("partner", "cosigner");
const ORIGIN = "bank/c/2026";
const open = (files: MemoryFiles) => EvidenceLog.open({ files, folder: "/log", origin: ORIGIN, key: KEY });

async function allEntries(log: EvidenceLog): Promise<string[]> {
  const texts: string[] = [];
  for await (const entry of log.entriesFrom(0)) texts.push(new TextDecoder().decode(entry));
  return texts;
}

/** Each signed checkpoint that ever reached the disk must be a head of the final log: a log never forks. */
async function expectOneHistory(files: MemoryFiles, log: EvidenceLog): Promise<void> {
  const tree = new MerkleTree();
  for await (const entry of log.entriesFrom(0)) tree.append(leafHash(entry));
  for (const { path, bytes } of files.writes.filter(({ path }) => /checkpoint|cosigned/.test(path))) {
    const { checkpoint } = openCheckpoint(bytes, { origin: ORIGIN, verifiers: [noteVerifier(KEY)] });
    expect(equalBytes(tree.root(checkpoint.size), checkpoint.root), path).toBe(true);
  }
}

const BATCHES = [["a"], ["b", "c", "d"], ["e"]];

/** Appends each batch, going on after failures as a node would; returns what was acknowledged. */
async function appendAll(log: EvidenceLog): Promise<{ acknowledged: string[]; failures: string[] }> {
  const acknowledged: string[] = [];
  const failures: string[] = [];
  for (const batch of BATCHES) {
    try {
      await log.append(batch.map(utf8));
      acknowledged.push(...batch);
      const line = encodeSignatureLine(cosign(log.checkpointNote().text, COSIGNER, 1_777_600_000));
      await log.addCosignature(line, { size: log.size, cosigner: COSIGNER });
    } catch (thrown) {
      failures.push((thrown as { code: string }).code);
    }
  }
  return { acknowledged, failures };
}

function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const item of whole) if (item === part[at]) at++;
  return at === part.length;
}

const MODES = [
  { persisted: false, forGood: false },
  { persisted: true, forGood: false },
  { persisted: false, forGood: true },
  { persisted: true, forGood: true },
];

// 253 entries before: the second batch crosses from one tile into the next.
test.each(MODES)("each file call of three appends fails in turn (%j)", async (mode) => {
  const before = Array.from({ length: 253 }, (_, i) => `before ${i}`);
  const template = new MemoryFiles();
  await (await open(template)).append(before.map(utf8));
  let faults = 0;
  for (let call = 1; ; call++) {
    const files = new MemoryFiles();
    for (const [path, bytes] of template.contents) files.contents.set(path, bytes);
    const log = await open(files);
    files.arm({ call, ...mode });
    const { acknowledged, failures } = await appendAll(log);
    if (!files.disarm()) break;
    faults++;
    expect(failures.every((code) => code === "STORAGE_FAILED")).toBe(true);
    const again = await open(files);
    const held = await allEntries(again);
    expect(held.slice(0, 253)).toEqual(before);
    expect(isSubsequence(acknowledged, held.slice(253))).toBe(true);
    // What was not acknowledged is there whole or not at all.
    expect(isSubsequence(held.slice(253), BATCHES.flat())).toBe(true);
    for (const batch of BATCHES)
      expect([0, batch.length]).toContain(batch.filter((item) => held.includes(item)).length);
    await again.append([utf8("after")]);
    expect(await allEntries(await open(files))).toEqual([...held, "after"]);
    await expectOneHistory(files, again);
  }
  expect(faults).toBeGreaterThan(15);
});

test.each(MODES)("each file call of opening fails in turn (%j)", async (mode) => {
  const template = new MemoryFiles();
  const log = await open(template);
  await log.append([utf8("a")]);
  await log.append([utf8("b")]);
  template.contents.set("/log/tile/entries/000.p/9", utf8("torn"));
  template.contents.set("/log/tile/0/001.p/7", utf8("torn"));
  let faults = 0;
  for (const start of [template, new MemoryFiles()]) {
    for (let call = 1; ; call++) {
      const files = new MemoryFiles();
      for (const [path, bytes] of start.contents) files.contents.set(path, bytes);
      files.arm({ call, ...mode } satisfies Fault);
      const opened = await open(files).catch((thrown: { code: string }) => thrown.code);
      if (!files.disarm()) break;
      faults++;
      // A stray that cannot be removed does no harm; all else is reported as the disk's failure, never as corruption.
      if (!(opened instanceof EvidenceLog)) expect(opened).toBe("STORAGE_FAILED");
      const again = await open(files);
      expect(await allEntries(again)).toEqual(start === template ? ["a", "b"] : []);
      expect([...files.contents.keys()].filter((path) => /\/9$|\/7$/.test(path))).toEqual([]);
    }
  }
  expect(faults).toBeGreaterThan(6);
});

test("after a failed write, an append signs nothing before it has read the disk again", async () => {
  const files = new MemoryFiles();
  const log = await open(files);
  await log.append([utf8("a")]);
  // Bundle, tile, checkpoint: the third write reaches the disk although it fails.
  files.arm({ call: 3, persisted: true, forGood: false });
  await expect(log.append([utf8("b")])).rejects.toThrow(expect.objectContaining({ code: "STORAGE_FAILED" }));
  expect(log.size).toBe(1);
  files.disarm();
  expect((await log.append([utf8("c")])).firstIndex).toBe(2);
  expect(await allEntries(log)).toEqual(["a", "b", "c"]);
  await expectOneHistory(files, log);
});

test("when the disk lost what was acknowledged, the log signs nothing more", async () => {
  const files = new MemoryFiles();
  const log = await open(files);
  await log.append([utf8("a")]);
  const old = new Map(files.contents);
  await log.append([utf8("b")]);
  files.arm({ call: 1, persisted: false, forGood: false });
  await expect(log.append([utf8("c")])).rejects.toThrow();
  files.disarm();
  files.contents.clear();
  for (const [path, bytes] of old) files.contents.set(path, bytes);
  for (const _ of [1, 2])
    await expect(log.append([utf8("c")])).rejects.toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
});

test("a full disk refuses entries, loses none, and takes them again when there is space", async () => {
  const files = new MemoryFiles();
  const log = await open(files);
  await log.append([utf8("a"), utf8("b")]);
  for (let free = 0; free < 3; free++) {
    // The first writes fit, no other does; reading and removing go on.
    files.freeWrites = free;
    for (const entry of ["x", "y"])
      await expect(log.append([utf8(entry)])).rejects.toThrow(expect.objectContaining({ code: "DISK_FULL" }));
    const line = encodeSignatureLine(cosign(log.checkpointNote().text, COSIGNER, 1_777_600_000));
    await expect(log.addCosignature(line, { size: 2, cosigner: COSIGNER })).rejects.toThrow();
    expect(await allEntries(await open(files))).toEqual(["a", "b"]);
  }
  files.freeWrites = Number.POSITIVE_INFINITY;
  await log.append([utf8("c")]);
  expect(await allEntries(await open(files))).toEqual(["a", "b", "c"]);
  await expectOneHistory(files, log);
});

const NEXT_KEY = { ...testKey("mallory", "log"), keyId: KEY.keyId };

test.each(MODES)("each file call of changing the key fails in turn (%j)", async (mode) => {
  const under = (files: MemoryFiles, key = NEXT_KEY) =>
    EvidenceLog.open({ files, folder: "/log", origin: ORIGIN, key, earlierKeys: [KEY] });
  let faults = 0;
  for (let call = 1; ; call++) {
    const files = new MemoryFiles();
    const log = await open(files);
    await log.append([utf8("a")]);
    await log.addCosignature(encodeSignatureLine(cosign(log.checkpointNote().text, COSIGNER, 1_777_600_000)), {
      size: 1,
      cosigner: COSIGNER,
    });
    files.arm({ call, ...mode });
    const rekeyed = await log.rekey(NEXT_KEY).then(
      () => true,
      () => false,
    );
    const reached = files.disarm();
    const again = await under(files);
    expect(await allEntries(again)).toEqual(["a"]);
    expect(again.lastCosigned()?.head.size).toBe(1);
    // Whatever happened: a witness that knows the new key alone believes the log from now on.
    const believed = { origin: ORIGIN, verifiers: [noteVerifier(NEXT_KEY)] };
    expect(openCheckpoint(encodeNote(again.checkpointNote()), believed).checkpoint.size).toBe(1);
    await again.append([utf8("b")]);
    expect(await allEntries(await under(files))).toEqual(["a", "b"]);
    if (!reached) {
      expect(rekeyed).toBe(true);
      break;
    }
    faults++;
  }
  expect(faults).toBeGreaterThan(0);
});

test("whatever write of an append fails after it is on the disk, reading shows what the disk has", async () => {
  let shown = 0;
  for (let call = 1, isDone = false; !isDone; call++) {
    const files = new MemoryFiles();
    const log = await open(files);
    await log.append([utf8("a")]);
    files.arm({ call, persisted: true, forGood: false });
    isDone = await log.append([utf8("b")]).then(
      () => true,
      () => false,
    );
    files.disarm();
    const entries = await allEntries(log);
    expect(entries, `call ${call}`).toEqual(await allEntries(await open(files)));
    if (!isDone && entries.includes("b")) shown++;
  }
  expect(shown).toBeGreaterThan(0);
});
