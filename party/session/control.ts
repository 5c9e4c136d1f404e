/**
 * The control session: short questions of the end that opened it, one at a time. Descriptors, agreements and job specs
 * travel only here, so the coordinator never sees them.
 */
import type { KeysetRecord } from "../../proto/agreement/keyset-history.ts";
import type {
  DatasetDescriptor,
  KeysHeld,
  SessionMessage,
  Software,
  WireLogOffer,
  WirePrepareRequest,
  WirePrepareResponse,
  WitnessState,
} from "../../proto/codec/session-messages.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { CollaborationId, Digest, JobId } from "../../proto/ids.ts";
import type { Channel } from "./channel.ts";
import type { Meetings } from "./meetings.ts";
import type { Peer } from "./peers.ts";

const ANSWER_TIMEOUT_MS = 30_000;
/** To prepare means reading the whole dataset, and so does to decide on a job over a segment of it. */
const PREPARE_TIMEOUT_MS = 600_000;
const IDLE_TIMEOUT_MS = 600_000;

/** What a witness answers about the asking end's log, and the checkpoint of its own. */
export interface WitnessAnswer {
  readonly knownNote: Uint8Array | undefined;
  readonly offer: WireLogOffer;
}

export interface CosignRequest {
  readonly collaboration: CollaborationId;
  /** The asking end's cosignature of the other's checkpoint. */
  readonly line: string;
  readonly cosigned: WitnessState;
  readonly offer: WireLogOffer;
}

/** What this node answers a confirmed peer. A thrown error reaches the peer as its code. */
export interface ControlHandlers {
  /** Before every question but a revocation: throws when the peer asks too often. */
  asked(peer: Peer): void;
  describe(peer: Peer): Promise<readonly DatasetDescriptor[]>;
  software(): Software;
  agreement(peer: Peer, offered: Envelope): Promise<Envelope | undefined>;
  job(peer: Peer, spec: Envelope): Promise<Envelope>;
  prepare(peer: Peer, request: WirePrepareRequest): Promise<WirePrepareResponse>;
  revocation(peer: Peer, notice: Envelope): Promise<void>;
  /** This node's statement that an agreement is in force; undefined when it is not. */
  inForce(peer: Peer, agreement: Digest): Promise<Envelope | undefined>;
  /** What this node has cosigned of the peer's log, and its own checkpoint to cosign. */
  witness(peer: Peer, collaboration: CollaborationId, known: WitnessState): Promise<WitnessAnswer>;
  /** The peer's cosignature, and its checkpoint to cosign; the answer is a note's signature line. */
  cosign(peer: Peer, request: CosignRequest): Promise<string>;
  /** The keyset that the peer will use next. */
  keyset(peer: Peer, next: KeysetRecord): Promise<void>;
  /** The peer has decided on a job of this node that it had left pending. */
  jobDecided(peer: Peer, job: JobId): Promise<void>;
  /** The peer has released the keys of this node's job, and did not hear that they arrived. */
  keysHeld(peer: Peer, job: JobId): Promise<KeysHeld>;
}

/** The asking end. Every method throws the code that the peer's node answered with. */
export class ControlClient {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async describe(): Promise<readonly DatasetDescriptor[]> {
    await this.#channel.say({ kind: "describeRequest" });
    return (await this.#channel.hear(ANSWER_TIMEOUT_MS, "describeResponse")).datasets;
  }

