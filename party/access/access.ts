/** Who may use a node: its tokens, and the requests that it denied. */
import type { Logger } from "pino";
import type { Ports } from "../../proto/ports/ports.ts";
import type { Store } from "../store/store.ts";
import { Denials } from "./denials.ts";
import { Tokens } from "./tokens.ts";

export interface Access {
  readonly tokens: Tokens;
  readonly denials: Denials;
}

export interface AccessOptions extends Pick<Ports, "random" | "timers"> {
  readonly store: Store;
  /** Milliseconds since 1970-01-01T00:00Z; see `TokensOptions`. */
  readonly nowMs: () => number;
  readonly logger: Logger;
}

export function openAccess({ store, random, timers, nowMs, logger }: AccessOptions): Access {
  return { tokens: new Tokens({ store, random, nowMs }), denials: new Denials({ store, timers, nowMs, logger }) };
}
