/**
 * Sign-ins that have begun. Each is in memory only, for ten minutes, and can be taken once: that is what makes a state that
 * was seen, or played back, worth nothing. Of too many the oldest gives way: anybody may begin, and who begins many and ends none must
 * not keep the others out.
 */
import { EntenteError } from "../../proto/errors.ts";
import type { Timers } from "../../proto/ports/ports.ts";

const LIFE_MS = 10 * 60_000;

export interface Attempt {
  /** SHA-256 of the page's verifier, in base64url. */
  readonly challenge: string;
  /** Of this node's exchange with the service (RFC 7636). */
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly redirectUri: string;
}

export class Attempts {
  readonly #max: number;
  readonly #timers: Timers;
  readonly #begun = new Map<string, Attempt & { readonly end: () => void }>();

  constructor(max: number, timers: Timers) {
    this.#max = max;
    this.#timers = timers;
  }

  get count(): number {
    return this.#begun.size;
  }

  begin(state: string, attempt: Attempt): void {
    if (this.#begun.size >= this.#max) this.#begun.values().next().value?.end();
    const cancel = this.#timers.after(LIFE_MS, () => this.#begun.get(state)?.end());
    const end = () => {
      cancel();
      this.#begun.delete(state);
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
