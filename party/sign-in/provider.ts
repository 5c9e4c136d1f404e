/**
 * The organisation's sign-in service as this node uses it: authorization code flow with PKCE (RFC 6749, RFC 7636, RFC 9700), an ID
 * token that is verified by the service's published keys although it comes over TLS (OpenID Connect Core 1.0 section 3.1.3.7).
 * The browser is told nothing but where to go: discovery, keys and tokens are between this node and the service.
 */
import { resolve } from "node:path";
import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  discovery,
  enableNonRepudiationChecks,
  type IDToken,
  None,
  ResponseBodyError,
} from "openid-client";
import { fromUtf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Clock, Files } from "../../proto/ports/ports.ts";
import type { SignInConfig } from "./config.ts";

const ANSWER_SECONDS = 10;
/** What the service says of itself is asked for again after so long. */
const FRESH_MS = 60 * 60_000;
/** One that was not there is asked again after so long. */
const RETRY_MS = 5_000;
const DISAGREEMENTS: Readonly<Record<string, string>> = {
  OAUTH_JWT_CLAIM_COMPARISON_FAILED: "a claim of the ID token is not the expected one",
  OAUTH_JWT_TIMESTAMP_CHECK_FAILED: "the ID token has expired or is not valid yet: compare clocks",
  OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED: "its own name is not the configured issuer",
  OAUTH_KEY_SELECTION_FAILED: "no published key fits the ID token",
  OAUTH_UNSUPPORTED_OPERATION: "it asks for something that is not supported here",
};

export interface ProviderOptions {
  readonly config: SignInConfig;
  readonly files: Pick<Files, "read">;
  /** The node's: `clientSecretFile` may be relative to it. */
  readonly folder: string;
  readonly clock: Pick<Clock, "monotonicMs">;
}

/** What is sent along and has to come back. */
export interface Expected {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636: of this node, for the service. */
  readonly codeVerifier: string;
}

export interface Returned {
  readonly code?: string | undefined;
  readonly iss?: string | undefined;
  readonly error?: string | undefined;
}

export class Provider {
  readonly #options: ProviderOptions;
  #known: { readonly service: Promise<Configuration>; goodUntilMs: number } | undefined;

  constructor(options: ProviderOptions) {
    this.#options = options;
  }

  /** Where the browser is to go. Throws SIGN_IN_UNREACHABLE, SIGN_IN_UNTRUSTED. */
  async address({ redirectUri, state, nonce }: Expected, codeChallenge: string): Promise<string> {
    const { scopes } = this.#options.config;
    const service = await this.#service();
    return typed(async () => {
      const url = buildAuthorizationUrl(service, {
        redirect_uri: redirectUri,
        scope: [...new Set(["openid", ...scopes])].join(" "),
        ...{ state, nonce, code_challenge: codeChallenge, code_challenge_method: "S256" },
      });
      return url.href;
    });
  }

  /**
   * The claims of the ID token for what came back. Throws SIGN_IN_REFUSED when the service says that it did not sign the person in,
   * SIGN_IN_INVALID when the code is no longer good, SIGN_IN_UNTRUSTED, SIGN_IN_UNREACHABLE.
   */
  async claims(returned: Returned, { redirectUri, state, nonce, codeVerifier }: Expected): Promise<IDToken> {
    const service = await this.#service();
    const address = new URL(redirectUri);
    for (const [name, value] of Object.entries({ ...returned, state }))
      if (value !== undefined) address.searchParams.set(name, value);
    return typed(async () => {
      const tokens = await authorizationCodeGrant(service, address, {
        pkceCodeVerifier: codeVerifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      return tokens.claims() as IDToken;
    });
  }

  #service(): Promise<Configuration> {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#known !== undefined && nowMs < this.#known.goodUntilMs) return this.#known.service;
    const known = { service: this.#discover(), goodUntilMs: nowMs + FRESH_MS };
    this.#known = known;
    known.service.catch(() => {
      known.goodUntilMs = nowMs + RETRY_MS;
    });
    return known.service;
  }

  async #discover(): Promise<Configuration> {
    const { config, files, folder } = this.#options;
    const { issuer, clientId, clientSecretFile, clientAuth } = config;
    const secret = clientSecretFile === undefined ? undefined : await files.read(resolve(folder, clientSecretFile));
    if (clientSecretFile !== undefined && secret === undefined)
      throw new EntenteError("SIGN_IN_UNTRUSTED", { detail: "the file that 'clientSecretFile' names is not there" });
    const withSecret = clientAuth === "client_secret_post" ? ClientSecretPost : ClientSecretBasic;
    const auth = secret === undefined ? None() : withSecret(fromUtf8(secret).trim());
    const isPlain = new URL(issuer).protocol === "http:";
    return typed(() =>
      discovery(new URL(issuer), clientId, undefined, auth, {
        timeout: ANSWER_SECONDS,
        // With that only signatures by a published key count: none, and one by the client's secret, are none (RFC 8725 section 3.1).
        // The form of `issuer` leaves plain HTTP to this machine alone.
        execute: [enableNonRepudiationChecks, ...(isPlain ? [allowInsecureRequests] : [])],
      }),
    );
  }
}

async function typed<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw signInError(cause);
  }
}

/** No message of the service's is passed on: whoever can reach it could write it. */
function signInError(cause: unknown): EntenteError {
  if (cause instanceof EntenteError) return cause;
  if (cause instanceof AuthorizationResponseError) return new EntenteError("SIGN_IN_REFUSED", { cause });
  if (cause instanceof ResponseBodyError) {
    if (cause.status >= 500) return new EntenteError("SIGN_IN_UNREACHABLE", { cause });
    if (cause.error === "invalid_grant") return new EntenteError("SIGN_IN_INVALID", { cause });
    const detail = cause.error === "invalid_client" ? "it does not accept this node's client id or secret" : undefined;
    return new EntenteError("SIGN_IN_UNTRUSTED", { cause, ...(detail && { detail }) });
  }
  const { code, cause: response } = cause as { readonly code?: string; readonly cause?: unknown };
  const isDown = cause instanceof TypeError || code === "OAUTH_TIMEOUT" || code === "OAUTH_ABORT";
  const hasFailed = response instanceof Response && response.status >= 500;
  if (isDown || hasFailed) return new EntenteError("SIGN_IN_UNREACHABLE", { cause });
  const detail = DISAGREEMENTS[code ?? ""];
  return new EntenteError("SIGN_IN_UNTRUSTED", { cause, ...(detail && { detail }) });
}
