/**
 * Compiles the AssemblyScript kernels: `party/wasm/assembly/<area>/index.ts` becomes `party/wasm/gen/<area>.wasm`.
 * Run by `npm run build`, or as `node party/wasm/build.ts [area...]`. Output is deterministic and never committed.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const root = dirname(fileURLToPath(import.meta.url));
const sourceDir = join(root, "assembly");
const outDir = join(root, "gen");

/** The kernels manage memory themselves (no runtime), so nothing allocates, collects or traps with a message. */
const OPTIONS = [
  ...["--runtime", "stub", "--use", "abort=", "--noAssert"],
  ...["--enable", "simd", "--enable", "relaxed-simd", "--enable", "bulk-memory"],
  ...["-O3", "--converge"],
];

async function build(area: string): Promise<void> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [join(area, "index.ts"), "memory.ts", "--baseDir", sourceDir, "--outFile", "out.wasm", ...OPTIONS],
    {
      readFile: (name, baseDir) => {
        try {
          return readFileSync(join(baseDir, name), "utf8");
        } catch {
          return null;
        }
      },
      writeFile: (name, contents) => {
        if (name === "out.wasm" && typeof contents !== "string") wasm = contents;
      },
      listFiles: () => null,
    },
  );
  if (error !== null || wasm === undefined)
    throw new Error(`kernels of ${area}: ${error?.message ?? "no output"}\n${stderr.toString()}`);
  mkdirSync(outDir, { recursive: true });
  writeFileSync(join(outDir, `${area}.wasm`), wasm);
  console.log(`party/wasm/gen/${area}.wasm: ${wasm.length} bytes`);
}

const present = readdirSync(sourceDir, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && readdirSync(join(sourceDir, entry.name)).includes("index.ts"))
  .map((entry) => entry.name)
  .sort();
const asked = process.argv.slice(2);
for (const area of asked.length === 0 ? present : asked) await build(area);
