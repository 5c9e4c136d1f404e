/** Coordinator, bank and bureau as three real processes in a temporary folder. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { LocalTrio, PARTIES, type PartyName } from "../../sdk/cli/local-trio.ts";
import { keepCompiled } from "./compile-cache.ts";

const entente = fileURLToPath(new URL("../../sdk/cli/entente.js", import.meta.url));
const run = promisify(execFile);
keepCompiled();

export { PARTIES, type PartyName };

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command to its end; never rejects. */
export async function cli(...args: readonly string[]): Promise<CliResult> {
  try {
    const { stdout, stderr } = await run(process.execPath, [entente, ...args], { maxBuffer: 64 * 1024 * 1024 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: number; stdout: string; stderr: string };
    return { code: typeof code === "number" ? code : 1, stdout, stderr };
  }
}

/** The JSON document that a command printed. Throws with its error output when it failed. */
export async function cliJson<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await cli(...args, "--json");
  if (code !== 0) throw new Error(`entente ${args.join(" ")}: exit ${code}\n${stdout}${stderr}`);
  return answerOf(stdout) as T;
}

/** The answer among what a command printed with --json: all of it, or the last line after those of its progress. */
export function answerOf(stdout: string): unknown {
  const lines = stdout.trimEnd().split("\n");
  return JSON.parse(lines[0]?.startsWith('{"event":"progress"') ? (lines.at(-1) as string) : stdout);
}

export interface TrioOptions {
  readonly confirm?: boolean;
  /** What runs a process in the place of the command line; arguments of Node. */
  readonly run?: (of: "party" | "coordinator", dir: string, trio: string) => readonly string[];
}

export class Trio extends LocalTrio {
  /** Three processes on free loopback ports, both parties enrolled and mutually confirmed unless told otherwise. */
  static async start({ confirm = true, run: runOther }: TrioOptions = {}): Promise<Trio> {
    const folder = await mkdtemp(join(tmpdir(), "entente-trio-"));
    const trio = new Trio({
      folder,
      ports: { main: 0, enrol: 0, bank: 0, bureau: 0 },
      command: (name, dir) => {
        const of = name === "hub" ? "coordinator" : "party";
        return runOther?.(of, dir, folder) ?? [entente, of, "start", "--dir", dir, "--json"];
      },
    });
    try {
      await trio.start({ confirm });
      return trio;
    } catch (error) {
      await trio.stop();
      throw error;
    }
  }

  /** Ends the processes and removes everything they wrote. */
  async stop(): Promise<void> {
    await this.halt();
    await rm(this.folder, { recursive: true, force: true });
  }
}
