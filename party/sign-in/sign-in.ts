/** Signing in with an account of the organisation's own: from a page's challenge to a short-lived token of this node. */
import { timingSafeEqual } from "node:crypto";
import type { Logger } from "pino";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { isLoopback } from "../../proto/http/host-name.ts";
import type { RouteInput, RouteResponse } from "../../proto/http/routes.ts";
import type { NodeLimitName } from "../../proto/limits/node-limits.ts";
import type { Files, Ports } from "../../proto/ports/ports.ts";
import type { Tokens } from "../access/tokens.ts";
import type { NodeLimits } from "../limits/limits.ts";
import { type Account, accountOf } from "./account.ts";
import { Attempts } from "./attempts.ts";
import type { SignInConfig } from "./config.ts";
import { Provider } from "./provider.ts";

const SECRET_BYTES = 32;
const MINUTE_MS = 60_000;
/** Sign-ins that ended so long ago are in the log alone. */
const KEPT_MS = 30 * 86_400_000;
/** Of one person: whose browser signs in again and again must neither fill the store nor have ever more that are good. */
const MAX_GOOD = 50;
const MAX_KEPT = 500;
/** Of the console, whose pages are in the address's fragment: what is registered at the service is `<consoleUrl>/`. */
const RETURN_PATH = "/";

export interface SignInOptions extends Pick<Ports, "random" | "timers" | "clock"> {
  readonly config: SignInConfig;
  readonly files: Pick<Files, "read">;
  /** The node's. */
  readonly folder: string;
  readonly tokens: Tokens;
  readonly limits: NodeLimits;
  readonly logger: Logger;
}

export class SignIn {
  readonly #options: SignInOptions;
  readonly #provider: Provider;
  readonly #attempts: Attempts;

  constructor(options: SignInOptions) {
    this.#options = options;
    this.#provider = new Provider(options);
    this.#attempts = new Attempts(options.limits.values.signInsBegun, options.timers);
  }

  get name(): string {
    return this.#options.config.name;
  }

  /** What is in use now, by limit. */
  used(): Partial<Record<NodeLimitName, number>> {
    return { signInsBegun: this.#attempts.count };
  }

  /**
   * `host`: name and port that the page was opened under. Throws SIGN_IN_INVALID when the service would send people to another one,
   * SIGN_IN_UNTRUSTED when nothing says where to, and what `Provider.address` throws.
   */
  async begin(challenge: string, host: string): Promise<RouteResponse<"beginSignIn">> {
    const redirectUri = `${this.#consoleUrl(host)}${RETURN_PATH}`;
    const [state, nonce, codeVerifier] = [this.#secret(), this.#secret(), this.#secret()];
    const expected = { redirectUri, state, nonce, codeVerifier };
    const authorizationUrl = await this.#provider.address(expected, challengeOf(codeVerifier));
    this.#attempts.begin(state, { challenge, ...expected });
    return { authorizationUrl, state };
  }

  /**
   * A token for whoever began and has come back. Throws SIGN_IN_INVALID for what did not begin in the page that asks, or is over,
   * SIGN_IN_NOT_ALLOWED, and what `Provider.claims` throws.
   */
  async finish({ verifier, state, ...returned }: RouteInput<"finishSignIn">): Promise<RouteResponse<"finishSignIn">> {
    const { config, tokens, logger } = this.#options;
    const attempt = this.#attempts.take(state);
    // Who was sent somebody else's answer has not the verifier of the page that began (RFC 9700 section 4.7).
    if (!timingSafeEqual(utf8(challengeOf(verifier)), utf8(attempt.challenge)))
      throw new EntenteError("SIGN_IN_INVALID");
    const claims = await this.#provider.claims(returned, { ...attempt, state });
    const account = this.#account(claims);
    const lifeMs = this.#lifeMs(claims.exp);
    const issued = await tokens.issue({ ...account, lifeMs }, config.issuer);
    const { tokenId, person, roles, expiresAt } = issued;
    await this.#tidy(person);
    logger.info({ tokenId, person, roles, expiresAt }, "signed in");
    return { token: issued.token, tokenId, person, roles: [...roles], expiresAt };
  }

  /** Who has too many good tokens of this service loses the oldest. */
  async #tidy(person: string): Promise<void> {
    const { config, tokens, clock } = this.#options;
    const createdBy = config.issuer;
    const own = (await tokens.list()).filter((token) => token.person === person && token.createdBy === createdBy);
    const good = own.filter(({ state }) => state === "active");
    for (const { tokenId } of good.slice(0, Math.max(0, good.length - MAX_GOOD))) await tokens.revoke(tokenId);
    const endedBeforeMs = clock.nowMs() - (own.length > MAX_KEPT ? 0 : KEPT_MS);
    await tokens.forget({ person, createdBy, endedBeforeMs });
  }

  #account(claims: Readonly<Record<string, unknown>>): Account {
    const { config, logger } = this.#options;
    try {
      return accountOf(claims, config);
    } catch (error) {
      // The service's own name of the account: an operator can look it up there.
      logger.warn({ subject: claims.sub, detail: toEntenteError(error).detail }, "sign-in not allowed");
      throw error;
    }
  }

  #lifeMs(idTokenEndsSeconds: number): number {
    const { config, clock } = this.#options;
    const longestMs = config.minutes * MINUTE_MS;
    return config.untilIdTokenEnds ? Math.min(longestMs, idTokenEndsSeconds * 1_000 - clock.nowMs()) : longestMs;
  }

  #consoleUrl(host: string): string {
    const { consoleUrl } = this.#options.config;
    const asked = URL.parse(`http://${host}`);
    if (consoleUrl === undefined) {
      if (asked === null || !isLoopback(asked.hostname.replace(/^\[|\]$/g, "")))
        throw new EntenteError("SIGN_IN_UNTRUSTED", { detail: "without 'consoleUrl' it is for this machine alone" });
      return asked.origin;
    }
    const url = new URL(consoleUrl);
    // The page that is come back to has another page's verifiers.
    if (url.hostname !== asked?.hostname)
      throw new EntenteError("SIGN_IN_INVALID", { detail: `the console's address is ${url.origin}` });
    return url.origin;
  }

  #secret(): string {
    return base64url(this.#options.random.bytes(SECRET_BYTES));
  }
}

/** RFC 7636 section 4.2, S256. */
function challengeOf(verifier: string): string {
  return base64url(sha256(utf8(verifier)));
}

function base64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
