/** Streams that outlive a call's check of the certificate: each is ended within seconds of a revocation. */
import { EntenteError } from "../proto/errors.ts";
import type { Caller } from "./caller.ts";
import { type Limits, refusal } from "./limits.ts";

export interface OpenStream {
  readonly caller: Caller;
  /** Ends the stream with this error; nothing happens when it has ended. */
  end(error: EntenteError): void;
}

export class OpenStreams {
  readonly #streams = new Set<OpenStream>();
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Throws OVERLOADED when the party has as many as it may. */
  add(stream: OpenStream): void {
    let own = 0;
    for (const { caller } of this.#streams) if (caller.party === stream.caller.party) own++;
    if (own >= this.#limits.streamsPerParty) throw refusal(this.#limits, "streamsPerParty");
    this.#streams.add(stream);
  }

  remove(stream: OpenStream): void {
    this.#streams.delete(stream);
  }

  endAll(error: EntenteError): void {
    for (const stream of [...this.#streams]) stream.end(error);
  }

  /** `isGood` answers whether a certificate still holds, asked once for all streams that were opened with it; a failure to answer ends
   * nothing. */
  async sweep(isGood: (fingerprint: string) => Promise<boolean>): Promise<void> {
    for (const [fingerprint, streams] of Map.groupBy(this.#streams, ({ caller }) => caller.fingerprint)) {
      if (await isGood(fingerprint)) continue;
      for (const stream of streams) stream.end(new EntenteError("CERTIFICATE_REFUSED"));
    }
  }
}
