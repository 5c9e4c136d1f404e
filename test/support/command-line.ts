/** Runs the `entente` command: as a process with the pinned Node, or, in a fraction of the time, in this one. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { COMPILE_CACHE } from "./compile-cache.ts";

const ROOT = new URL("../../", import.meta.url);
export const COMMAND = fileURLToPath(new URL("sdk/cli/entente.js", ROOT));
export const PINNED_NODE = fileURLToPath(new URL("node_modules/node/bin/node", ROOT));

export interface Ended {
  /** Exit code, null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface EndedHere extends Ended {
  readonly code: number;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called once it runs, to send it a signal for instance. */
  readonly onStart?: (child: ChildProcess) => void;
}

export function runNode(args: readonly string[], { env = {}, cwd, onStart }: RunOptions = {}): Promise<Ended> {
  const { ENTENTE_NODE: _, ENTENTE_TOKEN: __, ...inherited } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(PINNED_NODE, args, {
      cwd,
      env: { ...inherited, NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    onStart?.(child);
  });
}

export function entente(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return runNode([COMMAND, ...args], options);
}

/**
 * The same in this process, for what does not depend on being one. One at a time: what is written meanwhile, the current
 * folder and the environment are the whole process's.
 */
export async function ententeHere(
  args: readonly string[],
  { env = {}, cwd = "." }: Pick<RunOptions, "env" | "cwd"> = {},
): Promise<EndedHere> {
  const { main } = await import("../../sdk/cli/main.ts");
  const before = { cwd: process.cwd(), env: process.env, exitCode: process.exitCode };
  const written = { stdout: process.stdout.write, stderr: process.stderr.write };
  const taken = { stdout: "", stderr: "" };
  const { ENTENTE_NODE: _, ENTENTE_TOKEN: __, ...inherited } = process.env;
  process.env = { ...inherited, ...env };
  process.chdir(cwd);
  for (const name of ["stdout", "stderr"] as const)
    process[name].write = (chunk: string | Uint8Array) => {
      taken[name] += String(chunk);
      return true;
    };
  process.exitCode = 0;
  try {
    await main(args);
    return { code: Number(process.exitCode), ...taken };
  } finally {
    Object.assign(process.stdout, { write: written.stdout });
    Object.assign(process.stderr, { write: written.stderr });
    process.chdir(before.cwd);
    process.env = before.env;
    process.exitCode = before.exitCode;
  }
}
