import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fromHex, utf8 } from "../../proto/encoding/bytes.ts";
import { cosign } from "../../proto/evidence/cosignature.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { leafHash, rootOf, verifyConsistency, verifyInclusion } from "../../proto/evidence/merkle.ts";
import { encodeNote, encodeSignatureLine, noteVerifier, verifyNote } from "../../proto/evidence/note.ts";
import { MAX_ENTRY_BYTES, tilePath, tilesOf } from "../../proto/evidence/tiles.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { testKey } from "../support/evidence-world.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const KEY = testKey("bank", "log");
const COSIGNER = testKey("partner", "cosigner");
const ORIGIN = "bank/c/2026";
const FOLDER = "/log";
const entry = (i: number) => utf8(`entry ${i}`);
const entries = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => entry(from + i));
const open = (files: MemoryFiles, key = KEY, origin = ORIGIN) =>
  EvidenceLog.open({ files, folder: FOLDER, origin, key });
const refused = (code: string) => expect.objectContaining({ code });

async function filled(size: number): Promise<{ files: MemoryFiles; log: EvidenceLog }> {
  const files = new MemoryFiles();
  const log = await open(files);
  if (size > 0) await log.append(entries(0, size));
  return { files, log };
}

function lineFor(log: EvidenceLog, size = log.size, key = COSIGNER): string {
  const note = size === log.size ? log.checkpointNote() : undefined;
  if (note === undefined) throw new Error("only the newest checkpoint is at hand");
  return encodeSignatureLine(cosign(note.text, key, 1_777_600_000));
}

test("what was appended is there after opening again, in exactly the files of its size", async () => {
  const { files, log } = await filled(0);
  for (const [from, to] of [
    [0, 1],
    [1, 255],
    [255, 256],
    [256, 600],
  ] as const) {
    const { firstIndex, checkpoint } = await log.append(entries(from, to));
    expect([firstIndex, checkpoint.size]).toEqual([from, to]);
    expect([...files.contents.keys()].sort()).toEqual(
      ["checkpoint", ...tilesOf(to).map(tilePath)].map((path) => `${FOLDER}/${path}`).sort(),
    );
    const again = await open(files);
    expect([again.size, again.head]).toEqual([to, log.head]);
    for (const i of [0, to - 1]) expect(await again.entry(i)).toEqual(entry(i));
  }
  expect(fromHex(log.head.root)).toEqual(rootOf(entries(0, 600).map(leafHash)));
});

