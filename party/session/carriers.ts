/** The carriers of this node's sessions: each begun at a meeting, and gone on with at another when its stream breaks. */
import { createHmac } from "node:crypto";
import type { Duplex } from "node:stream";
import type { SessionRequest, Wake } from "../../proto/codec/coordinator.ts";
import type { Endpoint } from "../../proto/codec/endpoint.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { PartyId, RelayId } from "../../proto/ids.ts";
import type { Ports, Timers } from "../../proto/ports/ports.ts";
import { BackOff } from "../back-off.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import { Carrier, PASSING } from "./carrier.ts";
import { CarrierStream } from "./carrier-stream.ts";
import type { Direct } from "./direct.ts";

/** For the peer to come to the relay; a coordinator that never pairs must not hold a job. */
const MEETING_TIMEOUT_MS = 90_000;
const MAX_DIALS = 4;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 1_000;

/** Throws PEER_TIMEOUT; a stream that comes later is destroyed. */
export function withDeadline(connecting: Promise<Duplex>, timers: Timers): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const cancel = timers.after(MEETING_TIMEOUT_MS, () => {
      isLate = true;
      reject(new EntenteError("PEER_TIMEOUT", { detail: "the relay" }));
    });
    connecting.then(
      (stream) => {
        cancel();
        if (isLate) stream.destroy();
        else resolve(stream);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

export interface CarriersOptions extends Pick<Ports, "timers" | "random"> {
  readonly link: Pick<CoordinatorLink, "requestSession" | "connectRelay">;
  /** Everything through the relay without it. */
  readonly direct?: Direct | undefined;
}

interface Answered {
  readonly peer: PartyId;
  readonly carrier: Carrier;
}

export class Carriers {
  readonly #options: CarriersOptions;
  /** Those that peers opened, by their first meeting: a peer may ask to go on. */
  readonly #answered = new Map<RelayId, Answered>();
  readonly #resuming = new Set<Carrier>();

  constructor(options: CarriersOptions) {
    this.#options = options;
  }

  /** Asks for a meeting with the peer. Throws what the coordinator answers, PEER_TIMEOUT when the peer does not come. */
  async open(request: SessionRequest): Promise<Carrier> {
    const { link, timers } = this.#options;
    const { relayId } = await link.requestSession(request);
    const stream = await withDeadline(link.connectRelay(relayId), timers);
    const onBroken = () => void this.#resume(carrier, { ...request, resumes: relayId });
    const carrier = new Carrier({ side: "opener", timers, onBroken });
    await carrier.attach(stream);
    return carrier;
  }

  /** Comes to a meeting that the peer asked for. */
  async accept(relayId: RelayId, peer: PartyId): Promise<Carrier> {
    const { link, timers } = this.#options;
    const stream = await withDeadline(link.connectRelay(relayId), timers);
    const carrier = new Carrier({ side: "answerer", timers, onBroken: () => undefined });
    this.#answered.set(relayId, { peer, carrier });
    carrier.once("close", () => this.#answered.delete(relayId));
    try {
      await carrier.attach(stream);
    } catch (error) {
      carrier.destroy();
      throw error;
    }
    return carrier;
  }

  /** A wake for a session that this node has, or had: a peer that asks for one that is gone is told so. */
  async goOn({ relayId, resumes, from }: Pick<Wake, "relayId" | "resumes" | "from">): Promise<void> {
    const { link, timers } = this.#options;
    const stream = await withDeadline(link.connectRelay(relayId), timers);
    const known = resumes === undefined ? undefined : this.#answered.get(resumes);
    if (known?.peer === from) return known.carrier.attach(stream);
    const unknown = new CarrierStream(stream, timers, { onFrame: () => undefined, onOver: () => undefined });
    unknown.send({ kind: "reset" });
    unknown.close();
  }

  /**
   * The session is secured: from now on its carrier outlives a stream. When the peer says where it takes direct connections
   * and this node may dial there, or the other way round, it goes on over one; when none comes about it stays at the relay.
   * When both take them, the opener dials.
   */
  secured(carrier: Carrier, secret: Uint8Array, peer: PartyId, address: Endpoint | undefined): void {
    carrier.allowResume(secret);
    const { direct } = this.#options;
    // One that its peer has ended already would be waited for as long as the node runs.
    if (direct === undefined || carrier.destroyed) return;
    const tag = new Uint8Array(createHmac("sha256", secret).update("entente direct/1").digest());
    // The relay goes on meanwhile, and after: what became of a direct stream need not be known here.
    const take = (stream: Duplex) => void carrier.attach(stream, "direct").catch(() => undefined);
    if (direct.address !== undefined) carrier.once("close", direct.expect(tag, take));
    const dials = address !== undefined && (carrier.side === "opener" || direct.address === undefined);
    if (dials && direct.mayDial(peer)) void this.#dial(direct, carrier, address, tag);
  }

  /** A few times: the peer may not have heard this node's hello yet, and knows no such session till then. Never rejects. */
  async #dial(direct: Direct, carrier: Carrier, address: Endpoint, tag: Uint8Array): Promise<void> {
    const { timers, random } = this.#options;
    const backOff = new BackOff({ random, firstMs: FIRST_PAUSE_MS, maxMs: MAX_PAUSE_MS });
    for (let tries = 1; tries <= MAX_DIALS && !carrier.destroyed; tries++) {
      try {
        await carrier.attach(await direct.dial(address, tag), "direct");
        return;
      } catch {
        await new Promise<void>((resolve) => timers.after(backOff.nextMs(), resolve));
      }
    }
  }

  /** Until it works, or the carrier has waited long enough and is destroyed. */
  async #resume(carrier: Carrier, request: SessionRequest): Promise<void> {
    if (this.#resuming.has(carrier)) return;
    this.#resuming.add(carrier);
    const { link, timers, random } = this.#options;
    const backOff = new BackOff({ random, firstMs: FIRST_PAUSE_MS, maxMs: MAX_PAUSE_MS });
    // A direct stream may have come in the meantime.
    while (carrier.isBroken) {
      try {
        const { relayId } = await link.requestSession(request);
        await carrier.attach(await withDeadline(link.connectRelay(relayId), timers));
      } catch (thrown) {
        const error = toEntenteError(thrown);
        if (!PASSING.includes(error.code)) carrier.destroy(error);
        else await new Promise<void>((resolve) => timers.after(backOff.nextMs(), resolve));
      }
    }
    this.#resuming.delete(carrier);
  }
}
