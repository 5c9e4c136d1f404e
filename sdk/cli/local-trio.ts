/**
 * Coordinator, bank and bureau as three processes on this machine, in one folder:
 *
 *     hub/ bank/ bureau/      their folders          hub.log bank.log bureau.log      what they log
 *
 * Enrolled, and each with the other's fingerprint confirmed. What is there already is gone on with.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { EntenteError } from "../../proto/errors.ts";
import { EntenteClient } from "../client.ts";
import { coordinatorMain } from "./coordinator.ts";
import { partyMain } from "./party.ts";

export const PARTIES = ["bank", "bureau"] as const;
export type PartyName = (typeof PARTIES)[number];
export type ProcessName = PartyName | "hub";

const ONLINE_MS = 20_000;
const LOOK_MS = 50;

export interface TrioPorts {
  /** Of the coordinator; 0: a free one at every start, as with the others. */
  readonly main: number;
  readonly enrol: number;
  /** Of the parties' APIs. */
  readonly bank: number;
  readonly bureau: number;
}

export interface LocalTrioOptions {
  /** Absolute; made when it is not there. */
  readonly folder: string;
  /** For what is made anew. */
  readonly ports: TrioPorts;
  /** Arguments of Node that run one of the processes and print a line when it serves. */
  readonly command: (name: ProcessName, dir: string) => readonly string[];
  /** Out of the reach of the terminal's signals: whoever started them stops them. */
  readonly isDetached?: boolean;
}

export class LocalTrio {
  readonly folder: string;
  readonly #options: LocalTrioOptions;
  readonly #children = new Map<ProcessName, ChildProcess>();
  #hubFingerprint = "";

  constructor(options: LocalTrioOptions) {
    this.folder = options.folder;
    this.#options = options;
  }

  dir(name: ProcessName): string {
    return join(this.folder, name);
  }

