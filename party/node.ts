/**
 * A party node put together: what it always has (keys, store, evidence, datasets), and what it has once it is enrolled
 * (the link to the coordinator and everything that meets peers through it).
 */
import { join } from "node:path";
import type { Logger } from "pino";
import type { Agreement } from "../proto/agreement/agreement.ts";
import type { Keyset } from "../proto/agreement/keyset.ts";
import type { Wake } from "../proto/codec/coordinator.ts";
import type { DatasetDescriptor, Software } from "../proto/codec/session.ts";
import { EntenteError, toEntenteError } from "../proto/errors.ts";
import { type CollaborationId, collaborationId, jobId as toJobId } from "../proto/ids.ts";
import type { Clock, Ports } from "../proto/ports/ports.ts";
import { Agreements } from "./agreements/agreements.ts";
import { InForce } from "./agreements/in-force.ts";
import { Revocations } from "./agreements/revocations.ts";
import { dialCoordinator } from "./coordinator-link/dial.ts";
import type { Enrolled } from "./coordinator-link/enrol.ts";
import type { CoordinatorLink } from "./coordinator-link/link.ts";
import { watchInbox } from "./coordinator-link/watch-inbox.ts";
import { Datasets } from "./data/datasets.ts";
import { type DatabaseConfig, Databases } from "./databases/databases.ts";
import { enrol, readEnrolment } from "./enrolment.ts";
import { Forks } from "./evidence/forks.ts";
import { beginGeneration } from "./evidence/generation.ts";
import { Logbook } from "./evidence/logbook.ts";
import { SideNotes } from "./evidence/side-notes.ts";
import { suspected } from "./evidence/standing.ts";
import { Witness } from "./evidence/witness.ts";
import { collaborationsOf, Witnessing } from "./evidence/witnessing.ts";
import { Feeds } from "./feeds/feeds.ts";
import { answerOffer } from "./jobs/admission.ts";
import { endOverdue } from "./jobs/approvals.ts";
import type { JobRequestInput } from "./jobs/ask.ts";
import { JobBook } from "./jobs/book.ts";
import { JobChannels } from "./jobs/channels.ts";
import type { JobDeps } from "./jobs/deps.ts";
import { DEFAULT_MODEL_LIMITS, KeptModels, type ModelLimits } from "./jobs/kept-models.ts";
import { isFinal, type Job } from "./jobs/lifecycle.ts";
import { PendingJobs } from "./jobs/pending.ts";
import { prepareJob, serveJob } from "./jobs/provider.ts";
import { JobResults } from "./jobs/results.ts";
import { forgetOldResults } from "./jobs/retention.ts";
import { ServedJobs } from "./jobs/served.ts";
import { endWhenIdle } from "./jobs/served-job.ts";
import { resumeJob, startJob } from "./jobs/start.ts";
import { stopUnder } from "./jobs/stop.ts";
import { JobVault } from "./jobs/vault.ts";
import { PolicyDesk } from "./policy/desk.ts";
import { Leases } from "./policy/leases.ts";
import { RunHistory } from "./policy/run-history.ts";
import { Sketches } from "./policy/sketches.ts";
import { SteadyClock } from "./policy/steady-clock.ts";
import { finishRotation, publishKeyset, rotateIdentity, rotateKeyset } from "./rotation.ts";
import { Segments } from "./segments/segments.ts";
import { type ControlHandlers, inControlSession, serveControl } from "./session/control.ts";
import { Meetings } from "./session/meetings.ts";
import { PeerHistory } from "./session/peer-history.ts";
import { Peers } from "./session/peers.ts";
import { Successions } from "./session/successions.ts";
import { SUITES } from "./session/suites.ts";
import { Keyring } from "./store/keyring.ts";
import { openSqliteStore } from "./store/sqlite.ts";
import type { Store } from "./store/store.ts";
import { TagCatalogue } from "./tags/catalogue.ts";
import { recordExport } from "./tags/exported.ts";
import { OptOuts } from "./tags/opt-outs.ts";
import { Turns } from "./turns.ts";
import { PRODUCT_VERSION } from "./version.ts";

const UPKEEP_MS = 60_000;

