/**
 * Sign-ins that have begun. Each is in memory only, for ten minutes, and can be taken once: that is what makes a state that
 * was seen, or played back, worth nothing.
 */
import { EntenteError } from "../../proto/errors.ts";
import type { Gate, Place } from "../../proto/limits/gate.ts";
import type { Timers } from "../../proto/ports/ports.ts";

const LIFE_MS = 10 * 60_000;
const ALL = "all";

export interface Attempt {
  /** SHA-256 of the page's verifier, in base64url. */
  readonly challenge: string;
  /** Of this node's exchange with the service (RFC 7636). */
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly redirectUri: string;
}

export class Attempts {
  readonly #gate: Gate;
  readonly #timers: Timers;
  readonly #begun = new Map<string, Attempt & { readonly end: () => void }>();

  constructor(gate: Gate, timers: Timers) {
    this.#gate = gate;
    this.#timers = timers;
  }

  /** Throws OVERLOADED when too many have begun. */
  begin(state: string, attempt: Attempt): void {
    const place: Place = this.#gate.enter(ALL);
    const cancel = this.#timers.after(LIFE_MS, () => this.#begun.get(state)?.end());
    const end = () => {
      cancel();
      this.#begun.delete(state);
      place[Symbol.dispose]();
    };
    this.#begun.set(state, { ...attempt, end });
  }

  /** Nobody gets it a second time, however the first came out. Throws SIGN_IN_INVALID. */
  take(state: string): Attempt {
    const attempt = this.#begun.get(state);
    if (attempt === undefined) throw new EntenteError("SIGN_IN_INVALID");
    attempt.end();
    return attempt;
  }
}
