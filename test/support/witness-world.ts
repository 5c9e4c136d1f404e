/** Two nodes' evidence, with a session between them in memory and a coordinator's log: for what they tell each other. */
import { pino } from "pino";
import { Forks } from "../../party/evidence/forks.ts";
import { beginGeneration } from "../../party/evidence/generation.ts";
import { Logbook, type LogSigners } from "../../party/evidence/logbook.ts";
import { suspected } from "../../party/evidence/standing.ts";
import { Witness } from "../../party/evidence/witness.ts";
import { Witnessing, type WitnessingOptions } from "../../party/evidence/witnessing.ts";
import type { Channel } from "../../party/session/channel.ts";
import { type ControlHandlers, serveControl } from "../../party/session/control.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { Store } from "../../party/store/store.ts";
import { mergeSignatures, signAgreement } from "../../proto/agreement/agreement.ts";
import type { SessionMessage } from "../../proto/codec/session-messages.ts";
import { fromUtf8 } from "../../proto/encoding/bytes.ts";
import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { encodeNote } from "../../proto/evidence/note.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import { partyId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { Files } from "../../proto/ports/ports.ts";
import { channelPair, type SessionParty, sessionParty } from "./channel-pair.ts";
import { makeIdentity } from "./coordinator.ts";
import { ABOUT_JOB, AGREEMENT, BANK, JOB, PARTNER } from "./evidence-world.ts";
import { MemoryFiles } from "./memory-files.ts";

export const { collaboration } = AGREEMENT;

export interface Disk {
  readonly files: Files;
  readonly store: Store;
  /** Absolute. */
  readonly folder: string;
}

export class WitnessNode {
  readonly party: SessionParty;
  readonly logbook: Logbook;
  readonly forks: Forks;
  readonly witness: Witness;
  readonly witnessing: Witnessing;
  readonly disk: Disk;
  readonly opened: string[] = [];

  constructor(party: SessionParty, disk: Disk, world: WitnessWorld) {
    const { files, store, folder } = disk;
    const ports = { ...nodePorts, files, clock: world.clock };
    const signers: LogSigners = {
      party: party.name,
      identity: party.identity,
      keys: party.keys,
      earlierLogKeys: [],
    };
    this.party = party;
    this.disk = disk;
    this.logbook = new Logbook({ ports, folder: `${folder}/evidence`, signers, store });
    this.forks = new Forks({ files, folder: `${folder}/forks` });
    const { logbook, forks } = this;
    this.witness = new Witness({ store, clock: world.clock, signers: party, logbook, forks });
    this.witnessing = new Witnessing({
      ...{ signers, store, logbook, witness: this.witness, forks, clock: world.clock },
      ...world.surroundings(this),
      isBusy: async () => world.isBusy,
      onOpen: async (opened) => void this.opened.push(opened),
    });
  }

  /** One more entry. */
  async note(at = this.logbook.now()): Promise<void> {
    await this.logbook.record(collaboration, "failed", ABOUT_JOB, failure(at));
  }

  handlers(): ControlHandlers {
    const { witnessing } = this;
    const none = async () => {
      throw new EntenteError("INTERNAL", { detail: "not in this test" });
    };
    return {
      ...{ describe: none, agreement: none, job: none, prepare: none, revocation: none, inForce: none, keyset: none },
      ...{ keysHeld: none, jobDecided: none },
      asked: () => {},
      software: () => ({ version: "0", suites: [], at: new Date(0).toISOString() }),
      witness: (peer, of, known) => witnessing.answer(peer, of, known),
      cosign: (peer, request) => witnessing.accept(peer, request),
    };
  }
}

function failure(at: string) {
  return { jobId: JOB.jobId, attempt: null, code: "INTERNAL", at };
}

/** An entry as `WitnessNode.note` writes it. */
export function noteEntry(party: SessionParty, at: string): Uint8Array {
  return statementEntry("failed", ABOUT_JOB, failure(at), party.keys.jobs);
}

