/**
 * Makes the package that is published, in `dist/`: JavaScript of all rooms, types of what is imported, and what `npm run build` has
 * made. Run by `npm pack`, or as `node sdk/build.ts [--without-types] [folder]`.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openApiDocument } from "../proto/http/openapi.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  options: { "without-types": { type: "boolean" } },
  allowPositionals: true,
});
const outDir = resolve(positionals[0] ?? join(root, "dist"));

const ROOMS = ["proto", "coordinator", "party", "sdk"];
/** What makes things, and the console's sources, whose page is among `FILES`. */
const NOT_RUN = /(^|\/)build\.ts$|^party\/(console|wasm\/assembly)\/|^sdk\/examples\//;
const IMPORTED = ["sdk/client.ts", "sdk/verifier.ts"];
/** Read at run time beside the code, as they are. The sample's licence stands in its README. */
const FILES = [
  "proto/gen",
  "party/wasm/gen",
  "party/console/gen",
  "test/data/bank.parquet",
  "test/data/bureau.parquet",
  "test/data/README.md",
];

/** As Node does where it runs the sources, so that line numbers stay; Node does not do it for what is installed. */
function writeJavaScript(): void {
  for (const room of ROOMS) {
    for (const inRoom of readdirSync(join(root, room), { recursive: true, encoding: "utf8" })) {
      const path = join(room, inRoom);
      if (!path.endsWith(".ts") || path.endsWith(".d.ts") || NOT_RUN.test(path)) continue;
      const script = stripTypeScriptTypes(readFileSync(join(root, path), "utf8"));
      write(path.replace(/\.ts$/, ".js"), script.replaceAll(/((?:from|import)\s*\(?\s*"\.[^"\n]*)\.ts"/g, '$1.js"'));
    }
  }
}

/** Only here, since it takes longest: `npm run check` has checked them. */
async function writeTypes(): Promise<void> {
  const { default: ts } = await import("typescript");
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const declarations = { noEmit: false, noCheck: true, declaration: true, emitDeclarationOnly: true };
  const program = ts.createProgram(
    IMPORTED.map((path) => join(root, path)),
    { ...options, ...declarations, rootDir: root, outDir },
  );
  const { diagnostics } = program.emit();
  const host = { ...ts.sys, getCanonicalFileName: (name: string) => name, getNewLine: () => "\n" };
  if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, host));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(outDir, path)), { recursive: true });
  writeFileSync(join(outDir, path), text);
}

const missing = FILES.find((path) => !existsSync(join(root, path)));
if (missing !== undefined) throw new Error(`there is no ${missing}: 'npm run build' makes it`);
rmSync(outDir, { recursive: true, force: true });
writeJavaScript();
if (values["without-types"] !== true) await writeTypes();
for (const path of FILES) cpSync(join(root, path), join(outDir, path), { recursive: true });
const { name, version, license, type, engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
write("package.json", `${JSON.stringify({ name, version, license, type, engines }, null, 2)}\n`);
write("openapi.json", `${JSON.stringify(openApiDocument(version), null, 2)}\n`);
