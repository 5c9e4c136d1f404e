/**
 * A party node put together: what it always has (keys, store, evidence, datasets), and what it has once it is enrolled
 * (the link to the coordinator and everything that meets peers through it).
 */
import { join } from "node:path";
import type { Logger } from "pino";
import type { Wake } from "../proto/codec/coordinator.ts";
import { EntenteError, toEntenteError } from "../proto/errors.ts";
import { collaborationId, jobId as toJobId } from "../proto/ids.ts";
import type { Ports } from "../proto/ports/ports.ts";
import { Agreements } from "./agreements/agreements.ts";
import { dialCoordinator } from "./coordinator-link/dial.ts";
import type { Enrolled } from "./coordinator-link/enrol.ts";
import type { CoordinatorLink } from "./coordinator-link/link.ts";
import { watchInbox } from "./coordinator-link/watch-inbox.ts";
import { Datasets } from "./data/datasets.ts";
import { enrol, readEnrolment } from "./enrolment.ts";
import { Logbook } from "./evidence/logbook.ts";
import type { JobRequestInput } from "./jobs/ask.ts";
import { JobBook } from "./jobs/book.ts";
import type { JobDeps } from "./jobs/deps.ts";
import { isFinal, type Job } from "./jobs/lifecycle.ts";
import { answerOffer, endWhenIdle, prepareJob, serveJob } from "./jobs/provider.ts";
import { resumeJob, startJob } from "./jobs/receiver.ts";
import { ServedJobs } from "./jobs/served.ts";
import { JobVault } from "./jobs/vault.ts";
import { ControlClient, type ControlHandlers, serveControl } from "./session/control.ts";
import { Meetings } from "./session/meetings.ts";
import { Peers } from "./session/peers.ts";
import { type Keyring, openKeyring } from "./store/keyring.ts";
import { openSqliteStore } from "./store/sqlite.ts";
import type { Store } from "./store/store.ts";
import { Turns } from "./turns.ts";

/** What an enrolled node has beside. */
export interface Connected extends JobDeps {
  readonly enrolled: Enrolled;
  readonly isOnline: () => boolean;
  readonly disconnect: () => void;
}

export interface NodeOptions {
  readonly ports: Ports;
  readonly folder: string;
  readonly party: string;
  readonly logger: Logger;
  /** Default: over gRPC. */
  readonly dial?: (enrolled: Enrolled) => CoordinatorLink;
}

export class Node {
  readonly ports: Ports;
  readonly keyring: Keyring;
  readonly store: Store;
  readonly book: JobBook;
  readonly datasets: Datasets;
  readonly logbook: Logbook;
  /** Exports on their way to a client; emptied at every start. */
  readonly exportFolder: string;
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #vault: JobVault;
  readonly #dial: (enrolled: Enrolled) => CoordinatorLink;
  #connected: Connected | undefined;

