/** A party with true keys and an honest node whose frames are changed on their way out: what a peer can do that keeps to nothing. */
import { Channel, type ChannelOptions, type SessionPurpose } from "../../party/session/channel.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { EntenteError } from "../../proto/errors.ts";

/** A frame that a node is about to send, after the hello. */
export interface Said {
  /** Name of the party. */
  readonly by: string;
  readonly session: SessionPurpose["kind"];
  readonly frame: Frame;
  /** How many of that type it has sent in this session before. */
  readonly before: number;
}

/** Frames that are sent instead; nothing from here on, with the connection open; the connection closed. Undefined: as it is. */
export type Meddling = (said: Said) => readonly Frame[] | "silence" | "end" | undefined;

interface Session {
  readonly by: string;
  readonly kind: SessionPurpose["kind"];
  readonly counts: Map<number, number>;
  isSilent: boolean;
}

export class Meddler {
  /** Of every node in this process. */
  meddling: Meddling | undefined;
  /** Whether it has changed anything since it was set. */
  hasMeddled = false;
  /** Whether somebody may have to wait until a deadline now. */
  hasStalled = false;
  /** Frames that were sent or should have been, of all sessions: tells whether anything moves. */
  sent = 0;
  readonly #sessions = new WeakMap<Channel, Session>();
  readonly #restore: () => void;

  constructor() {
    const [open, send] = [Channel.open, Channel.prototype.send];
    const noted = (options: ChannelOptions, channel: Channel) => {
      const [by = ""] = options.own.jobsKey.keyId.split("/");
      this.#sessions.set(channel, { by, kind: options.purpose.kind, counts: new Map(), isSilent: false });
      return channel;
    };
    Channel.open = async (options) => noted(options, await open.call(Channel, options));
    const meddled = (channel: Channel, frame: Frame) => this.#send(channel, frame, send);
    Channel.prototype.send = function (this: Channel, frame) {
      return meddled(this, frame);
    };
    this.#restore = () => {
      Channel.open = open;
      Channel.prototype.send = send;
    };
  }

  set(meddling: Meddling | undefined): void {
    this.meddling = meddling;
    this.hasMeddled = false;
    this.hasStalled = false;
  }

  restore(): void {
    this.#restore();
  }

  async #send(channel: Channel, frame: Frame, send: Channel["send"]): Promise<void> {
    this.sent++;
    const session = this.#sessions.get(channel);
    if (session === undefined) return send.call(channel, frame);
    if (session.isSilent) return;
    const before = session.counts.get(frame.type) ?? 0;
    session.counts.set(frame.type, before + 1);
    const instead = this.meddling?.({ by: session.by, session: session.kind, frame, before });
    if (instead === undefined) return send.call(channel, frame);
    this.hasMeddled = true;
    if (instead === "silence") {
      session.isSilent = true;
      this.hasStalled = true;
    } else if (instead === "end") {
      channel.close();
      throw new EntenteError("PEER_GONE");
    } else for (const one of instead) await send.call(channel, one);
  }
}
