/**
 * `npm run check`: everything that can be said of the code without running it. Stops at nothing, reports all, exits 1
 * when anything is wrong.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const ROOMS = ["proto", "coordinator", "party", "sdk"];
const FIXTURE = "test/support/law-fixture";

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

function tool(name: string, ...args: string[]): Outcome {
  const script = join(root, "node_modules", ".bin", name);
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return { ok: status === 0, output: `${stdout}${stderr}`.trim() };
}

interface CruiseResult {
  readonly summary: {
    readonly totalCruised: number;
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] };
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
  };
}

function cruise(...folders: string[]): CruiseResult["summary"] {
  const { output } = tool("depcruise", "--config", ".dependency-cruiser.js", "--output-type", "json", ...folders);
  return (JSON.parse(output) as CruiseResult).summary;
}

/** No violation in the code, and a number of files that shows that it was looked at. */
function importLaw(): Outcome {
  const { violations, totalCruised } = cruise(...ROOMS);
  const lines = violations.map(({ from, to, rule }) => `${rule.name}: ${from} -> ${to}`);
  if (totalCruised < 100) lines.push(`only ${totalCruised} files were looked at: the cruiser does not read TypeScript`);
  return { ok: lines.length === 0, output: lines.join("\n") };
}

/** Every rule of the law is reported on the fixture that breaks it. */
function lawBites(): Outcome {
  const { violations, ruleSetUsed } = cruise(...ROOMS.map((room) => `${FIXTURE}/${room}`));
  const reported = new Set(violations.map(({ rule }) => rule.name));
  const silent = ruleSetUsed.forbidden.map(({ name }) => name).filter((name) => !reported.has(name));
  return { ok: silent.length === 0, output: silent.map((name) => `no file of the fixture trips ${name}`).join("\n") };
}

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
}

/** A platform's package that the lock does not name would be missing on that platform only, after `npm ci`. */
function lockIsComplete(): Outcome {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  const problems: string[] = [];
  for (const [path, { optionalDependencies = {}, resolved }] of Object.entries(lock.packages)) {
    for (const name of Object.keys(optionalDependencies)) {
      const isLocked =
        Object.hasOwn(lock.packages, `node_modules/${name}`) ||
        Object.hasOwn(lock.packages, `${path}/node_modules/${name}`);
      if (!isLocked) problems.push(`${path || "package.json"}: ${name} is optional and not in the lock`);
    }
    if (resolved !== undefined) problems.push(`${path}: the lock names an address`);
  }
  return { ok: problems.length === 0, output: problems.join("\n") };
}

/** As a program that has installed it and checks all that it imports. */
const CONSUMER = `
import { EntenteClient, EntenteError, type ErrorCode, type Job } from "entente";
import { verify, type VerifyReport } from "entente/verify";
import description from "entente/openapi.json" with { type: "json" };

export const client = new EntenteClient({ url: "http://127.0.0.1:7430", token: description.info.version });
export const jobs: readonly Job[] = (await client.call("jobs", {})).jobs;
export const code: ErrorCode = new EntenteError("NOT_FOUND").code;
export const report: VerifyReport = await verify(["audit"]);
// @ts-expect-error there is no such field
await client.call("job", { id: "x" });
for await (const event of client.follow("registerDataset", { name: "a", path: "/a.csv", ids: [] }))
  if (event.kind === "answer") event.answer.accepted.toFixed();
`;

/** The package's types are whole, and know what a caller does wrong. */
function packageTypes(): Outcome {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "entente-types-"));
  try {
    const installed = join(folder, "node_modules", "entente");
    mkdirSync(installed, { recursive: true });
    copyFileSync(join(root, "package.json"), join(installed, "package.json"));
    const built = spawnSync(process.execPath, [join(root, "sdk/build.ts"), join(installed, "dist")], {
      encoding: "utf8",
    });
    if (built.status !== 0) return { ok: false, output: built.stderr };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(folder, "consumer.ts"), CONSUMER);
    const strict = ["--noEmit", "--strict", "--skipLibCheck", "false", "--types", "node", "--resolveJsonModule"];
    return tool(
      "tsc",
      ...strict,
      "--target",
      "esnext",
      "--module",
      "nodenext",
      "--ignoreConfig",
      join(folder, "consumer.ts"),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const CHECKS: readonly (readonly [string, () => Outcome])[] = [
  ["types", () => tool("tsc")],
  ["types of the console", () => tool("tsc", "-p", "party/console")],
  ["style", () => tool("biome", "check", "--error-on-warnings", ".")],
  ["unused code and packages", () => tool("knip")],
  ["types of the package", packageTypes],
  ["import law", importLaw],
  ["import law bites", lawBites],
  ["lock file", lockIsComplete],
];

for (const [name, check] of CHECKS) {
  const { ok, output } = check();
  console.log(`${ok ? "ok  " : "FAIL"} ${name}`);
  if (!ok) {
    console.log(output);
    process.exitCode = 1;
  }
}
