/**
 * Generates `proto/gen/messages.js` and its types from `proto/entente/v1/*.proto` with protobufjs' own compiler.
 * Run by `prepare`, so that `npm ci` is enough. Output is deterministic and never committed.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const require = createRequire(import.meta.url);
const root = dirname(fileURLToPath(import.meta.url));
const schemaDir = join(root, "entente", "v1");
const outFile = join(root, "gen", "messages.js");

type Cli = { main: (args: string[], done: (error: Error | null, output?: string) => void) => void };
const pbjs = promisify((require("protobufjs-cli/pbjs") as Cli).main);
const pbts = promisify((require("protobufjs-cli/pbts") as Cli).main);

const schemas = readdirSync(schemaDir)
  .filter((name) => name.endsWith(".proto"))
  .sort()
  .map((name) => join(schemaDir, name));
mkdirSync(dirname(outFile), { recursive: true });

const dropped = ["--no-create", "--no-verify", "--no-convert", "--no-delimited", "--no-typeurl", "--no-service"];
await pbjs([
  "-t",
  "static-module",
  "-w",
  "esm",
  "--dependency",
  "protobufjs/minimal.js",
  ...dropped,
  "-p",
  root,
  "-o",
  outFile,
  ...schemas,
]);
// The generated declarations assume a CommonJS `long`; no 64-bit integer is on the wire, so the import goes.
const types = (await pbts([outFile])) as unknown as string;
writeFileSync(join(root, "gen", "messages.d.ts"), types.replace(/^import Long = require\("long"\);\n/m, ""));