/** What an enrolled node has beside. */
export interface Connected extends JobDeps {
  readonly enrolled: Enrolled;
  readonly revocations: Revocations;
  readonly witnessing: Witnessing;
  readonly forks: Forks;
  readonly inForce: InForce;
  readonly isOnline: () => boolean;
  readonly disconnect: () => void;
}

export interface NodeOptions {
  readonly ports: Ports;
  readonly folder: string;
  readonly party: string;
  readonly logger: Logger;
  /** Of what is kept of encrypted models. */
  readonly models?: ModelLimits;
  /** PostgreSQL connections by name. */
  readonly databases?: Readonly<Record<string, DatabaseConfig>>;
  /** Default: over gRPC. */
  readonly dial?: (enrolled: Enrolled) => CoordinatorLink;
}

/** In the node's folder. */
export const STORE_FILE = "node.db";

export class Node {
  readonly ports: Ports;
  readonly keyring: Keyring;
  readonly store: Store;
  readonly book: JobBook;
  readonly databases: Databases;
  readonly datasets: Datasets;
  readonly segments: Segments;
  readonly optOuts: OptOuts;
  readonly catalogue: TagCatalogue;
  readonly feeds: Feeds;
  readonly logbook: Logbook;
  readonly forks: Forks;
  readonly witness: Witness;
  readonly sideNotes: SideNotes;
  readonly clock: SteadyClock;
  /** Exports on their way to a client; emptied at every start. */
  readonly exportFolder: string;
  readonly folder: string;
  /** As the machine has it: the node's own never goes back. */
  readonly wallClock: Clock;
  readonly #logger: Logger;
  readonly #vault: JobVault;
  readonly #models: KeptModels;
  readonly #results: JobResults;
  readonly #dial: (enrolled: Enrolled) => CoordinatorLink;
  #connected: Connected | undefined;
  #cancelUpkeep: () => void = () => undefined;

