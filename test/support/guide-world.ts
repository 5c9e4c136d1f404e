/** A coordinator and nodes in this process, in a temporary folder that is the current one: where guides' lines are run. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Coordinator, createInvite, initCoordinator, startCoordinator } from "../../coordinator/main.ts";
import { initParty, type RunningParty, startParty } from "../../party/main.ts";
import { EntenteClient } from "../../sdk/client.ts";
import type { Program } from "./guide.ts";

const silent = { write: () => {} } as never;
const UNTIL_MS = 20_000;

export class GuideWorld {
  readonly folder: string;
  readonly #cwdBefore = process.cwd();
  readonly #nodes = new Map<string, RunningParty>();
  #hub: Coordinator | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** An empty folder, which becomes the current one. */
  static async make(): Promise<GuideWorld> {
    const folder = await mkdtemp(join(tmpdir(), "entente-guide-"));
    const world = new GuideWorld(folder);
    process.chdir(folder);
    return world;
  }

  /** The same with a coordinator in `hub` and nodes in `bank` and `bureau`, which run, are enrolled and have confirmed each other. */
  static async start(): Promise<GuideWorld> {
    const world = await GuideWorld.make();
    await world.initHub();
    for (const party of ["bank", "bureau"]) {
      await initParty({ folder: party, party, apiPort: 0 });
      await world.startNode(party);
      const invite = await createInvite({ folder: "hub", party });
      await (await world.client(party)).call("enrol", { invite: invite.code });
    }
    const [bank, bureau] = [await world.client("bank"), await world.client("bureau")];
    const own = { bank: await bank.call("node", {}), bureau: await bureau.call("node", {}) };
    await bank.call("confirmPeer", { party: "bureau", fingerprint: own.bureau.fingerprint });
    await bureau.call("confirmPeer", { party: "bank", fingerprint: own.bank.fingerprint });
    return world;
  }

  async initHub(): Promise<void> {
    await initCoordinator({ folder: "hub", port: 0, enrolPort: 0 });
    await this.startHub();
  }

  async startHub(folder = "hub"): Promise<void> {
    this.#hub ??= await startCoordinator({ folder, log: silent });
  }

  /** By the folder's name; nothing when it runs. */
  async startNode(folder: string, more: { readonly inviteFile?: string } = {}): Promise<void> {
    if (!this.#nodes.has(folder)) this.#nodes.set(folder, await startParty({ folder, logTo: silent, ...more }));
  }

  async stopNode(folder: string): Promise<void> {
    await this.#nodes.get(folder)?.stop();
    this.#nodes.delete(folder);
  }

  /** Of a node that runs. */
  node(folder: string): RunningParty {
    const node = this.#nodes.get(folder);
    if (node === undefined) throw new Error(`no node runs in ${folder}`);
    return node;
  }

  async client(folder: string): Promise<EntenteClient> {
    const token = (await readFile(join(this.folder, folder, "token"), "utf8")).trim();
    return new EntenteClient({ url: this.node(folder).apiUrl, token });
  }

  /** Resolves when the node's link to the coordinator is up, or is down. */
  async untilConnected(folder: string, isConnected = true): Promise<void> {
    const client = await this.client(folder);
    const until = performance.now() + UNTIL_MS;
    while ((await client.call("node", {})).connected !== isConnected) {
      if (performance.now() > until) throw new Error(`${folder} is ${isConnected ? "not " : ""}connected`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** What runs until it is stopped: here in this process, unless it runs already. */
  get programs(): Readonly<Record<string, Program>> {
    const option = (args: readonly string[], name: string) => args[args.indexOf(name) + 1] as string;
    return {
      "entente party start": async (args) => {
        const inviteFile = args.includes("--invite-file") ? { inviteFile: option(args, "--invite-file") } : {};
        await this.startNode(option(args, "--dir"), inviteFile);
        return undefined;
      },
      "entente coordinator start": async (args) => void (await this.startHub(option(args, "--dir"))),
    };
  }

  async close(): Promise<void> {
    process.chdir(this.#cwdBefore);
    for (const node of this.#nodes.values()) await node.close();
    await this.#hub?.close();
    await rm(this.folder, { recursive: true });
  }
}
