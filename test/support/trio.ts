/** Coordinator, bank and bureau as three real processes in a temporary folder, and a client for each node. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { EntenteClient } from "../../sdk/client.ts";
import { keepCompiled } from "./compile-cache.ts";

const entente = fileURLToPath(new URL("../../sdk/cli/entente.js", import.meta.url));
const run = promisify(execFile);
keepCompiled();

export const PARTIES = ["bank", "bureau"] as const;
export type PartyName = (typeof PARTIES)[number];

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

/** Starts a long-running command and resolves when it has printed its first line. */
async function start(folder: string, name: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [...args], { stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.pipe(createWriteStream(join(folder, `${name}.log`), { flags: "a" }));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once("data", () => resolve());
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code} before it listened; see ${name}.log`)));
  });
  return child;
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}

export interface TrioOptions {
  readonly confirm?: boolean;
  /** What runs a process in the place of the command line; arguments of Node. */
  readonly run?: (of: "party" | "coordinator", dir: string, trio: string) => readonly string[];
}

export class Trio {
  readonly folder: string;
  readonly #children = new Map<string, ChildProcess>();
  #hubFingerprint = "";

  readonly #options: TrioOptions;

  private constructor(folder: string, options: TrioOptions) {
    this.folder = folder;
    this.#options = options;
  }

  /** Three processes on free loopback ports, both parties enrolled and mutually confirmed unless told otherwise. */
  static async start(options: TrioOptions = {}): Promise<Trio> {
    const trio = new Trio(await mkdtemp(join(tmpdir(), "entente-trio-")), options);
    try {
      await trio.#setUp(options.confirm ?? true);
      return trio;
    } catch (error) {
      await trio.stop();
      throw error;
    }
  }

  dir(name: PartyName | "hub"): string {
    return join(this.folder, name);
  }

  async client(party: PartyName): Promise<EntenteClient> {
    const { url } = JSON.parse(await readFile(join(this.dir(party), "api.json"), "utf8")) as { url: string };
    return new EntenteClient({ url, token: (await readFile(join(this.dir(party), "token"), "utf8")).trim() });
  }

  /** Of every identity, as its owner reads it out: what an auditor trusts. */
  async fingerprints(): Promise<string[]> {
    const nodes = await Promise.all(PARTIES.map(async (party) => (await this.client(party)).call("node", {})));
    return [...nodes.map(({ fingerprint }) => fingerprint), this.#hubFingerprint];
  }

  /** Of a running process; 0 when there is none. */
  pid(name: PartyName | "hub"): number {
    return this.#children.get(name)?.pid ?? 0;
  }

  /** Whether the process has ended, however it did. */
  hasEnded(name: PartyName | "hub"): boolean {
    const child = this.#children.get(name);
    return child === undefined || child.exitCode !== null || child.signalCode !== null;
  }

  async restart(name: PartyName | "hub"): Promise<void> {
    await this.kill(name);
    await this.#launch(name);
  }

  /** As a power loss would: no signal that a process could handle. */
  async kill(name: PartyName | "hub"): Promise<void> {
    const child = this.#children.get(name);
    if (child !== undefined) await stop(child, "SIGKILL");
  }

  /** The end of each process's log, for whoever has to see why a run broke off. */
  async lastLogLines(lines = 5): Promise<string> {
    const tails = ["hub", "bank", "bureau"].map(async (name) => {
      const text = await readFile(join(this.folder, `${name}.log`), "utf8").catch(() => "");
      return `${name}:\n${text.trimEnd().split("\n").slice(-lines).join("\n")}`;
    });
    return (await Promise.all(tails)).join("\n");
  }

  /** Ends the processes and removes everything they wrote. */
  async stop(): Promise<void> {
    await this.halt();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Ends the processes and leaves the folder. */
  async halt(): Promise<void> {
    for (const name of ["bank", "bureau", "hub"]) {
      const child = this.#children.get(name);
      if (child !== undefined) await stop(child, "SIGTERM");
    }
  }

  async #launch(name: PartyName | "hub"): Promise<void> {
    const command = name === "hub" ? "coordinator" : "party";
    const { run: runOther } = this.#options;
    const args = runOther?.(command, this.dir(name), this.folder) ?? [
      ...[entente, command, "start", "--dir", this.dir(name), "--json"],
    ];
    this.#children.set(name, await start(this.folder, name, args));
  }

  async #setUp(confirm: boolean): Promise<void> {
    await Promise.all([
      cliJson<{ fingerprint: string }>(
        ...["coordinator", "init", "--dir", this.dir("hub"), "--port", "0", "--enrol-port", "0"],
      ).then(({ fingerprint }) => {
        this.#hubFingerprint = fingerprint;
        return this.#launch("hub");
      }),
      ...PARTIES.map(async (party) => {
        await cliJson("party", "init", "--dir", this.dir(party), "--party", party, "--api-port", "0");
        await this.#launch(party);
      }),
    ]);
    for (const party of PARTIES) {
      const { code } = await cliJson<{ code: string }>("coordinator", "invite", party, "--dir", this.dir("hub"));
      await (await this.client(party)).call("enrol", { invite: code });
    }
    if (confirm) await this.confirmBoth();
    for (const party of PARTIES) await this.#untilOnline(party);
  }

  /** Each side reads its own fingerprint out, the other types it in. */
  async confirmBoth(): Promise<void> {
    const [bank, bureau] = [await this.client("bank"), await this.client("bureau")];
    const own = { bank: await bank.call("node", {}), bureau: await bureau.call("node", {}) };
    await bank.call("confirmPeer", { party: "bureau", fingerprint: own.bureau.fingerprint });
    await bureau.call("confirmPeer", { party: "bank", fingerprint: own.bank.fingerprint });
  }

  async #untilOnline(party: PartyName): Promise<void> {
    const client = await this.client(party);
    for (let tries = 0; tries < 100; tries++) {
      if ((await client.call("node", {})).connected) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${party} did not reach the coordinator`);
  }
}
