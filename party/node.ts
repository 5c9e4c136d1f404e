/** A party node put together: opened, enrolled, woken, kept up and closed. */
import { join } from "node:path";
import type { Logger } from "pino";
import type { Keyset } from "../proto/agreement/keyset.ts";
import type { Wake } from "../proto/codec/coordinator.ts";
import { formatEndpoint } from "../proto/codec/endpoint.ts";
import type { DatasetDescriptor, Software } from "../proto/codec/session-messages.ts";
import { EntenteError, toEntenteError } from "../proto/errors.ts";
import type { CollaborationId } from "../proto/ids.ts";
import { unlock } from "../proto/keys/sealed-folder.ts";
import type { Clock, Ports } from "../proto/ports/ports.ts";
import { type Connected, connect } from "./connected.ts";
import { dialCoordinator } from "./coordinator-link/dial.ts";
import type { Enrolled } from "./coordinator-link/enrol.ts";
import type { CoordinatorLink } from "./coordinator-link/link.ts";
import type { Datasets } from "./data/datasets.ts";
import type { Databases } from "./databases/databases.ts";
import { daysLeft, type Validity } from "./doctor/validity.ts";
import { enrol, needsInvite, readEnrolment } from "./enrolment.ts";
import type { Forks } from "./evidence/forks.ts";
import { beginGeneration, requireOwnStore } from "./evidence/generation.ts";
import type { Logbook } from "./evidence/logbook.ts";
import type { SideNotes } from "./evidence/side-notes.ts";
import { suspected } from "./evidence/standing.ts";
import type { Witness } from "./evidence/witness.ts";
import { collaborationsOf } from "./evidence/witnessing.ts";
import { Feeds } from "./feeds/feeds.ts";
import { answerOffer } from "./jobs/admission.ts";
import { endOverdue } from "./jobs/approvals.ts";
import type { JobRequestInput } from "./jobs/ask.ts";
import type { JobBook } from "./jobs/book.ts";
import { resumeJobs, settleInterruptedJobs, sweepJobs, unfinishedJobs } from "./jobs/interrupted.ts";
import { prepareJob, serveJob } from "./jobs/provider.ts";
import { endOverdueReleases, keysHeld, serveRelease } from "./jobs/releasing.ts";
import { forgetOldResults } from "./jobs/retention.ts";
import { startJob } from "./jobs/start.ts";
import type { Stopping } from "./jobs/stopping.ts";
import { KeysetRenewal } from "./keyset-renewal.ts";
import type { Disk } from "./limits/disk.ts";
import type { NodeLimits } from "./limits/limits.ts";
import type { LimitUses } from "./limits/uses.ts";
import { REAL_MACHINERY } from "./machinery.ts";
import { type NodeOptions, type NodeParts, nodeParts, type Opened } from "./parts.ts";
import { SteadyClock } from "./policy/steady-clock.ts";
import { finishRotation, publishKeyset, rotateIdentity, rotateKeyset } from "./rotation.ts";
import type { Segments } from "./segments/segments.ts";
import { type ControlHandlers, inControlSession, serveControl } from "./session/control.ts";
import type { Peer } from "./session/peers.ts";
import { SUITES } from "./session/suites.ts";
import { Keyring } from "./store/keyring.ts";
import type { Store } from "./store/store.ts";
import type { TagCatalogue } from "./tags/catalogue.ts";
import { recordExport } from "./tags/exported.ts";
import type { OptOuts } from "./tags/opt-outs.ts";
import { PRODUCT_VERSION } from "./version.ts";

