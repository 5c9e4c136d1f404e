/**
 * Leases: what a party may still do under an agreement when it cannot reach the other. Each node says, signed, that an
 * agreement is in force as far as it knows; the other's word holds for 24 hours. So a revocation that somebody keeps from
 * a node stops that node within a day.
 */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import { LEASE_MS, readInForce, signInForce } from "../../proto/agreement/revocation.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import type { SigningKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";
import type { Peer } from "../session/peers.ts";
import type { SteadyClock } from "./steady-clock.ts";

/** How far the two nodes' clocks may be apart. */
const CLOCK_SKEW_MS = 600_000;

export interface LeasesOptions {
  readonly clock: SteadyClock;
  readonly party: PartyId;
  /** This node's as they are at the moment; its keyring. */
  readonly signers: { readonly keys: { readonly jobs: SigningKey } };
}

export class Leases {
  readonly #options: LeasesOptions;
  /** In memory only: after a restart the peer is asked again, whatever the machine's clock said in between. */
  readonly #heardMs = new Map<string, number>();

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /** This node's word, now. The caller has made sure that it is true. */
  statement({ digest }: Pick<Agreement, "digest">): Envelope {
    const { party, clock, signers } = this.#options;
    return signInForce({ agreement: digest, by: party, at: clock.now() }, signers.keys.jobs);
  }

  /** The peer's word. Throws SIGNATURE_INVALID, or SESSION_MISMATCH when it is of another agreement, or of a time far from now. */
  async accept({ digest }: Pick<Agreement, "digest">, peer: Peer, statement: Envelope): Promise<void> {
    const { clock } = this.#options;
    const { at } = readInForce(statement, peer.key("jobs"), { agreement: digest, by: peer.party });
    const nowMs = await clock.keep();
    if (Math.abs(Date.parse(at) - nowMs) > CLOCK_SKEW_MS)
      throw new EntenteError("SESSION_MISMATCH", { detail: "time of the statement that the agreement is in force" });
    this.#heardMs.set(digest, nowMs);
  }

  /** Throws AGREEMENT_NOT_IN_FORCE when the peer's last word is older than a day, or there is none. */
  require(digest: string): void {
    const heardMs = this.#heardMs.get(digest);
    if (heardMs === undefined || this.#options.clock.nowMs() - heardMs > LEASE_MS)
      throw new EntenteError("AGREEMENT_NOT_IN_FORCE");
  }
}
