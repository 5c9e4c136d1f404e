/**
 * The control session: short questions of the end that opened it, one at a time. Descriptors, agreements and job specs
 * travel only here, so the coordinator never sees them.
 */
import type {
  DatasetDescriptor,
  SessionMessage,
  WirePrepareRequest,
  WirePrepareResponse,
} from "../../proto/codec/session.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Channel } from "./channel.ts";
import type { Peer } from "./peers.ts";

const ANSWER_TIMEOUT_MS = 30_000;
/** To prepare means reading the whole dataset. */
const PREPARE_TIMEOUT_MS = 600_000;
const IDLE_TIMEOUT_MS = 600_000;

/** What this node answers a confirmed peer. A thrown error reaches the peer as its code. */
export interface ControlHandlers {
  describe(peer: Peer): Promise<readonly DatasetDescriptor[]>;
  agreement(peer: Peer, offered: Envelope): Promise<Envelope | undefined>;
  job(peer: Peer, spec: Envelope): Promise<Envelope>;
  prepare(peer: Peer, request: WirePrepareRequest): Promise<WirePrepareResponse>;
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

  async agreement(envelope: Envelope): Promise<Envelope | undefined> {
    await this.#channel.say({ kind: "agreementOffer", envelope });
    return (await this.#channel.hear(ANSWER_TIMEOUT_MS, "agreementReply")).envelope;
  }

  async job(specEnvelope: Envelope): Promise<Envelope> {
    await this.#channel.say({ kind: "jobOffer", specEnvelope });
    return (await this.#channel.hear(ANSWER_TIMEOUT_MS, "jobReply")).answerEnvelope;
  }

  async prepare(request: WirePrepareRequest): Promise<WirePrepareResponse> {
    await this.#channel.say({ kind: "prepareRequest", ...request });
    return this.#channel.hear(PREPARE_TIMEOUT_MS, "prepareResponse");
  }

  async close(): Promise<void> {
    await this.#channel.say({ kind: "goodbye" }).catch(() => {});
    this.#channel.close();
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
        "goodbye",
      );
      if (question.kind === "goodbye") break;
      await channel.say(await answer(question, peer, handlers));
    }
    channel.close();
  } catch (error) {
    await channel.fail(toEntenteError(error));
    throw error;
  }
}

type Question = Extract<SessionMessage, { kind: "describeRequest" | "agreementOffer" | "jobOffer" | "prepareRequest" }>;

async function answer(question: Question, peer: Peer, handlers: ControlHandlers): Promise<SessionMessage> {
  switch (question.kind) {
    case "describeRequest":
      return { kind: "describeResponse", datasets: await handlers.describe(peer) };
    case "agreementOffer":
      return { kind: "agreementReply", envelope: await handlers.agreement(peer, question.envelope) };
    case "jobOffer":
      return { kind: "jobReply", answerEnvelope: await handlers.job(peer, question.specEnvelope) };
    case "prepareRequest":
      return { kind: "prepareResponse", ...(await handlers.prepare(peer, question)) };
  }
}