  /** What the peer's node runs, and its clock. */
  async software(): Promise<Software> {
    await this.#channel.say({ kind: "describeRequest" });
    return (await this.#channel.hear(ANSWER_TIMEOUT_MS, "describeResponse")).software;
  }

  async agreement(envelope: Envelope): Promise<Envelope | undefined> {
    await this.#channel.say({ kind: "agreementOffer", envelope });
    return (await this.#channel.hear(ANSWER_TIMEOUT_MS, "agreementReply")).envelope;
  }

  async job(specEnvelope: Envelope): Promise<Envelope> {
    await this.#channel.say({ kind: "jobOffer", specEnvelope });
    return (await this.#channel.hear(PREPARE_TIMEOUT_MS, "jobReply")).answerEnvelope;
  }

  async prepare(request: WirePrepareRequest): Promise<WirePrepareResponse> {
    await this.#channel.say({ kind: "prepareRequest", ...request });
    return this.#channel.hear(PREPARE_TIMEOUT_MS, "prepareResponse");
  }

  /** Resolves when the peer's node has stopped everything under the agreement. */
  async revocation(envelope: Envelope): Promise<void> {
    await this.#channel.say({ kind: "revocationNotice", envelope });
    await this.#channel.hear(ANSWER_TIMEOUT_MS, "noted");
  }

  async inForce(agreement: Digest): Promise<Envelope | undefined> {
    await this.#channel.say({ kind: "inForceRequest", agreement });
    return (await this.#channel.hear(ANSWER_TIMEOUT_MS, "inForceReply")).envelope;
  }

  async jobDecided(jobId: JobId): Promise<void> {
    await this.#channel.say({ kind: "jobDecided", jobId });
    await this.#channel.hear(ANSWER_TIMEOUT_MS, "noted");
  }

  async keysHeld(jobId: JobId): Promise<KeysHeld> {
    await this.#channel.say({ kind: "keysHeldRequest", jobId });
    return this.#channel.hear(ANSWER_TIMEOUT_MS, "keysHeldReply");
  }

  async witness(collaboration: CollaborationId, known: WitnessState): Promise<WitnessAnswer> {
    await this.#channel.say({ kind: "witnessRequest", collaboration, known });
    return this.#channel.hear(ANSWER_TIMEOUT_MS, "witnessReply");
  }

  async cosign(request: CosignRequest): Promise<string> {
    await this.#channel.say({ kind: "cosignRequest", ...request });
    return (await this.#channel.hear(ANSWER_TIMEOUT_MS, "cosignature")).line;
  }

  async keyset({ keyset, succession }: KeysetRecord): Promise<void> {
    await this.#channel.say({ kind: "keysetNotice", envelope: keyset, succession });
    await this.#channel.hear(ANSWER_TIMEOUT_MS, "noted");
  }

  async close(): Promise<void> {
    await this.#channel.say({ kind: "goodbye" }).catch(() => {});
    this.#channel.close();
  }
}

/** One control session: opened, worked in, and closed whatever comes of it. Throws what opening it and `work` throw. */
export async function inControlSession<T>(
  meetings: Pick<Meetings, "openControl">,
  peer: Peer,
  work: (client: ControlClient) => Promise<T>,
): Promise<T> {
  const client = new ControlClient(await meetings.openControl(peer));
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** The answering end, until the peer says goodbye or something is wrong. */
export async function serveControl(channel: Channel, peer: Peer, handlers: ControlHandlers): Promise<void> {
  try {
    for (;;) {
      const question = await channel.hear(
        IDLE_TIMEOUT_MS,
        "describeRequest",
        "agreementOffer",
        "jobOffer",
        "prepareRequest",
        "revocationNotice",
        "inForceRequest",
        "jobDecided",
        "witnessRequest",
        "cosignRequest",
        "keysetNotice",
        "keysHeldRequest",
        "goodbye",
      );
      if (question.kind === "goodbye") break;
      if (question.kind !== "revocationNotice") handlers.asked(peer);
      await channel.say(await answer(question, peer, handlers));
    }
    channel.close();
  } catch (error) {
    await channel.fail(toEntenteError(error));
    throw error;
  }
}

type Question = Extract<
  SessionMessage,
  {
    kind:
      | "describeRequest"
      | "agreementOffer"
      | "jobOffer"
      | "prepareRequest"
      | "revocationNotice"
      | "inForceRequest"
      | "jobDecided"
      | "witnessRequest"
      | "cosignRequest"
      | "keysetNotice"
      | "keysHeldRequest";
  }
>;

async function answer(question: Question, peer: Peer, handlers: ControlHandlers): Promise<SessionMessage> {
  switch (question.kind) {
    case "describeRequest":
      return { kind: "describeResponse", datasets: await handlers.describe(peer), software: handlers.software() };
    case "agreementOffer":
      return { kind: "agreementReply", envelope: await handlers.agreement(peer, question.envelope) };
    case "jobOffer":
      return { kind: "jobReply", answerEnvelope: await handlers.job(peer, question.specEnvelope) };
    case "prepareRequest":
      return { kind: "prepareResponse", ...(await handlers.prepare(peer, question)) };
    case "revocationNotice":
      await handlers.revocation(peer, question.envelope);
      return { kind: "noted" };
    case "inForceRequest":
      return { kind: "inForceReply", envelope: await handlers.inForce(peer, question.agreement) };
    case "witnessRequest":
      return { kind: "witnessReply", ...(await handlers.witness(peer, question.collaboration, question.known)) };
    case "cosignRequest":
      return { kind: "cosignature", line: await handlers.cosign(peer, question) };
    case "keysetNotice":
      await handlers.keyset(peer, { keyset: question.envelope, succession: question.succession });
      return { kind: "noted" };
    case "keysHeldRequest":
      return { kind: "keysHeldReply", ...(await handlers.keysHeld(peer, question.jobId)) };
    case "jobDecided":
      await handlers.jobDecided(peer, question.jobId);
      return { kind: "noted" };
  }
}
