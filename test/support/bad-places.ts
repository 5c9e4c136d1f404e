/** Paths that are no file, or files that do not stay as they are. */
import { spawnSync } from "node:child_process";
import { appendFile, mkdir, open, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { A, a, accepted, B, type BadInput, b, refused } from "./bad-input.ts";
import type { DataFolder } from "./data-folder.ts";

const good = `phone,x\n${a},1\n${b},2\n`;
const missing = refused("DATASET_FILE_MISSING");

type Make = (folder: DataFolder, path: string) => Promise<unknown>;

function place(name: string, make: Make, outcome: BadInput["outcome"], file = "input.csv"): BadInput {
  return {
    name,
    file,
    async content(folder, path) {
      const made = await make(folder, path);
      return typeof made === "string" ? made : undefined;
    },
    outcome,
  };
}

export const PLACES: readonly BadInput[] = [
  place("nothing", async () => {}, missing),
  place("a link", async (folder, path) => symlink(await folder.write("other.csv", good), path), accepted([A, B])),
  place("a link to nothing", (_, path) => symlink("none.csv", path), missing),
  place("a link to itself", (_, path) => symlink(path, path), missing),
  place("a pipe", async (_, path) => spawnSync("mkfifo", [path]), missing),
  place("a socket", listen, missing),
  place("a device", (_, path) => symlink("/dev/zero", path), missing),
  place("a terminal's void", (_, path) => symlink("/dev/null", path), missing),
  place("a path through a file", async (folder) => `${await folder.write("x", good)}/input.csv`, missing),
  place("a path with a NUL", async (_, path) => `${path}\0.csv`, missing),
  place("a path that is too long", async (folder) => `${folder.path}/${"x".repeat(5000)}.csv`, missing),
  place("no path", async () => "", missing),
  place("a name with quotes and SQL", (folder) => folder.write("it's \"a'); --.csv", good), accepted([A, B])),
  place("a name with a line end", (folder) => folder.write("a\nb.csv", good), accepted([A, B])),
  place("a name of key=value", (folder) => folder.write("x=7.csv", good), accepted([A, B], [], "phone:id x:number")),
  place("a name in Chinese", (folder) => folder.write("客户 名单.csv", good), accepted([A, B])),
  place("a name with a pattern's sign", (folder) => folder.write("a[1].csv", good), missing),
  place("an empty folder", (_, path) => mkdir(path), missing),
];

async function listen(_folder: DataFolder, path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(path, done));
  server.unref();
}

/** Long enough that something can happen while it is read. */
const long = `phone,x\n${Array.from({ length: 150_000 }, (_, i) => `${13800000000 + i},${i}\n`).join("")}`;

/** Does something to the file again and again until the registration has ended. */
function changing(
  name: string,
  change: (path: string) => Promise<void>,
  outcome: BadInput["outcome"] = refused("DATASET_CHANGED"),
): BadInput {
  return {
    name,
    content: long,
    async meanwhile(path, signal) {
      await wait(30);
      while (!signal.aborted) {
        await change(path);
        await wait(2);
      }
    },
    outcome,
  };
}

export const CHANGES: readonly BadInput[] = [
  changing("grows by rows", (path) => appendFile(path, `${a},1\n`)),
  changing("grows by half a row", (path) => appendFile(path, '15012345678,"')),
  changing("is cut shorter", (path) => truncate(path, 800_000)),
  changing("is replaced", async (path) => {
    await writeFile(`${path}.new`, long.replaceAll(",1", ",2"));
    await rename(`${path}.new`, path);
  }),
  changing("is written over", async (path) => {
    const file = await open(path, "r+");
    await file.write('"""', 1_000_000);
    await file.close();
  }),
  changing("is removed", (path) => rm(path, { force: true }), {
    code: "DATASET_CHANGED",
    or: "DATASET_FILE_MISSING",
  }),
];
