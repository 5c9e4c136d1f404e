/**
 * A sign-in service (OpenID provider) on loopback that signs everybody in at once, as the account that a test gives it. A test may
 * have it lie in each way that one can.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";

export const CLIENT = { clientId: "entente-bank", secret: "s3cret+/=:" } as const;

export interface Lies {
  /** In the place of an answer, for each request. */
  status?: number;
  /** Of the discovery document. */
  metadata?: object;
  /** In the place of the true ones; undefined leaves a claim out. */
  claims?: JWTPayload;
  /** How the ID token is signed: not at all, by the client's secret, or by a key that nobody knows. */
  signature?: "none" | "HS256" | "unknown key";
  /** What the token endpoint says instead of a token. */
  refusal?: string;
  /** Who sends people back, as RFC 9207 has it. */
  iss?: string;
}

export interface SignInService {
  readonly issuer: string;
  /** Who signs in, beside what every ID token has. */
  account: Record<string, unknown>;
  lies: Lies;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
  /** Where the service sends the browser back to, for the address that the node sent it to. */
  back(authorizationUrl: string): URL;
  close(): Promise<void>;
}

interface Grant {
  readonly challenge: string;
  readonly nonce: string;
  readonly redirectUri: string;
}

export async function startSignInService(account: Record<string, unknown>): Promise<SignInService> {
  const [known, unknown] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("ES256")]);
  const jwk = { ...(await exportJWK(known.publicKey)), kid: "1", alg: "ES256", use: "sig" };
  const grants = new Map<string, Grant>();
  const asked: string[] = [];
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const service: SignInService = {
    issuer,
    account,
    lies: {},
    asked,
    back(authorizationUrl) {
      const asks = new URL(authorizationUrl).searchParams;
      const code = `code-${grants.size}`;
      const redirectUri = asks.get("redirect_uri") ?? "";
      grants.set(code, { challenge: asks.get("code_challenge") ?? "", nonce: asks.get("nonce") ?? "", redirectUri });
      const back = new URL(redirectUri);
      back.searchParams.set("code", code);
      back.searchParams.set("state", asks.get("state") ?? "");
      back.searchParams.set("iss", service.lies.iss ?? issuer);
      return back;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function idToken({ nonce }: Grant): Promise<string> {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const times = { iat: nowSeconds, exp: nowSeconds + 300 };
    const claims = { iss: issuer, aud: CLIENT.clientId, sub: "u-1", nonce, ...times, ...service.account };
    const given = Object.entries({ ...claims, ...service.lies.claims }).filter(([, value]) => value !== undefined);
    const payload = Object.fromEntries(given) as JWTPayload;
    const { signature } = service.lies;
    if (signature === "none") return new UnsecuredJWT(payload).encode();
    const isShared = signature === "HS256";
    const key = signature === "unknown key" ? unknown.privateKey : known.privateKey;
    return new SignJWT(payload)
      .setProtectedHeader(isShared ? { alg: "HS256" } : { alg: "ES256", kid: "1" })
      .sign(isShared ? new TextEncoder().encode(CLIENT.secret) : key);
  }

  async function tokens(request: IncomingMessage): Promise<[number, object]> {
    if (service.lies.refusal !== undefined) return [400, { error: service.lies.refusal }];
    const sent = new URLSearchParams(await text(request));
    // RFC 6749 section 2.3.1: both are form-encoded before they become Basic.
    const basic = atob((request.headers.authorization ?? "").slice("Basic ".length));
    const client = basic.split(":").map((part) => new URLSearchParams(`part=${part}`).get("part"));
    if (client[0] !== CLIENT.clientId || client[1] !== CLIENT.secret) return [401, { error: "invalid_client" }];
    const code = sent.get("code") ?? "";
    const grant = grants.get(code);
    grants.delete(code);
    const challenge = createHash("sha256")
      .update(sent.get("code_verifier") ?? "")
      .digest("base64url");
    if (grant?.challenge !== challenge || grant.redirectUri !== sent.get("redirect_uri"))
      return [400, { error: "invalid_grant" }];
    return [200, { access_token: "unused", token_type: "Bearer", id_token: await idToken(grant) }];
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", issuer);
    asked.push(pathname);
    const send = (status: number, body: object) =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (service.lies.status !== undefined) return send(service.lies.status, {});
    if (pathname === "/authorize")
      return void response.writeHead(302, { location: service.back(`${issuer}${request.url}`).href }).end();
    if (pathname === "/jwks") return send(200, { keys: [jwk] });
    if (pathname === "/token") return send(...(await tokens(request)));
    if (pathname !== "/.well-known/openid-configuration") return send(404, {});
    send(200, {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256", "none", "HS256"],
      code_challenge_methods_supported: ["S256"],
      ...service.lies.metadata,
    });
  }
  return service;
}