test("calls at once are put in order", async () => {
  const { files, log } = await filled(0);
  const appended = await Promise.all(Array.from({ length: 20 }, (_, i) => log.append([entry(i)])));
  expect(appended.map(({ firstIndex }) => firstIndex)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  const again = await open(files);
  for (let i = 0; i < 20; i++) expect(await again.entry(i)).toEqual(entry(i));
});

test("its proofs verify against its own signed checkpoints", async () => {
  const { log } = await filled(300);
  const oldRoot = fromHex(log.head.root);
  await log.append(entries(300, 310));
  const root = fromHex(log.head.root);
  verifyNote(log.checkpointNote(), [noteVerifier(KEY)]);
  const leaf = leafHash(entry(123));
  expect(verifyInclusion({ index: 123, size: 310, leaf, root, proof: log.inclusionProof(123, 310) })).toBe(true);
  const proof = log.consistencyProof(300, 310);
  expect(verifyConsistency({ oldSize: 300, size: 310, oldRoot, root, proof })).toBe(true);
  expect(() => log.inclusionProof(0, 311)).toThrow(refused("BAD_REQUEST"));
  await expect(log.entry(310)).rejects.toThrow(refused("BAD_REQUEST"));
});

test("an entry too large, or none, is refused and changes nothing", async () => {
  const { log } = await filled(2);
  await expect(log.append([new Uint8Array(MAX_ENTRY_BYTES + 1)])).rejects.toThrow(refused("BAD_REQUEST"));
  await expect(log.append([])).rejects.toThrow(refused("BAD_REQUEST"));
  expect((await log.append([new Uint8Array(MAX_ENTRY_BYTES)])).firstIndex).toBe(2);
});

test("a cosignature stays readable beside newer checkpoints, and after opening again", async () => {
  const { files, log } = await filled(3);
  const line = lineFor(log);
  expect(await log.addCosignature(line, { size: 3, cosigner: COSIGNER })).toBe(true);
  const cosigned = encodeNote(log.checkpointNote());
  expect(log.checkpointNote().signatures).toHaveLength(2);
  await log.append([entry(3)]);
  expect(log.checkpointNote().signatures).toHaveLength(1);
  for (const one of [log, await open(files)]) {
    expect(one.lastCosigned()?.head.size).toBe(3);
    expect(encodeNote(one.lastCosigned()!.note)).toEqual(cosigned);
  }
  expect(files.contents.get(`${FOLDER}/cosigned`)).toEqual(cosigned);
});

test("a cosignature may arrive late, twice, from two witnesses, but not for an older checkpoint", async () => {
  const { log } = await filled(3);
  const [early, second] = [lineFor(log), lineFor(log, 3, testKey("coordinator", "cosigner"))];
  await log.append([entry(3)]);
  for (const _ of [1, 2]) expect(await log.addCosignature(early, { size: 3, cosigner: COSIGNER })).toBe(true);
  await log.addCosignature(second, { size: 3, cosigner: testKey("coordinator", "cosigner") });
  expect(log.lastCosigned()?.note.signatures.map(({ name }) => name)).toEqual([
    "bank/log",
    "partner/cosigner",
    "coordinator/cosigner",
  ]);
  await log.addCosignature(lineFor(log), { size: 4, cosigner: COSIGNER });
  expect(await log.addCosignature(early, { size: 3, cosigner: COSIGNER })).toBe(false);
  expect(log.lastCosigned()?.head.size).toBe(4);
});

test("a cosignature by another key or of another size is refused", async () => {
  const { log } = await filled(3);
  const line = lineFor(log);
  const other = testKey("other", "cosigner");
  for (const [text, size, cosigner, code] of [
    [line, 3, other, "SIGNATURE_INVALID"],
    [line, 2, COSIGNER, "SIGNATURE_INVALID"],
    [line, 4, COSIGNER, "BAD_REQUEST"],
    [line.trimEnd(), 3, COSIGNER, "WIRE_INVALID"],
  ] as const)
    await expect(log.addCosignature(text, { size, cosigner })).rejects.toThrow(refused(code));
  expect(log.lastCosigned()).toBeUndefined();
});

test("a log with any byte changed on disk does not open", async () => {
  const { files, log } = await filled(259);
  await log.addCosignature(lineFor(log), { size: 259, cosigner: COSIGNER });
  for (const [path, bytes] of [...files.contents]) {
    // The cosigner's line alone is not this node's to judge: its key is not at hand when the log opens.
    const length = path.endsWith("cosigned")
      ? encodeNote({ ...log.lastCosigned()!.note, signatures: [] }).length
      : bytes.length;
    for (let at = 0; at < length; at += Math.max(1, Math.floor(length / 7))) {
      const changed = new Uint8Array(bytes);
      changed[at] = (changed[at] as number) ^ 0x01;
      files.contents.set(path, changed);
      await expect(open(files), `${path} at ${at}`).rejects.toThrow(refused("LOG_CORRUPT"));
    }
    files.contents.set(path, bytes);
  }
  expect((await open(files)).size).toBe(259);
});

test("a missing file, another key and another origin are corruption", async () => {
  const { files, log } = await filled(3);
  await log.addCosignature(lineFor(log), { size: 3, cosigner: COSIGNER });
  await expect(open(files, testKey("bank", "jobs"))).rejects.toThrow(refused("LOG_CORRUPT"));
  await expect(open(files, KEY, "bank/d/2026")).rejects.toThrow(refused("LOG_CORRUPT"));
  for (const path of ["checkpoint", "tile/0/000.p/3", "tile/entries/000.p/3"]) {
    const bytes = files.contents.get(`${FOLDER}/${path}`) as Uint8Array;
    files.contents.delete(`${FOLDER}/${path}`);
    await expect(open(files)).rejects.toThrow(refused("LOG_CORRUPT"));
    files.contents.set(`${FOLDER}/${path}`, bytes);
  }
});

test("a log put back to before its last cosigned checkpoint does not open", async () => {
  const { files, log } = await filled(3);
  const old = new Map(files.contents);
  await log.append([entry(3)]);
  await log.addCosignature(lineFor(log), { size: 4, cosigner: COSIGNER });
  for (const [path, bytes] of old) files.contents.set(path, bytes);
  await expect(open(files)).rejects.toThrow(refused("LOG_CORRUPT"));
});

test("an entry that rots while the log is open is not served", async () => {
  const { files, log } = await filled(3);
  files.contents.set(`${FOLDER}/tile/entries/000.p/3`, utf8("\u0000\u0001x\u0000\u0001y\u0000\u0001z"));
  await expect(log.entry(1)).rejects.toThrow(refused("LOG_CORRUPT"));
});

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

test("it works on the real file system", async () => {
  const folder = join(await mkdtemp(join(tmpdir(), "entente-log-")), "bank");
  folders.push(folder);
  const options = { files: nodePorts.files, folder, origin: ORIGIN, key: KEY };
  const log = await EvidenceLog.open(options);
  await log.append(entries(0, 255));
  await log.append(entries(255, 258));
  await nodePorts.files.writeDurable(join(folder, "tile/entries/001.p/9"), utf8("torn"));
  const again = await EvidenceLog.open(options);
  expect(again.head).toEqual(log.head);
  expect(await again.entry(257)).toEqual(entry(257));
  expect(await readdir(join(folder, "tile/entries/001.p"))).toEqual(["2"]);
  expect((await again.exportFiles()).map(({ path }) => path)).toEqual(["checkpoint", ...tilesOf(258).map(tilePath)]);
});
