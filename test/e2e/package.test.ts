/** What `npm pack` makes, installed into an empty project: it is imported, its command runs, and a node starts from it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import packageFile from "../../package.json" with { type: "json" };
import { packedIn, projectWith, roomyFolder, shell } from "../support/installed-package.ts";

/** As somebody writes it who has the package and nothing of this repository. */
const PROGRAM = `
import { EntenteClient, EntenteError } from "entente";
import { verify } from "entente/verify";
import description from "entente/openapi.json" with { type: "json" };

const [url, token] = process.argv.slice(2);
const client = new EntenteClient({ url, token });
const { party, version } = await client.call("node", {});
const refused = await client.call("job", { jobId: "00".repeat(16) }).catch((error) => error);
const page = await fetch(url);
const { verdict } = await verify(["nothing-here"]);
console.log(JSON.stringify({
  party, version, described: description.info.version,
  refused: refused instanceof EntenteError && refused.code, page: page.status, verdict,
}));
`;

/** What a command that goes on has printed first. */
async function firstDocument(stream: NodeJS.ReadableStream): Promise<{ readonly apiUrl: string }> {
  let text = "";
  for await (const chunk of stream) {
    text += chunk;
    if (text.endsWith("\n}\n")) break;
  }
  return JSON.parse(text);
}

let folder: string;
let project: string;
let node: ChildProcess | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(roomyFolder(), "entente-package-"));
  project = await projectWith(folder, await packedIn(folder));
});
afterAll(async () => {
  if (node?.exitCode === null) {
    node.kill();
    await once(node, "exit");
  }
  await rm(folder, { recursive: true, force: true });
});

test("it holds what is run, and no sources", async () => {
  const installed = join(project, "node_modules/entente");
  const names = await readdir(installed, { recursive: true });
  const sources = names.filter((name) => /\.tsx?$/.test(name) && !name.endsWith(".d.ts"));
  expect(sources).toEqual([]);
  expect(names).toContain("dist/party/wasm/gen/vole.wasm");
  expect(names).toContain("dist/party/console/gen/index.html");
  const own = JSON.parse(await readFile(join(installed, "package.json"), "utf8")) as typeof packageFile;
  expect(Object.keys(own.scripts)).not.toEqual(expect.arrayContaining(["preinstall", "install", "postinstall"]));
});

test("npx entente --version", async () => {
  expect(await shell(project, "npx", "entente", "--version")).toBe(`${packageFile.version}\n`);
});

test("a node starts from it, and a program talks to it", async () => {
  const command = join(project, "node_modules/.bin/entente");
  await shell(project, command, "init", "--party", "bank", "--api-port", "0");
  node = spawn(command, ["party", "start", "--dir", "bank", "--json"], {
    cwd: project,
    env: { ...process.env, PATH: `${join(process.execPath, "..")}:${process.env.PATH}` },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { apiUrl } = await firstDocument(node.stdout as NodeJS.ReadableStream);
  const token = (await readFile(join(project, "bank/token"), "utf8")).trim();
  await writeFile(join(project, "program.js"), PROGRAM);
  const told: unknown = JSON.parse(await shell(project, process.execPath, "program.js", apiUrl, token));
  const { version } = packageFile;
  const answers = {
    party: "bank",
    version,
    described: version,
    refused: "NOT_FOUND",
    page: 200,
    verdict: "tampered",
  };
  expect(told).toEqual(answers);
});
