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

/** A folder, or what a pattern means, of these files. */
function folder(
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  outcome: BadInput["outcome"],
  pattern = "",
): BadInput {
  return place(
    name,
    async (at, path) => {
      await mkdir(path);
      for (const [file, content] of Object.entries(files)) await at.write(`list/${file}`, content);
      return `${path}${pattern}`;
    },
    outcome,
    "list",
  );
}

const one = `phone,x\n${a},1\n`;
const two = `phone,x\n${b},2\n`;
const GBK = Uint8Array.from([...Buffer.from(`phone,x\n${b},`), 0xd6, 0xd0, 10]);

export const FOLDERS: readonly BadInput[] = [
  folder("two files", { "1.csv": one, "2.csv": two }, accepted([A, B])),
  folder("the same person in two files", { "1.csv": one, "2.csv": one }, accepted([A], ["2 duplicate"])),
  folder("a bad row in the second", { "1.csv": one, "2.csv": `${two}bad,1\n` }, accepted([A, B], ["3 id-characters"])),
  folder(
    "another header",
    { "1.csv": one, "2.csv": `phone,y\n${b},2\n` },
    refused("DATASET_FORMAT", /2\.csv.*columns/),
  ),
  folder("another order", { "1.csv": one, "2.csv": `x,phone\n2,${b}\n` }, refused("DATASET_FORMAT", /2\.csv.*columns/)),
  folder("another delimiter", { "1.csv": one, "2.csv": `phone;x\n${b};2\n` }, refused("DATASET_FORMAT", /2\.csv/)),
  folder(
    "other line ends",
    { "1.csv": one, "2.csv": `phone,x\r\n${b},2\r\n` },
    refused("DATASET_FORMAT", /2\.csv.*end/),
  ),
  folder(
    "another encoding",
    { "1.csv": `phone,x\n${a},张三\n`, "2.csv": GBK },
    refused("DATASET_FORMAT", /2\.csv.*encoding/),
  ),
  folder("a blank file", { "1.csv": one, "2.csv": "\n" }, refused("DATASET_FORMAT", /2\.csv.*blank/)),
  folder("a workbook", { "1.csv": one, "2.xlsx": "PK" }, refused("DATASET_FORMAT", /2\.xlsx.*\.csv/)),
  folder(
    "an archive by another name",
    { "1.csv": one, "2.csv": "PK\u0003\u0004" },
    refused("DATASET_FORMAT", /2\.csv.*ZIP/),
  ),
  folder("files of two formats", { "1.csv": one, "2.parquet": "PAR1" }, refused("DATASET_FORMAT", /two formats/)),
  folder("marks of the tool that wrote it", { "1.csv": one, _SUCCESS: "", ".crc": "x" }, accepted([A])),
  folder("a pattern that fits", { "1.csv": one, "2.csv": two, "3.txt": "" }, accepted([A, B]), "/*.csv"),
  folder("a pattern that fits none", { "1.csv": one }, missing, "/*.parquet"),
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
