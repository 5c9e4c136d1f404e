/** Who may use a node: its tokens, the accounts that get one by signing in, and the requests that it denied. */
import type { Logger } from "pino";
import type { Files, Ports } from "../../proto/ports/ports.ts";
import type { NodeLimits } from "../limits/limits.ts";
import type { SignInConfig } from "../sign-in/config.ts";
import { SignIn } from "../sign-in/sign-in.ts";
import type { Store } from "../store/store.ts";
import { Denials } from "./denials.ts";
import { Tokens } from "./tokens.ts";

export interface Access {
  readonly tokens: Tokens;
  readonly denials: Denials;
  /** Undefined where only tokens count. */
  readonly signIn: SignIn | undefined;
}

export interface AccessOptions extends Pick<Ports, "random" | "timers"> {
  readonly store: Store;
  /** Milliseconds since 1970-01-01T00:00Z; see `TokensOptions`. */
  readonly nowMs: () => number;
  readonly logger: Logger;
  readonly signIn?:
    | {
        readonly config: SignInConfig;
        readonly files: Pick<Files, "read">;
        /** The node's. */
        readonly folder: string;
        readonly limits: NodeLimits;
        readonly monotonicMs: () => number;
      }
    | undefined;
}

export function openAccess({ store, random, timers, nowMs, logger, signIn }: AccessOptions): Access {
  const tokens = new Tokens({ store, random, nowMs });
  const clock = { nowMs, monotonicMs: signIn?.monotonicMs ?? nowMs };
  return {
    tokens,
    denials: new Denials({ store, timers, nowMs, logger }),
    signIn: signIn && new SignIn({ ...signIn, random, timers, clock, tokens, logger }),
  };
}