  private constructor(options: NodeOptions, keyring: Keyring, store: Store) {
    const { ports, folder } = options;
    this.ports = ports;
    this.keyring = keyring;
    this.store = store;
    this.#folder = folder;
    this.exportFolder = join(folder, "exports");
    this.#logger = options.logger;
    this.#dial = options.dial ?? dialCoordinator;
    this.book = new JobBook(store);
    this.datasets = new Datasets({
      store,
      clock: ports.clock,
      quarantineFolder: join(folder, "quarantine"),
      spill: { folder: join(folder, "spool", "registrations"), random: ports.random },
    });
    this.logbook = new Logbook({
      ports,
      folder: join(folder, "evidence"),
      party: keyring.party,
      logKey: keyring.keys.log,
      jobsKey: keyring.keys.jobs,
    });
    this.#vault = new JobVault({
      store,
      files: ports.files,
      random: ports.random,
      key: keyring.atRestKey,
      folder: join(folder, "spool"),
    });
  }

  static async open(options: NodeOptions): Promise<Node> {
    await options.ports.files.makeFolder(options.folder);
    const keyring = await openKeyring(options.ports, options.folder, options.party);
    const node = new Node(options, keyring, openSqliteStore(join(options.folder, "node.db")));
    await options.ports.files.remove(node.exportFolder);
    await node.#endInterruptedJobs();
    await node.#sweepSpool();
    const enrolled = await readEnrolment(options.ports.files, options.folder);
    if (enrolled !== undefined) {
      node.#connect(enrolled);
      void node.#resumeJobs();
    }
    return node;
  }

  /** Throws NOT_ENROLLED. */
  get connected(): Connected {
    if (this.#connected === undefined) throw new EntenteError("NOT_ENROLLED");
    return this.#connected;
  }

  get isEnrolled(): boolean {
    return this.#connected !== undefined;
  }

  /** Enrols, connects, and confirms the peer whose fingerprint came with the invite. Throws ALREADY_EXISTS when enrolled. */
  async enrol(code: string): Promise<void> {
    if (this.#connected !== undefined) throw new EntenteError("ALREADY_EXISTS", { detail: "this node is enrolled" });
    const { enrolled, inviter } = await enrol(this.ports.files, this.#folder, this.keyring, code);
    this.#connect(enrolled);
    if (inviter !== undefined) await this.connected.peers.confirm(inviter.party, inviter.fingerprint);
  }

  /** Starts a job and lets it run. */
  async startJob(request: JobRequestInput): Promise<string> {
    const { job } = await startJob(this.connected, request);
    return job.jobId;
  }

  /** What a peer offers of datasets, asked in a control session. */
  async peerDatasets(party: string) {
    const { peers, meetings } = this.connected;
    const client = new ControlClient(await meetings.openControl(await peers.require(party)));
    try {
      return await client.describe();
    } finally {
      await client.close();
    }
  }

  async close(): Promise<void> {
    this.#connected?.disconnect();
    await this.store.close();
  }

  #connect(enrolled: Enrolled): void {
    const { keyring, store, ports, logbook } = this;
    const logger = this.#logger;
    const link = this.#dial(enrolled);
    const peers = new Peers({ own: keyring.party, store, link, clock: ports.clock });
    const meetings = new Meetings({
      own: keyring.party,
      credentials: keyring.credentials,
      jobsKey: keyring.keys.jobs,
      link,
      timers: ports.timers,
    });
    const agreements = new Agreements({ keyring, store, peers, meetings, logbook, link });
    let isOnline = false;
    const stopWatching = watchInbox(
      link,
      {
        onWake: (wake) => void this.#onWake(wake),
        onState: (state, error) => {
          isOnline = state === "open";
          logger.info({ state, code: error?.code }, "inbox");
        },
      },
      ports,
    );
    this.#connected = {
      ports,
      keyring,
      store,
      vault: this.#vault,
      book: this.book,
      peers,
      meetings,
      agreements,
      datasets: this.datasets,
      logbook,
      link,
      logger,
      served: new ServedJobs(),
      turns: new Turns(),
      enrolled,
      isOnline: () => isOnline,
      disconnect: () => {
        stopWatching();
        link.close();
      },
    };
  }

  async #onWake(wake: Wake): Promise<void> {
    const deps = this.connected;
    try {
      const peer = await deps.peers.require(wake.from).catch(async (error: unknown) => {
        // Meets it and hangs up, so that it is told at once and not after a time-out.
        (await deps.link.connectRelay(wake.relayId)).destroy();
        throw error;
      });
      if (wake.purpose.kind === "job") await serveJob(deps, peer, { relayId: wake.relayId, ...wake.purpose });
      else await serveControl(await deps.meetings.acceptControl(wake.relayId, peer), peer, this.#controlHandlers(deps));
    } catch (error) {
      const { code, detail } = toEntenteError(error);
      deps.logger.warn(
        { peer: wake.from, kind: wake.purpose.kind, code, detail, err: code === "INTERNAL" ? error : undefined },
        "session ended",
      );
    }
  }

  #controlHandlers(deps: Connected): ControlHandlers {
    return {
      describe: () => deps.datasets.describe(),
      agreement: (peer, offered) => deps.agreements.receive(peer, offered),
      job: (peer, spec) => answerOffer(deps, peer, spec),
      prepare: (peer, request) => prepareJob(deps, peer, request),
    };
  }

  /** A stop leaves jobs that can go on, and others that cannot: those end here, with evidence. */
  async #endInterruptedJobs(): Promise<void> {
    for (const job of await this.book.list()) {
      if (isFinal(job.state) || canGoOn(job)) continue;
      const { jobDigest, collaboration } = job.proposed;
      const subject = [{ name: "job", digest: { sha256: jobDigest } }] as const;
      await this.logbook.record(collaborationId(collaboration), "failed", [...subject], {
        jobId: job.jobId,
        attempt: job.attempt === 0 ? null : job.attempt,
        code: "NODE_RESTARTED",
        at: this.logbook.now(),
      });
      await this.store.removeTags(job.jobId);
      await this.book.append(job.jobId, { type: "failed", at: this.logbook.now(), code: "NODE_RESTARTED" });
      await this.#vault.destroy(job.jobId);
    }
  }

  /** What a stop left of jobs that have ended, and what was read for those that have not: it is read again. */
  async #sweepSpool(): Promise<void> {
    const open = new Set((await this.book.list()).filter((job) => !isFinal(job.state)).map((job) => job.jobId));
    await this.#vault.sweep(open);
  }

  /** Takes jobs up where a stop left them: this node's own go on, those it serves wait for the peer. */
  async #resumeJobs(): Promise<void> {
    const deps = this.connected;
    for (const job of await this.book.list()) {
      if (isFinal(job.state)) continue;
      const { jobId, proposed } = job;
      const taken = proposed.role === "receiver" ? resumeJob(deps, job) : waitForPeer(deps, job);
      taken.catch((err: unknown) => this.#logger.error({ jobId, err }, "a job could not be taken up again"));
    }
  }
}

/** Until the receipt is signed an attempt can be made again. */
function canGoOn({ state }: Job): boolean {
  return state === "admitted" || state === "running";
}

/** The peer is looked up only when the wait is over: the coordinator may be away now. */
async function waitForPeer(deps: JobDeps, { jobId, proposed }: Job): Promise<void> {
  endWhenIdle(deps, () => deps.peers.require(proposed.peer), toJobId(jobId));
}