export class WitnessWorld {
  readonly bank: SessionParty;
  readonly partner: SessionParty;
  readonly coordinator = makeIdentity("coordinator");
  readonly coordinatorLog: EvidenceLog;
  readonly clock = { nowMs: () => this.nowMs, monotonicMs: () => this.nowMs };
  nowMs = Date.parse("2026-06-01T00:00:00.000Z");
  isBusy = false;
  isPeerAway = false;
  /** What is said in a session instead. */
  says: (message: SessionMessage) => SessionMessage = (message) => message;
  readonly #open: Channel[] = [];
  readonly #nodes = new Map<string, WitnessNode>();

  private constructor(bank: SessionParty, partner: SessionParty, coordinatorLog: (world: WitnessWorld) => EvidenceLog) {
    this.bank = bank;
    this.partner = partner;
    this.coordinatorLog = coordinatorLog(this);
  }

  static async make(): Promise<WitnessWorld> {
    const identity = makeIdentity("coordinator");
    const origin = `coordinator/${collaboration}/2026`;
    const files = new MemoryFiles();
    const log = await EvidenceLog.open({ files, folder: "/hub", origin, key: identity.keys.log });
    const world = new WitnessWorld(await sessionParty("bank"), await sessionParty("partner"), () => log);
    Object.assign(world.coordinator, identity);
    return world;
  }

  /** As a process that starts: what it finds may be a backup. */
  async start(party: SessionParty, disk: Disk = memoryDisk()): Promise<WitnessNode> {
    const { files, store, folder } = disk;
    const envelope = mergeSignatures(
      signAgreement(AGREEMENT, BANK.keys.identity),
      signAgreement(AGREEMENT, PARTNER.keys.identity),
    );
    const text = fromUtf8(encodeEnvelope(envelope));
    await store.putAgreement({ digest: AGREEMENT.digest, collaboration, envelope: text, receivedAt: "" });
    const place = { files, store, random: nodePorts.random, folder: `${folder}/evidence` };
    const found = await beginGeneration(place);
    const node = new WitnessNode(party, disk, this);
    const peer = party === this.bank ? this.partner : this.bank;
    if (found === "restored") await node.logbook.standings.change(collaboration, (now) => suspected(now, [peer.name]));
    this.#nodes.set(party.name, node);
    return node;
  }

  surroundings(node: WitnessNode): Pick<WitnessingOptions, "peers" | "meetings" | "link" | "enrolled" | "logger"> {
    const other = () => (node.party === this.bank ? this.partner : this.bank);
    const peers = { require: async () => other().peer } as unknown as WitnessingOptions["peers"];
    const meetings = { openControl: () => this.openControl(node.party) } as unknown as WitnessingOptions["meetings"];
    const log = () => this.coordinatorLog;
    const link = {
      fetchCheckpoint: async ({ oldSize }: { oldSize: number }) => ({
        note: encodeNote(log().checkpointNote()),
        proof: oldSize === 0 || oldSize >= log().size ? [] : log().consistencyProof(oldSize, log().size),
      }),
      submitCosignature: async ({ size, line }: { size: number; line: string }) =>
        void (await log().addCosignature(line, { size, cosigner: node.party.keys.cosigner })),
    } as unknown as WitnessingOptions["link"];
    const { identity, keyset } = this.coordinator;
    const enrolled = {
      coordinator: partyId("coordinator"),
      coordinatorIdentity: identity.publicKey,
      coordinatorKeyset: keyset,
    };
    return { peers, meetings, link, enrolled, logger: pino({ level: "silent" }) };
  }

  /** A control session with the other node, as `asker` opens it. */
  async openControl(asker: SessionParty): Promise<Channel> {
    if (this.isPeerAway) throw new EntenteError("PEER_TIMEOUT");
    const other = asker === this.bank ? this.partner : this.bank;
    const node = this.#nodes.get(other.name) as WitnessNode;
    const [left, right] = await channelPair(other, asker, { purpose: { kind: "control" } });
    this.#open.push(left, right);
    for (const channel of [left, right]) {
      const say = channel.say.bind(channel);
      channel.say = (message) => say(this.says(message));
    }
    serveControl(left, asker.peer, node.handlers()).catch(() => undefined);
    return right;
  }

  close(): void {
    for (const channel of this.#open.splice(0)) channel.close();
  }
}

export function memoryDisk(): Disk & { readonly files: MemoryFiles } {
  return { files: new MemoryFiles(), store: openSqliteStore(":memory:"), folder: "/node" };
}
