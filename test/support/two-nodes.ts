/** Bank and bureau as nodes in this process, at a coordinator in this process: for tests that look inside or misbehave. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import type { Enrolled } from "../../party/coordinator-link/enrol.ts";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import type { JobRequestInput } from "../../party/jobs/ask.ts";
import type { Job } from "../../party/jobs/lifecycle.ts";
import { isFinal } from "../../party/jobs/lifecycle.ts";
import { startJob } from "../../party/jobs/start.ts";
import type { Machinery } from "../../party/machinery.ts";
import { Node } from "../../party/node.ts";
import type { NodeOptions } from "../../party/parts.ts";
import type { TaskWorker } from "../../party/session/worker-port.ts";
import { traceOf } from "../../party/trace.ts";
import { fingerprint } from "../../proto/agreement/identity.ts";
import type { Digest } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { keepCompiled } from "./compile-cache.ts";
import { TestCoordinator } from "./coordinator.ts";
import { demoAgreement, generous } from "./demo-agreement.ts";
import { InlineWorker } from "./inline-worker.ts";

keepCompiled();

export interface NodeChanges {
  readonly ports?: Ports;
  readonly databases?: NodeOptions["databases"];
  readonly store?: NodeOptions["store"];
  readonly limits?: NodeOptions["limits"];
  /** Stands between a node and the coordinator. */
  readonly wrap?: (link: CoordinatorLink) => CoordinatorLink;
}

export type NodeName = "bank" | "bureau";

export interface Changes {
  readonly bank?: NodeChanges;
  readonly bureau?: NodeChanges;
  /** Of both; default: the real work, on this thread. */
  readonly startWorker?: () => TaskWorker;
  readonly coordinatorLimits?: Parameters<typeof TestCoordinator.start>[0];
  /** Of both; default: as ever. */
  readonly partitionPlan?: Machinery["partitionPlan"];
}

/** A job as tests ask for it: of the bank's people those that pass a filter. */
export type Filtered<Request> = Request & { readonly filter?: string };

/** Defines a segment of what the filter lets through, and names that. */
export async function namingSegment<Request extends object>(
  { segments }: Pick<Node, "segments">,
  { filter, ...request }: Filtered<Request>,
): Promise<Omit<Request, "filter">> {
  if (filter === undefined) return request as Omit<Request, "filter">;
  const definition = { kind: "sql", expression: filter } as const;
  const { name, version } = await segments.define({ name: "filter", dataset: "customers", definition }, "analyst");
  return { ...request, segment: { name, version } } as unknown as Omit<Request, "filter">;
}

export class TwoNodes {
  readonly coordinator: TestCoordinator;
  readonly log: readonly string[];
  readonly #nodes: Record<NodeName, Node>;
  readonly #open: (party: NodeName) => Promise<Node>;

  private constructor(
    coordinator: TestCoordinator,
    nodes: Record<NodeName, Node>,
    open: (party: NodeName) => Promise<Node>,
    log: readonly string[],
  ) {
    this.coordinator = coordinator;
    this.#nodes = nodes;
    this.#open = open;
    this.log = log;
  }

  get bank(): Node {
    return this.#nodes.bank;
  }

  get bureau(): Node {
    return this.#nodes.bureau;
  }

  static async start(changes: Changes = {}): Promise<TwoNodes> {
    const { startWorker = () => new InlineWorker(), partitionPlan } = changes;
    const machinery = { startWorker, ...(partitionPlan && { partitionPlan }) };
    const coordinator = await TestCoordinator.start(changes.coordinatorLimits);
    const logs: string[] = [];
    const open = async (party: NodeName) => {
      const {
        ports = nodePorts,
        databases = {},
        store,
        limits = {},
        wrap = (link) => link,
      }: NodeChanges = changes[party] ?? {};
      const folder = join(coordinator.folder, party);
      await mkdir(folder, { recursive: true });
      const options = { name: party, level: "trace", serializers: { err: traceOf } };
      const logger = pino(options, { write: (line: string) => void logs.push(line) });
      const dial = (enrolled: Enrolled) => wrap(coordinator.dial(enrolled));
      return Node.open({ ports, folder, party, logger, databases, store, limits, dial, machinery });
    };
    const [bank, bureau] = [await open("bank"), await open("bureau")];
    const nodes = new TwoNodes(coordinator, { bank, bureau }, open, logs);
    for (const name of ["bank", "bureau"] as const) await nodes[name].enrol((await coordinator.invite(name)).code);
    for (const [own, peer, name] of [
      [bank, bureau, "bureau"],
      [bureau, bank, "bank"],
    ] as const)
      await own.connected.peers.confirm(name, fingerprint(peer.keyring.identity.publicKey));
    await nodes.untilOnline();
    return nodes;
  }

  /** Stops a node, as far as that can be done inside this process, and starts it from what it has on its disk. */
  async restart(party: NodeName, options: { readonly untilOnline?: boolean } = {}): Promise<void> {
    await this.#nodes[party].close();
    this.#nodes[party] = await this.#open(party);
    if (options.untilOnline ?? true) await this.untilOnline();
  }

  async untilOnline(): Promise<void> {
    while (!this.bank.connected.isOnline() || !this.bureau.connected.isOnline())
      await new Promise((done) => setTimeout(done, 10));
  }

  folder(party: NodeName): string {
    return join(this.coordinator.folder, party);
  }

  async register(files: { bank: string; bureau: string }): Promise<void> {
    const form = { ids: [{ column: "phone", normaliser: "phone-e164" }] } as const;
    await this.bank.datasets.register({ name: "customers", path: files.bank, ...form });
    await this.bureau.datasets.register({ name: "repayments", path: files.bureau, ...form });
  }

  async agree(document: Record<string, unknown> = demoAgreement(generous())): Promise<Digest> {
    const { digest } = await this.bank.connected.agreements.propose(document);
    await this.bureau.connected.agreements.sign(digest);
    return digest as Digest;
  }

  /** The bank's job, asked for by "analyst", until the bank's node has done with it. */
  async runAtBank(
    wish: Filtered<Partial<JobRequestInput> & Pick<JobRequestInput, "agreement">>,
  ): Promise<{ bank: Job }> {
    const tag = { key: "marketing:joint", value: "yes", expiresInDays: 30 };
    const base = { operation: "audience", dataset: "customers", peerDataset: "repayments", tag } as const;
    const request = { ...base, ...(await namingSegment(this.bank, wish)) } as JobRequestInput;
    const { job, finished } = await startJob(this.bank.connected, request, "analyst");
    await finished;
    return { bank: await this.bank.book.require(job.jobId) };
  }

  /** The same, until the bureau's node has ended it, too. */
  async run(request: Parameters<TwoNodes["runAtBank"]>[0]): Promise<{ bank: Job; bureau: Job }> {
    const { bank } = await this.runAtBank(request);
    return { bank, bureau: await this.ended(this.bureau, bank.jobId) };
  }

  async ended(node: Node, jobId: string): Promise<Job> {
    for (let tries = 0; tries < 500; tries++) {
      const job = await node.book.require(jobId);
      if (isFinal(job.state)) return job;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error("the job did not end");
  }

  async close(): Promise<void> {
    await this.bank.close();
    await this.bureau.close();
    await this.coordinator.close();
  }
}
