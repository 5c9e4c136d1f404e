import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EntenteError } from "../../proto/errors.ts";
import { saveFile, saveFolder } from "../../sdk/cli/save.ts";

let folder: string;
let target: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-save-"));
  target = join(folder, "target");
});
afterEach(() => rm(folder, { recursive: true }));

const bytes = new Uint8Array([1, 2, 3]);

describe("saveFolder", () => {
  test.each(["../outside", "a/../../outside", "/outside", "a//x", ".hidden", "a\\b", "", "a/", ".", "..", "a/\0"])(
    "refuses the path %j and leaves nothing",
    async (path) => {
      const save = saveFolder(target, [
        { path: "manifest.json", bytes },
        { path, bytes },
      ]);
      await expect(save).rejects.toMatchObject({ code: "BAD_REQUEST" });
      expect(await readdir(folder)).toEqual([]);
    },
  );

  test("accepts the paths of an export", async () => {
    const paths = [
      "manifest.json",
      `agreements/${"5f".repeat(32)}.json`,
      "logs/bank_9c_2026/tile/entries/x001/000.p/7",
    ];
    await saveFolder(
      target,
      paths.map((path) => ({ path, bytes })),
    );
    for (const path of paths) expect(new Uint8Array(await readFile(join(target, path)))).toEqual(bytes);
    expect(await readdir(folder)).toEqual(["target"]);
  });

  test("removes what it wrote when a write fails midway", async () => {
    // A file cannot be a folder too.
    const save = saveFolder(target, [
      { path: "a", bytes },
      { path: "a/b", bytes },
    ]);
    await expect(save).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect(await readdir(folder)).toEqual([]);
  });

  test.each(["file", "folder"])("refuses a target that is there already: a %s", async (kind) => {
    await (kind === "file" ? writeFile(target, "before") : mkdir(target));
    await expect(saveFolder(target, [{ path: "a", bytes }])).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    expect(await readdir(folder)).toEqual(["target"]);
    if (kind === "folder") expect(await readdir(target)).toEqual([]);
  });
});

describe("saveFile", () => {
  const streamOf = (...chunks: (Uint8Array | Error)[]) =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk === undefined) controller.close();
        else if (chunk instanceof Error) controller.error(chunk);
        else controller.enqueue(chunk);
      },
    });

  test("writes what comes, mode 0600, over a file of that name", async () => {
    await writeFile(target, "before", { mode: 0o644 });
    expect(await saveFile(target, streamOf(bytes, bytes))).toBe(6);
    expect([...(await readFile(target))]).toEqual([1, 2, 3, 1, 2, 3]);
    expect((await stat(target)).mode & 0o777).toBe(0o600);
  });

  test("passes the stream's own error, with the file before untouched", async () => {
    await writeFile(target, "before");
    const save = saveFile(target, streamOf(bytes, new EntenteError("NODE_UNREACHABLE")));
    await expect(save).rejects.toMatchObject({ code: "NODE_UNREACHABLE" });
    expect(await readFile(target, "utf8")).toBe("before");
    expect(await readdir(folder)).toEqual(["target"]);
  });

  test("leaves no listener for signals behind", async () => {
    const before = process.listenerCount("SIGINT");
    await saveFile(target, streamOf(bytes));
    expect(process.listenerCount("SIGINT")).toBe(before);
  });
});