const UPKEEP_MS = 60_000;
/** For peers to be told that this node stops, after the deadline. */
const LAST_WORD_MS = 3_000;

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
  /** A file in the folder, and not on a server. */
  readonly isStoreEmbedded: boolean;
  readonly limits: NodeLimits;
  readonly limitUses: LimitUses;
  readonly disk: Disk;
  readonly stopping: Stopping;
  /** As the machine has it: the node's own never goes back. */
  readonly wallClock: Clock;
  readonly #parts: NodeParts;
  readonly #logger: Logger;
  readonly #keysetRenewal: KeysetRenewal;
  readonly #dial: (enrolled: Enrolled) => CoordinatorLink;
  #connected: Connected | undefined;
  #cancelUpkeep: () => void = () => undefined;

  private constructor(options: NodeOptions, opened: Opened) {
    const parts = nodeParts(options, opened);
    this.#parts = parts;
    this.#logger = options.logger;
    this.#dial = options.dial ?? dialCoordinator;
    this.ports = parts.ports;
    this.keyring = parts.keyring;
    this.store = parts.store;
    this.book = parts.book;
    this.databases = parts.databases;
    this.datasets = parts.datasets;
    this.segments = parts.segments;
    this.optOuts = parts.optOuts;
    this.catalogue = parts.catalogue;
    this.logbook = parts.logbook;
    this.forks = parts.forks;
    this.witness = parts.witness;
    this.sideNotes = parts.sideNotes;
    this.clock = parts.clock;
    this.folder = parts.folder;
    this.limits = parts.limits;
    this.limitUses = parts.limitUses;
    this.disk = parts.disk;
    this.wallClock = parts.wallClock;
    this.stopping = parts.stopping;
    this.#keysetRenewal = new KeysetRenewal({
      ...{ keyring: this.keyring, clock: this.wallClock, random: this.ports.random, logger: options.logger },
      isBusy: async () => (await unfinishedJobs(this.book)).length > 0,
      rotate: () => this.rotateKeys(),
    });
    this.isStoreEmbedded = options.store === undefined;
    this.exportFolder = join(parts.folder, "exports");
    this.feeds = new Feeds({
      ...{ party: this.keyring.party, store: this.store, ports: this.ports, databases: this.databases },
      logger: options.logger,
      requireInForce: (agreement) => this.connected.inForce.require(agreement),
      record: (tags) => recordExport(this, tags),
    });
  }

  static async open(given: NodeOptions): Promise<Node> {
    await given.ports.files.makeFolder(given.folder);
    const options = { ...given, ports: await unlock(given.ports, given.folder) };
    const { openStore, sessionCredentials } = { ...REAL_MACHINERY, ...options.machinery };
    const keyring = await Keyring.open(options.ports, options.folder, options.party, sessionCredentials);
    const place = { folder: options.folder, config: options.store, ports: options.ports };
    const store = await openStore(place, { owner: options.party, isServing: true });
    const evidence = join(options.folder, "evidence");
    await requireOwnStore({ files: options.ports.files, store, folder: evidence }).catch(async (error: unknown) => {
      await store.close();
      throw error;
    });
    const clock = await SteadyClock.open(options.ports.clock, store);
    const node = new Node(options, { keyring, store, clock });
    await options.ports.files.remove(node.exportFolder);
    await node.#suspectRestore();
    await node.#finishRotation();
    await settleInterruptedJobs(node.#parts);
    await sweepJobs(node.#parts);
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

  /** Enrols, connects, and confirms the peer whose fingerprint came with the invite. A node whose certificate has expired or is
   * refused, or whose coordinator has a new CA, enrols again as the same party. Throws ALREADY_EXISTS when nothing is amiss. */
  async enrol(code: string): Promise<void> {
    const before = this.#connected?.renewal.enrolled;
    if (before !== undefined) await this.#requireReason(code);
    const { enrolled, inviter } = await enrol(this.ports.files, this.folder, { keyring: this.keyring, before }, code);
    if (this.#connected === undefined) this.#connect(enrolled);
    else this.#connected.enrolAgain(enrolled);
    if (inviter !== undefined) await this.connected.peers.confirm(inviter.party, inviter.fingerprint);
  }

  /** Whether enrolling with this code would mend something. Throws INVITE_INVALID. */
  needsInvite(code: string): boolean {
    const enrolled = this.#connected?.renewal.enrolled;
    if (enrolled === undefined) return true;
    return needsInvite({ enrolled, code }, { nowMs: this.wallClock.nowMs(), refusal: this.connected.offline() });
  }

  /** Throws ALREADY_EXISTS. A keyset that ended while the node was off is followed by another, since no coordinator takes it. */
  async #requireReason(code: string): Promise<void> {
    const nowMs = this.wallClock.nowMs();
    if (!this.needsInvite(code)) throw new EntenteError("ALREADY_EXISTS", { detail: "this node is enrolled" });
    const keyset = this.keyring.verifiedKeysets.at(-1);
    if (keyset === undefined || Date.parse(keyset.validUntil) > nowMs) return;
    await this.keyring.prepareNext();
    await finishRotation(this);
  }

  /** Starts a job and lets it run. */
  async startJob(request: JobRequestInput, person: string): Promise<string> {
    using _place = await this.connected.gates.enterJob();
    const { job } = await startJob(this.connected, request, person);
    return job.jobId;
  }

  /** What a peer offers of datasets, asked in a control session. */
  async peerDatasets(party: string) {
    const { peers, meetings } = this.connected;
    return inControlSession(meetings, await peers.require(party), (client) => client.describe());
  }

  /** Days until what this node shows to others ends. */
  validity(): Validity {
    const nowMs = this.wallClock.nowMs();
    return daysLeft(
      { enrolled: this.#connected?.renewal.enrolled, keyset: this.keyring.verifiedKeysets.at(-1) },
      nowMs,
    );
  }

  /** Where peers may connect to it beside the relay; null: nowhere. */
  get directAddress(): string | null {
    const address = this.#parts.direct?.address;
    return address === undefined ? null : formatEndpoint(address);
  }

  /** When the keyset is renewed by itself: then, or in the first minute without jobs after. Wall clock. */
  get keysetDueMs(): number | undefined {
    return this.#keysetRenewal.dueMs;
  }

  /** What this node tells peers of itself. */
  software(): Software {
    return { version: PRODUCT_VERSION, suites: SUITES, at: new Date(this.wallClock.nowMs()).toISOString() };
  }

  /** All that a peer is told of what is here. */
  async #describe(peer: string): Promise<DatasetDescriptor[]> {
    const published = await this.segments.publishedTo(peer);
    return (await this.datasets.describe()).map((described) => ({
      ...described,
      segments: published
        .filter(({ dataset }) => dataset === described.name)
        .map(({ name, version, description }) => ({ name, version, description })),
    }));
  }

  /**
   * Takes no new work, and resolves when no job session is open: each is ended after the partition at hand, or as it stands at the
   * deadline, and the peer told that it is to try again. No job ends by it.
   */
  async park(deadlineMs: number): Promise<void> {
    this.stopping.request();
    this.#cancelUpkeep();
    if (this.#connected === undefined) return;
    const { channels, closeInbox } = this.#connected;
    const { timers } = this.ports;
    closeInbox();
    await channels.untilNone(deadlineMs, timers);
    channels.failAll(new EntenteError("NODE_STOPPING"));
    await channels.untilNone(LAST_WORD_MS, timers);
  }

  async close(): Promise<void> {
    this.stopping.request();
    this.#cancelUpkeep();
    this.#connected?.disconnect();
    await this.store.close();
  }

  #connect(enrolled: Enrolled): void {
    const connected = connect(this.#parts, enrolled, this.#dial(enrolled), {
      onWake: (wake) => void this.#onWake(wake),
      onReached: () => this.#greet(),
      onOpen: async (collaboration) => {
        await this.#finishRotation();
        await settleInterruptedJobs(this.#parts, collaboration);
        void this.#resumeJobs(collaboration);
      },
    });
    this.#connected = connected;
    this.#keepUp(connected);
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
      void deps.renewal.keepUp();
      void this.#keysetRenewal.keepUp();
      this.clock
        .keep()
        .then(() => endOverdue(deps))
        .then(() => endOverdueReleases(deps))
        .then(() => forgetOldResults(deps))
        .then(() => this.store.expireTags(this.logbook.now()))
        .then(() => void this.feeds.keepUp())
        .catch((err: unknown) => this.#logger.error({ err }, "upkeep failed"));
    });
  }

  async #onWake(wake: Wake): Promise<void> {
    const deps = this.connected;
    try {
      if (wake.resumes !== undefined) return await deps.meetings.goOn(wake);
      if (this.stopping.isRequested) return await hangUp(deps, wake);
      const peer = await deps.peers.require(wake.from).catch(async (error: unknown) => {
        await hangUp(deps, wake);
        throw error;
      });
      if (wake.purpose.kind === "job") await serveJob(deps, peer, { relayId: wake.relayId, ...wake.purpose });
      else if (wake.purpose.kind === "release") {
        using _place = deps.gates.sessions.enter(peer.party);
        await serveRelease(deps, peer, { relayId: wake.relayId, ...wake.purpose });
      } else await this.#serveControl(deps, peer, wake);
    } catch (error) {
      const { code, detail } = toEntenteError(error);
      deps.logger.warn(
        { peer: wake.from, kind: wake.purpose.kind, code, detail, err: code === "INTERNAL" ? error : undefined },
        "session ended",
      );
    }
  }

  /** A peer with too many sessions is told so; when too many have to be told, the next only sees the connection end. */
  async #serveControl(deps: Connected, peer: Peer, wake: Wake): Promise<void> {
    const { sessions, refusals } = deps.gates;
    using place = sessions.tryEnter(peer.party);
    if (place !== undefined) {
      const channel = await deps.meetings.acceptControl(wake.relayId, peer);
      return serveControl(channel, peer, this.#controlHandlers(deps));
    }
    using telling = refusals.tryEnter(peer.party);
    if (telling === undefined) return hangUp(deps, wake);
    const channel = await deps.meetings.acceptControl(wake.relayId, peer);
    await channel.fail(deps.gates.tooManySessions());
  }

  #controlHandlers(deps: Connected): ControlHandlers {
    return {
      asked: ({ party }) => deps.gates.asked(party),
      describe: ({ party }) => this.#describe(party),
      software: () => this.software(),
      agreement: (peer, offered) => deps.agreements.receive(peer, offered),
      job: (peer, spec) => answerOffer(deps, peer, spec),
      prepare: (peer, request) => prepareJob(deps, peer, request),
      revocation: (peer, notice) => deps.revocations.receive(peer, notice),
      inForce: (peer, agreement) => deps.inForce.statement(peer, agreement),
      witness: (peer, collaboration, known) => deps.witnessing.answer(peer, collaboration, known),
      cosign: (peer, request) => deps.witnessing.accept(peer, request),
      keyset: (peer, next) => deps.peers.receive(peer, next),
      keysHeld: (peer, jobId) => keysHeld(deps, peer, jobId),
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
    if ((await unfinishedJobs(this.book)).length > 0)
      throw new EntenteError("OVERLOADED", { detail: "jobs have not ended" });
    await rotate(this.connected);
    return this.keyring.verifiedKeysets.at(-1) as Keyset;
  }

  async #resumeJobs(of?: CollaborationId): Promise<void> {
    await this.connected.revocations.resume();
    await resumeJobs(this.connected, of);
  }
}

/** Meets the peer and leaves, so that it is told at once and not after a time-out. */
async function hangUp({ link }: Connected, { relayId }: Wake): Promise<void> {
  (await link.connectRelay(relayId)).destroy();
}
