/** Coordinator, bank and bureau in one process: the product's own objects over simulated disks, clocks and network. */
import { join } from "node:path";
import { type Logger, pino } from "pino";
import type { Authority } from "../../coordinator/authority.ts";
import { readKeys } from "../../coordinator/keys.ts";
import { DEFAULT_LIMITS } from "../../coordinator/limits.ts";
import { catchUp, makeService } from "../../coordinator/service.ts";
import { addPartyServices } from "../../coordinator/services.ts";
import type { Store as CoordinatorStore } from "../../coordinator/store/store.ts";
import { linkOver } from "../../party/coordinator-link/dial.ts";
import type { Machinery } from "../../party/machinery.ts";
import { Node } from "../../party/node.ts";
import { sessionCredentials } from "../../party/session/certificate.ts";
import { secureStream } from "../../party/session/tls.ts";
import type { Store as PartyStore } from "../../party/store/store.ts";
import { traceOf } from "../../party/trace.ts";
import { partyUri } from "../../proto/codec/x509.ts";
import { EntenteError } from "../../proto/errors.ts";
import { partyId } from "../../proto/ids.ts";
import { Secret } from "../../proto/keys/secret.ts";
import { InlineWorker } from "../support/inline-worker.ts";
import type { PeerCertificate } from "./calls.ts";
import { Chance } from "./chance.ts";
import { readerOf } from "./data.ts";
import type { DiskFiles } from "./disk.ts";
import { Network } from "./network.ts";
import { type Group, platformOf } from "./platform.ts";
import { type DiskFault, Process, type ProcessName } from "./process.ts";
import { Scheduler } from "./scheduler.ts";
import { type StoreOn, storeOf } from "./stores.ts";
import { plainStreams } from "./stream.ts";

export const COORDINATOR = partyId("coordinator");
export const ENDPOINT = { host: "coordinator.simulated", port: 7_420 };
export const PARTIES = ["bank", "bureau"] as const;
export type PartyName = (typeof PARTIES)[number];

export interface Disk<Store> extends StoreOn<Store> {
  readonly files: DiskFiles;
}

export interface Disks {
  readonly bank: Disk<PartyStore>;
  readonly bureau: Disk<PartyStore>;
  readonly coordinator: Disk<CoordinatorStore>;
}

/** What a simulation may choose of how jobs are run. */
export interface WorldOptions {
  readonly seed: string;
  readonly disks: Disks;
  /** Virtual milliseconds at which it begins. */
  readonly startMs: number;
  readonly tls: boolean;
  readonly group: Group;
  readonly plan: Machinery["partitionPlan"];
  readonly peopleOf: (dataset: string) => readonly string[];
  readonly faultOf?: (process: Process, operation: string) => DiskFault | undefined;
  /** Changes a node's pieces, to see that the simulation notices. */
  readonly spoil?: (machinery: Partial<Machinery>, process: Process) => Partial<Machinery>;
}

/** Each certificate's bytes are its party's name: who calls is looked up by their hash, as ever. */
export function certificateOf(party: string): PeerCertificate {
  return { raw: Buffer.from(`certificate of ${party}`), subjectaltname: `URI:${partyUri(partyId(party))}` };
}

export function folderOf(name: ProcessName): string {
  return `/${name}`;
}

/** Nobody enrols in a simulation. */
const NO_AUTHORITY = new Proxy({} as Authority, {
  get: () => {
    throw new EntenteError("INTERNAL", { detail: "no certificate is simulated" });
  },
});

const credentials = new Map<string, ReturnType<typeof sessionCredentials>>();

/** Made once for each key. */
function knownCredentials(...[party, seed, publicKey]: Parameters<typeof sessionCredentials>) {
  const key = Buffer.from(publicKey).toString("hex");
  const known = credentials.get(key) ?? sessionCredentials(party, seed, publicKey);
  credentials.set(key, known);
  return known;
}

const RETRY_MS = 5_000;

export class World {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly log: string[] = [];
  readonly options: WorldOptions;
  /** By how much a machine's clock is wrong, whatever process runs on it. */
  readonly skewMs: Record<ProcessName, number> = { bank: 0, bureau: 0, coordinator: 0 };
  /** How often each has begun. */
  readonly starts: Record<ProcessName, number> = { bank: 0, bureau: 0, coordinator: 0 };
  restartMs = { from: 100, to: 2_000 };
  readonly #chance: Chance;
  readonly #processes: Partial<Record<ProcessName, Process>> = {};
  readonly #nodes: Partial<Record<PartyName, Node>> = {};
  #isCoordinatorUp = false;

  constructor(options: WorldOptions) {
    this.options = options;
    this.scheduler = new Scheduler({ turns: options.tls ? 6 : 1, startMs: options.startMs });
    this.#chance = new Chance(`${options.seed}/world`);
    const chance = new Chance(`${options.seed}/network`);
    this.network = new Network({ scheduler: this.scheduler, chance, traceBytes: !options.tls });
  }