  private constructor(options: NodeOptions, keyring: Keyring, store: Store, clock: SteadyClock) {
    const { folder } = options;
    // All that this node says and decides goes by one time: what was charged by another could be charged to the past.
    const timed = { nowMs: () => clock.nowMs(), monotonicMs: () => options.ports.clock.monotonicMs() };
    const ports = { ...options.ports, clock: timed };
    this.ports = ports;
    this.keyring = keyring;
    this.store = store;
    this.clock = clock;
    this.folder = folder;
    this.wallClock = options.ports.clock;
    this.exportFolder = join(folder, "exports");
    this.#logger = options.logger;
    this.#dial = options.dial ?? dialCoordinator;
    this.book = new JobBook(store, ports.clock);
    this.databases = new Databases({ files: ports.files, folder, config: options.databases ?? {} });
    this.optOuts = new OptOuts({ store, clock: ports.clock, random: ports.random, key: keyring.atRestKey });
    this.datasets = new Datasets({
      optOuts: this.optOuts,
      store,
      clock: ports.clock,
      quarantineFolder: join(folder, "quarantine"),
      spill: { folder: join(folder, "spool", "registrations"), random: ports.random },
      access: { databases: this.databases, pipeFolder: join(folder, "spool", "pipes") },
    });
    this.segments = new Segments({
      ...{ store, datasets: this.datasets, clock: ports.clock, files: ports.files, random: ports.random },
      key: keyring.atRestKey,
      folder: join(folder, "segments"),
      spill: { folder: join(folder, "spool", "registrations"), random: ports.random },
    });
    this.logbook = new Logbook({
      ports,
      folder: join(folder, "evidence"),
      signers: keyring,
      store,
    });
    this.forks = new Forks({ files: ports.files, folder: join(folder, "forks") });
    this.witness = new Witness({
      store,
      clock: ports.clock,
      signers: keyring,
      logbook: this.logbook,
      forks: this.forks,
    });
    this.sideNotes = new SideNotes({ store, random: ports.random, key: keyring.atRestKey });
    this.catalogue = new TagCatalogue({ store, clock: ports.clock });
    this.feeds = new Feeds({
      ...{ party: keyring.party, store, ports, databases: this.databases, logger: options.logger },
      requireInForce: (agreement) => this.connected.inForce.require(agreement),
      record: (tags) => recordExport(this, tags),
    });
    this.#vault = new JobVault({
      store,
      files: ports.files,
      random: ports.random,
      key: keyring.atRestKey,
      folder: join(folder, "spool"),
    });
    this.#models = new KeptModels({
      store,
      files: ports.files,
      random: ports.random,
      key: keyring.atRestKey,
      folder: join(folder, "models"),
      limits: options.models ?? DEFAULT_MODEL_LIMITS,
    });
    this.#results = new JobResults({
      store,
      files: ports.files,
      random: ports.random,
      key: keyring.atRestKey,
      folder: join(folder, "results"),
    });
  }

  static async open(options: NodeOptions): Promise<Node> {
    await options.ports.files.makeFolder(options.folder);
    const keyring = await Keyring.open(options.ports, options.folder, options.party);
    const store = openSqliteStore(join(options.folder, STORE_FILE));
    const node = new Node(options, keyring, store, await SteadyClock.open(options.ports.clock, store));
    await options.ports.files.remove(node.exportFolder);
    await node.#suspectRestore();
    await node.#finishRotation();
    await node.#endInterruptedJobs();
    await node.#sweepSpool();
    const enrolled = await readEnrolment(options.ports.files, options.folder);
    if (enrolled !== undefined) {
      node.#connect(enrolled);
      node.#resumeJobs().catch((err: unknown) => options.logger.error({ err }, "jobs could not be taken up again"));
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
    const { enrolled, inviter } = await enrol(this.ports.files, this.folder, this.keyring, code);
    this.#connect(enrolled);
    if (inviter !== undefined) await this.connected.peers.confirm(inviter.party, inviter.fingerprint);
  }

  /** Starts a job and lets it run. */
  async startJob(request: JobRequestInput, person: string): Promise<string> {
    const { job } = await startJob(this.connected, request, person);
    return job.jobId;
  }

  /** What a peer offers of datasets, asked in a control session. */
  async peerDatasets(party: string) {
    const { peers, meetings } = this.connected;
    return inControlSession(meetings, await peers.require(party), (client) => client.describe());
  }

  /** What this node tells peers of itself. */
  software(): Software {
    return { version: PRODUCT_VERSION, suites: SUITES, at: new Date(this.wallClock.nowMs()).toISOString() };
  }

  /** All that a peer is told of what is here. */
  async #describe(): Promise<DatasetDescriptor[]> {
    const published = await this.segments.published();
    return (await this.datasets.describe()).map((described) => ({
      ...described,
      segments: published
        .filter(({ dataset }) => dataset === described.name)
        .map(({ name, version, description }) => ({ name, version, description })),
    }));
  }

  async close(): Promise<void> {
    this.#cancelUpkeep();
    this.#connected?.disconnect();
    await this.store.close();
  }

  #connect(enrolled: Enrolled): void {
    const { keyring, store, ports, logbook } = this;
    const logger = this.#logger;
    const link = this.#dial(enrolled);
    const peerHistory = new PeerHistory(store);
    const collaborations = () => collaborationsOf(store, keyring.party);
    const following = { keyring, store, history: peerHistory, link, clock: ports.clock, logger, logbook };
    const successions = new Successions({ ...following, collaborations });
    const peers = new Peers({
      own: keyring.party,
      ...{ store, link, clock: ports.clock, history: peerHistory, successions },
    });
    const meetings = new Meetings({
      own: keyring.party,
      signers: keyring,
      link,
      timers: ports.timers,
    });
    const { clock } = this;
    const history = new RunHistory({ logbook, store, macKey: keyring.epochSeed });
    const agreements = new Agreements({ keyring, store, peers, meetings, logbook, link, clock, history });
    const leases = new Leases({ clock, party: keyring.party, signers: keyring });
    const policy = new PolicyDesk({ history, agreements, clock, standings: logbook.standings });
    const { timers } = ports;
    const { sideNotes } = this;
    const stop = (agreement: Agreement) => stopUnder(this.connected, agreement);
    const inTurn = policy.inTurn.bind(policy);
    const known = { keyring, store, peers, meetings, agreements, logbook, sideNotes };
    const ending = { ...known, inTurn, link, clock, history, timers, logger, stop };
    const revocations = new Revocations(ending);
    const { witness, forks } = this;
    const witnessing = new Witnessing({
      ...{
        signers: keyring,
        store,
        peers,
        meetings,
        logbook,
        witness,
        forks,
        link,
        enrolled,
        clock: ports.clock,
        logger,
      },
      isBusy: async (collaboration) => (await this.#unfinished(collaboration)).length > 0,
      onOpen: async (collaboration) => {
        await this.#finishRotation();
        await this.#endInterruptedJobs(collaboration);
        void this.#resumeJobs(collaboration);
      },
    });
    let isOnline = false;
    let changes = 0;
    const stopWatching = watchInbox(
      link,
      {
        onWake: (wake) => void this.#onWake(wake),
        onState: (state, error) => {
          isOnline = false;
          const change = ++changes;
          logger.info({ state, code: error?.code }, "inbox");
          if (state === "open") void this.#greet().then(() => (isOnline = change === changes));
        },
      },
      ports,
    );
    this.#connected = {
      ports,
      keyring,
      store,
      vault: this.#vault,
      models: this.#models,
      results: this.#results,
      book: this.book,
      peers,
      meetings,
      agreements,
      datasets: this.datasets,
      segments: this.segments,
      optOuts: this.optOuts,
      catalogue: this.catalogue,
      logbook,
      witness,
      witnessing,
      forks,
      sideNotes,
      link,
      logger,
      clock,
      policy,
      leases,
      sketches: new Sketches({
        files: ports.files,
        random: ports.random,
        key: keyring.atRestKey,
        folder: join(this.folder, "sketches"),
      }),
      served: new ServedJobs(),
      pending: new PendingJobs(),
      channels: new JobChannels(),
      turns: new Turns(),
      enrolled,
      revocations,
      inForce: new InForce({ own: keyring.party, agreements, leases, peers, meetings, clock }),
      isOnline: () => isOnline,
      disconnect: () => {
        stopWatching();
        witnessing.close();
        revocations.close();
        link.close();
      },
    };
    this.#keepUp(this.#connected);
  }

  /** When the coordinator can be reached: peers must find the keyset that is in force. Never rejects. */
  async #greet(): Promise<void> {
    await publishKeyset(this.connected).catch((err: unknown) =>
      this.#logger.warn({ err }, "the coordinator has not the keyset yet"),
    );
    void this.#followPeers();
  }

  /** Never rejects. */
  async #followPeers(): Promise<void> {
    const { peers, witnessing } = this.connected;
    await peers
      .keepUp()
      .catch((err: unknown) => this.#logger.info({ err }, "a peer's identity could not be looked at"));
    await witnessing.keepUp();
  }

  /** What time brings, looked at once a minute. */
  #keepUp(deps: Connected): void {
    this.#cancelUpkeep = this.ports.timers.after(UPKEEP_MS, () => {
      this.#keepUp(deps);
      void this.#greet();
      this.clock
        .keep()
        .then(() => endOverdue(deps))
        .then(() => forgetOldResults(deps))
        .then(() => this.store.expireTags(this.logbook.now()))
        .then(() => void this.feeds.keepUp())
        .catch((err: unknown) => this.#logger.error({ err }, "upkeep failed"));
    });
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
      describe: () => this.#describe(),
      software: () => this.software(),
      agreement: (peer, offered) => deps.agreements.receive(peer, offered),
      job: (peer, spec) => answerOffer(deps, peer, spec),
      prepare: (peer, request) => prepareJob(deps, peer, request),
      revocation: (peer, notice) => deps.revocations.receive(peer, notice),
      inForce: (peer, agreement) => deps.inForce.statement(peer, agreement),
      witness: (peer, collaboration, known) => deps.witnessing.answer(peer, collaboration, known),
      cosign: (peer, request) => deps.witnessing.accept(peer, request),
      keyset: (peer, next) => deps.peers.receive(peer, next),
      // Only that the wait is over: what was decided the answer says.
      jobDecided: async (peer, jobId) => {
        const { proposed } = await deps.book.require(jobId);
        if (proposed.peer === peer.party) deps.pending.decided(jobId);
      },
    };
  }

  /** When this folder may be a backup that was put back, nothing is written before every peer has been heard. */
  async #suspectRestore(): Promise<void> {
    const { files, random } = this.ports;
    const folder = join(this.folder, "evidence");
    if ((await beginGeneration({ files, random, store: this.store, folder })) !== "restored") return;
    for (const [collaboration, peer] of await collaborationsOf(this.store, this.keyring.party)) {
      await this.logbook.standings.change(collaboration, (now) => suspected(now, [peer]));
      this.#logger.warn(
        { collaboration, peer },
        "this node may have been restored from a backup: its peers are asked first",
      );
    }
  }

  /** Jobs that have not ended, of one collaboration or of all. */
  async #unfinished(of?: CollaborationId): Promise<Job[]> {
    const all = await this.book.list();
    return all.filter(({ state, proposed }) => !isFinal(state) && (of === undefined || proposed.collaboration === of));
  }

  async #mayWrite({ proposed }: Job): Promise<boolean> {
    const { state } = await this.logbook.standings.of(collaborationId(proposed.collaboration));
    return state === "open" || state === "frozen";
  }

  /** Before anything else is signed. While a log may not be written the old keyset stays in force. */
  async #finishRotation(): Promise<void> {
    await finishRotation(this).catch((err: unknown) => this.#logger.warn({ err }, "the keyset cannot be changed yet"));
  }

  /** New working keys. Throws OVERLOADED while a job has not ended, and the errors of `rotateKeyset`. */
  rotateKeys(): Promise<Keyset> {
    return this.#rotate(rotateKeyset);
  }

  /** A new identity, and new working keys. Throws as `rotateKeys`. */
  rotateIdentity(): Promise<Keyset> {
    return this.#rotate(rotateIdentity);
  }

  async #rotate(rotate: typeof rotateKeyset): Promise<Keyset> {
    if ((await this.#unfinished()).length > 0) throw new EntenteError("OVERLOADED", { detail: "jobs have not ended" });
    await rotate(this.connected);
    return this.keyring.verifiedKeysets.at(-1) as Keyset;
  }

  /** A stop leaves jobs that can go on, and others that cannot: those end here, with evidence. Where nothing may be written they
   * wait. */
  async #endInterruptedJobs(of?: CollaborationId): Promise<void> {
    for (const job of await this.#unfinished(of)) {
      if (canGoOn(job) || !(await this.#mayWrite(job))) continue;
      const { jobDigest, collaboration } = job.proposed;
      const subject = [{ name: "job", digest: { sha256: jobDigest } }] as const;
      await this.logbook.record(collaborationId(collaboration), "failed", [...subject], {
        jobId: job.jobId,
        attempt: job.attempt === 0 ? null : job.attempt,
        code: "NODE_RESTARTED",
        at: this.logbook.now(),
      });
      await this.store.removeTags(job.jobId);
      await this.#results.forget(job.jobId);
      await this.book.append(job.jobId, { type: "failed", at: this.logbook.now(), code: "NODE_RESTARTED" });
      await this.#vault.destroy(job.jobId);
    }
  }

  /** What a stop left of jobs that have ended, and what was read for those that have not: it is read again. */
  async #sweepSpool(): Promise<void> {
    const open = new Set((await this.book.list()).filter((job) => !isFinal(job.state)).map((job) => job.jobId));
    await this.#vault.sweep(open);
    await this.#models.sweep();
    await this.#results.sweep();
  }

  /** Takes jobs up where a stop left them: this node's own go on, those it serves wait for the peer. */
  async #resumeJobs(of?: CollaborationId): Promise<void> {
    const deps = this.connected;
    await deps.revocations.resume();
    for (const job of await this.#unfinished(of)) {
      if (job.awaitsApproval || !(await this.#mayWrite(job))) continue;
      const { jobId, proposed } = job;
      const taken = proposed.role === "receiver" ? resumeJob(deps, job) : waitForPeer(deps, job);
      taken.catch((err: unknown) => this.#logger.error({ jobId, err }, "a job could not be taken up again"));
    }
  }
}

/** Until the receipt is signed an attempt can be made again; what was only proposed is asked again by the receiver, and at
 * the provider waits for a person or was cut short. */
function canGoOn({ state, awaitsApproval, proposed }: Job): boolean {
  if (state === "proposed") return awaitsApproval || proposed.role === "receiver";
  return state === "admitted" || state === "running";
}

/** The peer is looked up only when the wait is over: the coordinator may be away now. */
async function waitForPeer(deps: JobDeps, { jobId, proposed }: Job): Promise<void> {
  endWhenIdle(deps, () => deps.peers.require(proposed.peer), toJobId(jobId));
}
