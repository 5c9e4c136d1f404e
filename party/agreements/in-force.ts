/** Whether an agreement still holds, by the other party's own word: asked for again when the last one is older than a day. */
import { otherParty } from "../../proto/agreement/agreement.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import type { Leases } from "../policy/leases.ts";
import type { SteadyClock } from "../policy/steady-clock.ts";
import { inControlSession } from "../session/control.ts";
import type { Meetings } from "../session/meetings.ts";
import type { Peer, Peers } from "../session/peers.ts";
import type { Agreements } from "./agreements.ts";

export interface InForceOptions {
  readonly own: string;
  readonly agreements: Agreements;
  readonly leases: Leases;
  readonly peers: Peers;
  readonly meetings: Meetings;
  readonly clock: SteadyClock;
}

export class InForce {
  readonly #options: InForceOptions;

  constructor(options: InForceOptions) {
    this.#options = options;
  }

  /** Throws AGREEMENT_REVOKED, AGREEMENT_EXPIRED, or AGREEMENT_NOT_IN_FORCE when the peer does not say so. */
  async require(digest: string): Promise<void> {
    const { own, agreements, leases, peers, meetings } = this.#options;
    const { agreement } = await agreements.require(digest);
    if ((await agreements.stateOf(digest)) === "revoked") throw new EntenteError("AGREEMENT_REVOKED");
    try {
      return leases.require(digest);
    } catch {
      // The last word is too old.
    }
    const peer = await peers.require(otherParty(agreement.document, own).name);
    let statement: Envelope | undefined;
    try {
      statement = await inControlSession(meetings, peer, (client) => client.inForce(agreement.digest));
    } catch (cause) {
      throw new EntenteError("AGREEMENT_NOT_IN_FORCE", { cause });
    }
    if (statement === undefined) throw new EntenteError("AGREEMENT_NOT_IN_FORCE");
    await leases.accept(agreement, peer, statement);
  }

  /** What this node tells a peer that asks. Undefined when the agreement is over, or not with that peer. */
  async statement(peer: Peer, digest: Digest): Promise<Envelope | undefined> {
    const { own, agreements, leases, clock } = this.#options;
    const { agreement } = await agreements.require(digest);
    const isTheirs = otherParty(agreement.document, own).name === peer.party;
    const isOver = (await agreements.stateOf(digest)) === "revoked" || clock.now() >= agreement.document.validUntil;
    return isTheirs && !isOver ? leases.statement(agreement) : undefined;
  }
}