  /** Undefined while it is down or on its way up. */
  node(party: PartyName): Node | undefined {
    return this.#nodes[party];
  }

  process(name: ProcessName): Process | undefined {
    return this.#processes[name];
  }

  get isUp(): boolean {
    const isOnline = (party: PartyName) => this.#nodes[party]?.isEnrolled && this.#nodes[party].connected.isOnline();
    return this.#isCoordinatorUp && PARTIES.every(isOnline);
  }

  /** Starts a process that is not running. */
  start(name: ProcessName): void {
    if (this.#processes[name]?.isAlive) return;
    const { disks, seed, faultOf } = this.options;
    const surroundings = {
      ...{ scheduler: this.scheduler, chance: this.#chance, seed },
      faultOf: faultOf ?? (() => undefined),
      onCrash: (process: Process) => this.#crashed(process),
    };
    const incarnation = this.starts[name]++;
    const process = new Process(name, surroundings, {
      ...{ disk: disks[name].files, incarnation, skewMs: this.skewMs[name] },
    });
    this.#processes[name] = process;
    const opening = name === "coordinator" ? this.#openCoordinator(process) : this.#openNode(name, process);
    opening.catch((error: unknown) => {
      if (!process.isAlive) return;
      this.#loggerOf(name).error({ err: error }, "could not start");
      this.kill(name, RETRY_MS);
    });
  }

  /** As `kill -9`; started again after `downMs`. */
  kill(name: ProcessName, downMs: number): void {
    const process = this.#processes[name];
    if (process === undefined) return;
    process.kill();
    this.#gone(process, downMs);
  }

  /** Moves a machine's wall clock. */
  moveClock(name: ProcessName, byMs: number): void {
    this.skewMs[name] += byMs;
    const process = this.#processes[name];
    if (process !== undefined) process.skewMs = this.skewMs[name];
  }

  #crashed(process: Process): void {
    this.#gone(process, this.#chance.between(this.restartMs.from, this.restartMs.to));
  }

  #gone(process: Process, downMs: number): void {
    const { name } = process;
    this.scheduler.note(`${name} is dead`);
    if (name === "coordinator") this.#isCoordinatorUp = false;
    else delete this.#nodes[name];
    this.network.cut(process);
    this.scheduler.after(downMs, `start ${name}`, () => this.start(name));
  }

  async #openCoordinator(process: Process): Promise<void> {
    const { ports } = process;
    const { store } = this.options.disks.coordinator;
    const folder = folderOf("coordinator");
    const service = makeService(
      {
        ...{ name: COORDINATOR, folder, ports, limits: DEFAULT_LIMITS, authority: NO_AUTHORITY },
        logger: this.#loggerOf("coordinator"),
        store: storeOf(store, process),
        keys: await readKeys(ports, folder, COORDINATOR),
      },
      () => ({ main: ENDPOINT, enrolment: ENDPOINT }),
    );
    await catchUp(service);
    if (!process.isAlive) return;
    this.network.listen(process, (registrar) => addPartyServices(registrar, service));
    this.#isCoordinatorUp = true;
  }

  async #openNode(party: PartyName, process: Process): Promise<void> {
    const node = await Node.open({
      ...{ ports: process.ports, folder: folderOf(party), party, logger: this.#loggerOf(party) },
      dial: () => linkOver(this.network.channel(process, certificateOf(party))),
      machinery: await this.#machineryOf(party, process),
    });
    if (process.isAlive) this.#nodes[party] = node;
  }

  async #machineryOf(party: PartyName, process: Process): Promise<Partial<Machinery>> {
    const { disks, tls, group, plan, peopleOf, spoil = (made) => made } = this.options;
    const random = (length: number) => process.ports.random.bytes(length) as Uint8Array<ArrayBuffer>;
    const platform = await platformOf(random, group);
    return spoil(
      {
        openStore: () => storeOf(disks[party].store, process),
        startWorker: () => new InlineWorker(platform),
        prepareInput: readerOf(peopleOf),
        partitionPlan: plan,
        secure: tls ? secureStream : plainStreams(random),
        sessionCredentials: tls
          ? knownCredentials
          : async (_party, _seed, publicKey) => ({ certificatePem: "", privateKeyPem: new Secret(""), publicKey }),
      },
      process,
    );
  }

  #loggerOf(name: ProcessName): Logger {
    const options = { name, base: { process: name }, timestamp: false, level: "info", serializers: { err: traceOf } };
    return pino(options, { write: (line: string) => void this.log.push(line) });
  }
}

/** Virtual time passes until `work` has come to an end. */
export async function drive<T>(scheduler: Scheduler, work: Promise<T>, untilMs: number): Promise<T> {
  let isSettled = false;
  const settled = () => {
    isSettled = true;
  };
  work.then(settled, settled);
  await scheduler.run(() => isSettled, untilMs);
  return work;
}

export function pathIn(name: ProcessName, ...parts: string[]): string {
  return join(folderOf(name), ...parts);
}
