import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, chmod, mkdir, readdir, readFile, rename, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { idHasher } from "../../party/data/id-hash.ts";
import { prepareInput } from "../../party/data/prepare.ts";
import { sweepPartial } from "../../party/data/private-file.ts";
import { dataFolder, failure } from "../support/data-folder.ts";
import { packed, runKey, runSink, spilled, spillPlace } from "../support/partition-run.ts";

const ids = Array.from({ length: 4000 }, (_, i) => `+86138${String(i * 7919).padStart(8, "0")}`);

/** A spill of two partitions with several blocks each, and where its files are. */
async function spill(folder: string) {
  const reader = await runSink({ ids, partitions: 2, store: await spilled(folder), maxBlockBytes: 4000 });
  const [name = ""] = await readdir(folder);
  return { reader, path: join(folder, name) };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe("a spill", () => {
  it("holds no id, no part of one and no hash, in files that only the node may read", async () => {
    await using folder = await dataFolder();
    const { reader, path } = await spill(folder.path);
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    const files = await filesBelow(folder.path);
    expect(files.length).toBe(4);
    const hashes = idHasher(runKey).hashAll(packed(ids));
    for (const file of files) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const content = await readFile(file);
      expect(content.length).toBeGreaterThan(20_000);
      expect(content.includes("+86138")).toBe(false);
      for (const id of ids.slice(0, 200)) expect(content.includes(id.slice(3))).toBe(false);
      for (let i = 0; i < 200; i++) expect(content.includes(hashes.subarray(i * 16, i * 16 + 8))).toBe(false);
    }
    // Two spills of the same rows under the same key have nothing in common.
    const other = await spill(join(folder.path, "other"));
    const [one, two] = await Promise.all([path, other.path].map((at) => readFile(join(at, "rows-0"))));
    expect(one?.length).toBe(two?.length);
    expect(one?.subarray(0, 64)).not.toEqual(two?.subarray(0, 64));
    await reader.destroy();
    expect(await filesBelow(path).catch(() => [])).toEqual([]);
  });

  const BLOCK = 4000 + 16;
  const damages: Record<string, (path: string) => Promise<unknown>> = {
    "a flipped bit": async (path) => {
      const content = await readFile(join(path, "rows-0"));
      content[BLOCK + 100] = (content[BLOCK + 100] as number) ^ 1;
      await writeFile(join(path, "rows-0"), content);
    },
    "a flipped bit in a tag": async (path) => {
      const content = await readFile(join(path, "rows-0"));
      content[BLOCK - 1] = (content[BLOCK - 1] as number) ^ 1;
      await writeFile(join(path, "rows-0"), content);
    },
    "two blocks swapped": async (path) => {
      const content = await readFile(join(path, "rows-0"));
      const first = content.subarray(0, BLOCK);
      const second = content.subarray(BLOCK, 2 * BLOCK);
      await writeFile(join(path, "rows-0"), Buffer.concat([second, first, content.subarray(2 * BLOCK)]));
    },
    "a block missing": async (path) => {
      const content = await readFile(join(path, "rows-0"));
      await writeFile(join(path, "rows-0"), content.subarray(BLOCK));
    },
    "a block cut off": async (path) => truncate(join(path, "rows-0"), (await stat(join(path, "rows-0"))).size - 1),
    "another partition's file": (path) => rename(join(path, "rows-1"), join(path, "rows-0")),
    "a file of the other kind": (path) => rename(join(path, "subjects-0"), join(path, "rows-0")),
    "no file": (path) => rename(join(path, "rows-0"), join(path, "elsewhere")),
  };

  it.each(Object.entries(damages))("with %s is STORAGE_FAILED", async (_, damage) => {
    await using folder = await dataFolder();
    const { reader, path } = await spill(folder.path);
    await reader.rows(0);
    await damage(path);
    expect((await failure(reader.rows(0))).code).toBe("STORAGE_FAILED");
  });

  it("with damaged subjects is STORAGE_FAILED, when they are asked for", async () => {
    await using folder = await dataFolder();
    const { reader, path } = await spill(folder.path);
    const content = await readFile(join(path, "subjects-1"));
    content[0] = (content[0] as number) ^ 0x80;
    await writeFile(join(path, "subjects-1"), content);
    expect((await reader.rows(1)).rowIndex.length).toBeGreaterThan(0);
    expect((await failure(reader.subjects(1))).code).toBe("STORAGE_FAILED");
    expect((await reader.subjects(0)).count).toBeGreaterThan(0);
  });

  it("gives nothing once it is destroyed, and can be destroyed again", async () => {
    await using folder = await dataFolder();
    const { reader } = await spill(folder.path);
    await reader.destroy();
    await reader.destroy();
    expect((await failure(reader.rows(0))).code).toBe("STORAGE_FAILED");
    expect((await failure(reader.subjects(0))).code).toBe("STORAGE_FAILED");
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("that the disk refuses is STORAGE_FAILED", async () => {
    await using folder = await dataFolder();
    const file = await folder.write("file", "");
    expect((await failure(spilled(join(file, "below")))).code).toBe("STORAGE_FAILED");
    const store = await spilled(join(folder.path, "spills"));
    const [name = ""] = await readdir(join(folder.path, "spills"));
    // The name is taken: root may write into a folder of any mode.
    await mkdir(join(folder.path, "spills", name, "rows-0"));
    expect((await failure(runSink({ ids, partitions: 1, store }))).code).toBe("STORAGE_FAILED");
    await chmod(file, 0o600);
  });
});

describe("prepareInput with a spill", () => {
  const columns = [{ name: "n" }];
  const options = { jobKey: runKey, columns, partitions: 3, withSubjects: true };

  async function table(folder: Awaited<ReturnType<typeof dataFolder>>) {
    await folder.parquet(
      "a.parquet",
      "SELECT (13800000000 + (i % 9000) * 7919)::VARCHAR AS phone, i AS n FROM range(10000) t(i)",
    );
    return folder.inspect("a.parquet", { spill: spillPlace(folder.path) });
  }

  it("is what it is in memory", async () => {
    await using folder = await dataFolder();
    const registration = await table(folder);
    expect(registration).toMatchObject({ accepted: 9000, duplicates: 1000 });
    const inMemory = await prepareInput(registration, options);
    const onDisk = await prepareInput(registration, { ...options, spill: spillPlace(join(folder.path, "spills")) });
    expect(await readdir(join(folder.path, "spills"))).toHaveLength(1);
    for (let partition = 0; partition < 3; partition++) {
      expect(await onDisk.rows(partition)).toEqual(await inMemory.rows(partition));
      expect(await onDisk.subjects(partition)).toEqual(await inMemory.subjects(partition));
    }
    await onDisk.destroy();
    expect(await readdir(join(folder.path, "spills"))).toEqual([]);
  });

  it("leaves nothing when reading fails", async () => {
    await using folder = await dataFolder();
    const registration = await table(folder);
    const place = spillPlace(join(folder.path, "spills"));
    const quantise = () => {
      throw new RangeError("not this one");
    };
    const failing = prepareInput(registration, { ...options, columns: [{ name: "n", quantise }], spill: place });
    await expect(failing).rejects.toThrow();
    expect(await readdir(place.folder)).toEqual([]);
    await appendFile(join(folder.path, "a.parquet"), "x");
    expect((await failure(prepareInput(registration, { ...options, spill: place }))).code).toBe("DATASET_CHANGED");
    expect(await readdir(place.folder)).toEqual([]);
  });

  it("killed half way leaves files that nobody can read, and a start sweeps them", async () => {
    await using folder = await dataFolder();
    const spills = join(folder.path, "spills");
    const script = fileURLToPath(new URL("../support/spill-child.ts", import.meta.url));
    const child = spawn(process.execPath, [script, spills], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    const files = await filesBelow(spills);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect((await readFile(file)).includes("13800")).toBe(false);
    await sweepPartial(spills);
    expect(await readdir(spills)).toEqual([]);
  });
});
