/**
 * Scoring between two processes over a loopback socket: `npm run bench -- score [--rows 1000000] [--features 50 | --trees 100]
 * [--path kernel|node-seal]`; trees are the partner's, of depth 4, and `features` then counts them. Prints a JSON line per role for the path that the product uses, then for the partner's side
 * in node-seal alone, then the ratio. Every score is compared with the integer sum. `startCpuS`, before the clock: loading
 * libraries and SEAL's tables, once for each thread.
 *
 * With `--matched M` the whole of a score's session instead, alignment included: hidden (psi-vole, then every row) and shared
 * (the M people listed, and those alone), and the ratio for each role.
 */
import { parseArgs } from "node:util";
import { type Alignment, runAlignmentParty } from "../support/alignment-bench-party.ts";
import { runScoreParty, type ScorePath } from "../support/score-bench-party.ts";
import { runBoth } from "../support/two-processes.ts";

interface Line {
  readonly role: "partner" | "bank";
  readonly path?: ScorePath;
  readonly alignment?: Alignment;
  readonly cpuS: number;
}

async function runPair(shared: readonly string[]): Promise<Line[]> {
  const lines = await runBoth<Line>(import.meta.url, ["partner", "bank"], shared);
  return lines.sort((a, b) => b.role.localeCompare(a.role));
}

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    features: { type: "string", default: "50" },
    trees: { type: "string" },
    path: { type: "string" },
    matched: { type: "string" },
    alignment: { type: "string" },
    role: { type: "string" },
    port: { type: "string", default: "0" },
  },
  allowPositionals: true,
});
const model = values.trees === undefined ? "linear" : "trees";
const most = model === "trees" ? 512 : 256;
const [rows, features] = [Number(values.rows), Number(values.trees ?? values.features)];
if (!Number.isSafeInteger(rows) || rows < 1) throw new Error("--rows takes a number of rows");
if (!Number.isSafeInteger(features) || features < 1 || features > most)
  throw new Error(`--${model === "trees" ? model : "features"} takes 1 to ${most}`);
const matched = values.matched === undefined ? undefined : Number(values.matched);
if (matched !== undefined && (!Number.isSafeInteger(matched) || matched < 1 || matched > rows))
  throw new Error("--matched takes a number of people, at most the rows");

/** How much more the whole of it takes. */
function ratioOf(lines: readonly Line[], role: Line["role"], [a, b]: readonly [Alignment, Alignment]): number {
  const cpuOf = (alignment: Alignment) =>
    lines.find((line) => line.role === role && line.alignment === alignment)?.cpuS ?? Number.NaN;
  return Math.round((cpuOf(a) / cpuOf(b)) * 10) / 10;
}

if (matched !== undefined && (values.role === "partner" || values.role === "bank")) {
  const alignment = values.alignment === "shared" ? "shared" : "hidden";
  await runAlignmentParty({ role: values.role, alignment, rows, matched, features, port: Number(values.port) });
  process.disconnect?.();
} else if (matched !== undefined) {
  const lines: Line[] = [];
  for (const alignment of ["hidden", "shared"] as const) {
    const sizes = ["--rows", `${rows}`, "--features", `${features}`, "--matched", `${matched}`];
    const both = await runPair([...sizes, "--alignment", alignment]);
    for (const line of both) console.log(JSON.stringify(line));
    lines.push(...both);
  }
  for (const role of ["partner", "bank"] as const)
    console.log(JSON.stringify({ role, ratio: ratioOf(lines, role, ["hidden", "shared"]), of: "hidden to shared" }));
} else if (values.role === "partner" || values.role === "bank") {
  const path = values.path === "node-seal" ? "node-seal" : "kernel";
  await runScoreParty({ role: values.role, path, rows, model, features, port: Number(values.port) });
  process.disconnect?.();
} else {
  const lines: Line[] = [];
  for (const path of values.path === undefined ? ["kernel", "node-seal"] : [values.path]) {
    const both = await runPair([
      "--rows",
      `${rows}`,
      model === "trees" ? "--trees" : "--features",
      `${features}`,
      "--path",
      path,
    ]);
    for (const line of both) console.log(JSON.stringify(line));
    lines.push(...both);
  }
  const cpuOf = (path: ScorePath) => lines.find((line) => line.role === "partner" && line.path === path)?.cpuS;
  const [kernel, seal] = [cpuOf("kernel"), cpuOf("node-seal")];
  if (kernel !== undefined && seal !== undefined)
    console.log(
      JSON.stringify({ role: "partner", ratio: Math.round((seal / kernel) * 10) / 10, of: "node-seal to kernel" }),
    );
}
