/** The open inbox streams, one per party. */
import type { Wake } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";
import { type Limits, refusal } from "../limits.ts";

export interface InboxStream {
  /** Wakes that wait for the network. */
  readonly unsent: number;
  send(wake: Wake): void;
  end(error: EntenteError): void;
}

export class Inboxes {
  /** Of this process: wakes are numbered within it. */
  readonly run: string;
  readonly #byParty = new Map<PartyId, InboxStream>();
  readonly #limits: Limits;

  /** `run`: 16 hex digits that no other process of this coordinator has. */
  constructor(run: string, limits: Limits) {
    this.run = run;
    this.#limits = limits;
  }

  /** The newer of two inboxes of one party wins: the older connection may be dead and not know it. */
  open(party: PartyId, stream: InboxStream): void {
    const older = this.#byParty.get(party);
    this.#byParty.set(party, stream);
    older?.end(new EntenteError("ALREADY_EXISTS", { detail: "a newer inbox of this party" }));
  }

  close(party: PartyId, stream: InboxStream): void {
    if (this.#byParty.get(party) === stream) this.#byParty.delete(party);
  }

  get size(): number {
    return this.#byParty.size;
  }

  isOpen(party: PartyId): boolean {
    return this.#byParty.has(party);
  }

  /** Throws PEER_GONE when the party has no inbox open, OVERLOADED when it does not read the one it has. */
  wake(party: PartyId, wake: Wake): void {
    const stream = this.#byParty.get(party);
    if (stream === undefined) throw new EntenteError("PEER_GONE", { detail: "no open inbox" });
    if (stream.unsent >= this.#limits.wakesPerInbox) throw refusal(this.#limits, "wakesPerInbox");
    stream.send(wake);
  }
}