  /** Makes what is missing and starts all three; resolves when both parties are enrolled and reach the coordinator. Throws
   * what made one of them end, with the last lines of its log. */
  async start({ confirm = true }: { readonly confirm?: boolean } = {}): Promise<void> {
    const { ports } = this.#options;
    // Tokens and keys below are closed by themselves; logs, names and sizes are nobody's business either.
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await Promise.all([
      this.#make("hub", "coordinator.json", async (folder) => {
        const { initCoordinator } = await coordinatorMain();
        const made = await initCoordinator({ folder, port: ports.main, enrolPort: ports.enrol });
        this.#hubFingerprint = made.fingerprint;
      }),
      ...PARTIES.map((party) =>
        this.#make(party, "node.json", async (folder) => {
          await (await partyMain()).initParty({ folder, party, apiPort: ports[party] });
        }),
      ),
    ]);
    for (const party of PARTIES) await this.#enrol(party);
    if (confirm) await this.confirmBoth();
    for (const party of PARTIES) await this.#untilOnline(party);
  }

  async client(party: PartyName): Promise<EntenteClient> {
    return new EntenteClient({ url: await this.apiUrl(party), token: await this.#token(party) });
  }

  /** Where the party's node serves its API, and its console. */
  async apiUrl(party: PartyName): Promise<string> {
    return (JSON.parse(await readFile(join(this.dir(party), "api.json"), "utf8")) as { url: string }).url;
  }

  /** Opens the party's console with its first token in hand. A page does not send the part after `#` anywhere. */
  async signInLink(party: PartyName): Promise<string> {
    return `${await this.apiUrl(party)}/#token=${await this.#token(party)}`;
  }

  /** Of every identity, as its owner reads it out: what an auditor trusts. The coordinator's only where it was made here. */
  async fingerprints(): Promise<string[]> {
    const nodes = await Promise.all(PARTIES.map(async (party) => (await this.client(party)).call("node", {})));
    return [...nodes.map(({ fingerprint }) => fingerprint), this.#hubFingerprint];
  }

  /** Of a running process; 0 when there is none. */
  pid(name: ProcessName): number {
    return this.#children.get(name)?.pid ?? 0;
  }

  /** Whether the process has ended, however it did. */
  hasEnded(name: ProcessName): boolean {
    const child = this.#children.get(name);
    return child === undefined || child.exitCode !== null || child.signalCode !== null;
  }

  /** Resolves to the name of the first process that ends. */
  firstEnd(): Promise<ProcessName> {
    return Promise.race(
      [...this.#children].map(
        ([name, child]) => new Promise<ProcessName>((resolve) => child.once("exit", () => resolve(name))),
      ),
    );
  }

  async restart(name: ProcessName): Promise<void> {
    await this.kill(name);
    await this.#launch(name);
  }

  /** As a power loss would: no signal that a process could handle. */
  async kill(name: ProcessName): Promise<void> {
    const child = this.#children.get(name);
    if (child !== undefined) await end(child, "SIGKILL");
  }

  /** Ends the processes, at once or in good order, and leaves the folder. */
  async halt(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const stop = async (name: ProcessName) => {
      const child = this.#children.get(name);
      if (child !== undefined) await end(child, signal);
    };
    // The coordinator last, so that neither party has anything to try again.
    await Promise.all(PARTIES.map(stop));
    await stop("hub");
  }

  /** The end of each process's log, for whoever has to see why a run broke off. */
  async lastLogLines(lines = 5): Promise<string> {
    return (await Promise.all((["hub", ...PARTIES] as const).map((name) => this.logTail(name, lines)))).join("\n");
  }

  async logTail(name: ProcessName, lines = 5): Promise<string> {
    const text = await readFile(join(this.folder, `${name}.log`), "utf8").catch(() => "");
    return `${name}:\n${text.trimEnd().split("\n").slice(-lines).join("\n")}`;
  }

  /** Each side reads its own fingerprint out, the other types it in. */
  async confirmBoth(): Promise<void> {
    const [bank, bureau] = [await this.client("bank"), await this.client("bureau")];
    const own = { bank: await bank.call("node", {}), bureau: await bureau.call("node", {}) };
    await bank.call("confirmPeer", { party: "bureau", fingerprint: own.bureau.fingerprint });
    await bureau.call("confirmPeer", { party: "bank", fingerprint: own.bank.fingerprint });
  }

  async #make(name: ProcessName, file: string, make: (folder: string) => Promise<void>): Promise<void> {
    if (!existsSync(join(this.dir(name), file))) await make(this.dir(name));
    await this.#launch(name);
  }

  async #enrol(party: PartyName): Promise<void> {
    const client = await this.client(party);
    if ((await client.call("node", {})).coordinator !== null) return;
    const { code } = await (await coordinatorMain()).createInvite({ folder: this.dir("hub"), party });
    await client.call("enrol", { invite: code });
  }

  async #launch(name: ProcessName): Promise<void> {
    const { command, isDetached = false } = this.#options;
    const child = spawn(process.execPath, [...command(name, this.dir(name))], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: isDetached,
    });
    this.#children.set(name, child);
    child.stderr.pipe(createWriteStream(join(this.folder, `${name}.log`), { flags: "a" }));
    await new Promise<void>((resolve, reject) => {
      child.stdout.once("data", () => resolve());
      child.once("error", reject);
      child.once("exit", async (code) => {
        const detail = `${name} ended with ${code} before it served; the end of its log:\n${await this.logTail(name)}`;
        reject(new EntenteError("INTERNAL", { detail }));
      });
    });
  }

  async #token(party: PartyName): Promise<string> {
    return (await readFile(join(this.dir(party), "token"), "utf8")).trim();
  }

  async #untilOnline(party: PartyName): Promise<void> {
    const client = await this.client(party);
    const until = performance.now() + ONLINE_MS;
    while (!(await client.call("node", {})).connected) {
      if (performance.now() > until)
        throw new EntenteError("COORDINATOR_UNREACHABLE", { detail: `${party}; see ${party}.log in ${this.folder}` });
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}
