/** Signing in with an account of the organisation's own, at a service that a test has lie. */
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { signInForm } from "../../party/sign-in/config.ts";
import type { EntenteError, ErrorCode } from "../../proto/errors.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { EntenteClient } from "../../sdk/client.ts";
import { CLIENT, type Lies, type SignInService, startSignInService } from "../support/sign-in-service.ts";
import { type StubNode, type StubOptions, startStubNode } from "../support/stub-node.ts";

const ACCOUNT = { email: "wang.li@bank.example", email_verified: true, groups: ["staff", "marketing"] };
const MINUTE_MS = 60_000;

let service: SignInService;
let node: StubNode;
let nowMs = 0;

beforeAll(async () => {
  service = await startSignInService(ACCOUNT);
});
afterAll(() => service.close());
beforeEach(() => {
  service.account = ACCOUNT;
  service.lies = {};
});
afterEach(() => node.close());

async function start(more: object = {}, limits: StubOptions["limits"] = {}): Promise<EntenteClient> {
  nowMs = Date.now();
  const signIn = signInForm.parse({
    ...{ issuer: service.issuer, clientId: CLIENT.clientId, clientSecretFile: "secret", name: "Bank account" },
    roles: { marketing: ["analyst"], risk: ["steward", "analyst"] },
    ...more,
  });
  node = await startStubNode({}, () => nowMs, { signIn, limits, hosts: ["entente.bank.example"] });
  return new EntenteClient({ url: node.url });
}

/** What a page does: a verifier of its own, and what stands in the address that the person comes back to. */
async function begin(client: EntenteClient) {
  const verifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const { authorizationUrl, state } = await client.call("beginSignIn", { challenge });
  const { searchParams } = service.back(authorizationUrl);
  const returned = Object.fromEntries(searchParams) as { code: string; state: string; iss: string };
  return { verifier, state, authorizationUrl, returned };
}

async function signIn(client: EntenteClient): Promise<RouteResponse<"finishSignIn">> {
  const { verifier, returned } = await begin(client);
  return client.call("finishSignIn", { verifier, ...returned });
}

const refusal = (asked: Promise<unknown>) =>
  asked.then(
    () => undefined,
    (error: EntenteError) => error.code,
  );

test("a token of the person that the service names, with the roles of its groups, for an hour, kept as a hash", async () => {
  const client = await start();
  expect(await client.call("signInWays", {})).toEqual({ organisation: { name: "Bank account" } });
  const { token, ...told } = await signIn(client);
  const expiresAt = new Date(nowMs + 60 * MINUTE_MS).toISOString();
  const { tokenId } = told;
  expect(told).toEqual({ tokenId, person: ACCOUNT.email, roles: ["analyst"], expiresAt });
  const [, listed] = await node.access.tokens.list();
  expect(listed).toMatchObject({ tokenId, createdBy: service.issuer, state: "active", expiresAt });
  expect(await node.access.tokens.identify(token)).toEqual({
    caller: { tokenId, person: ACCOUNT.email, roles: ["analyst"] },
  });
  nowMs += 60 * MINUTE_MS;
  expect(await refusal(new EntenteClient({ url: node.url, token }).call("tagBatches", {}))).toBe("TOKEN_EXPIRED");
  expect(node.log.join("")).toContain("signed in");
  expect(node.log.join("")).not.toContain(token);
  expect(node.log.join("")).not.toContain(CLIENT.secret);
});

test("what the browser is told holds no secret, and asks for a code with PKCE, state and nonce", async () => {
  const client = await start();
  const [one, two] = [await begin(client), await begin(client)];
  const asks = Object.fromEntries(new URL(one.authorizationUrl).searchParams);
  const bytes32 = expect.stringMatching(/^[\w-]{43}$/);
  expect(asks).toEqual({
    ...{ client_id: CLIENT.clientId, response_type: "code", scope: "openid email profile" },
    ...{ state: one.state, nonce: bytes32, code_challenge: bytes32, code_challenge_method: "S256" },
    redirect_uri: `${node.url}/`,
  });
  const other = Object.fromEntries(new URL(two.authorizationUrl).searchParams);
  for (const once of ["state", "nonce", "code_challenge"]) expect(other[once]).not.toBe(asks[once]);
});

test("signing out ends the token, and no other", async () => {
  const client = await start();
  const [one, two] = [await signIn(client), await signIn(client)];
  const as = (token: string) => new EntenteClient({ url: node.url, token });
  expect(await as(one.token).call("signOut", {})).toEqual({ tokenId: one.tokenId });
  expect(await refusal(as(one.token).call("signOut", {}))).toBe("TOKEN_EXPIRED");
  expect(await refusal(as(two.token).call("tagBatches", {}))).toBe("NOT_FOUND");
});

test("who begins many sign-ins and ends none keeps nobody out: the oldest gives way", async () => {
  const client = await start({}, { signInsBegun: 3 });
  const [first, mine, , last] = [await begin(client), await begin(client), await begin(client), await begin(client)];
  expect(node.access.signIn?.used()).toEqual({ signInsBegun: 3 });
  const finish = ({ verifier, returned }: typeof mine) => client.call("finishSignIn", { verifier, ...returned });
  expect(await refusal(finish(first))).toBe("SIGN_IN_INVALID");
  for (const begun of [mine, last]) expect((await finish(begun)).person).toBe(ACCOUNT.email);
});

test("who signs in without end has so many good tokens, and so many in the list", async () => {
  const client = await start();
  const issue = async (count: number, lifeMs: number) => {
    for (let i = 0; i < count; i++)
      await node.access.tokens.issue({ person: ACCOUNT.email, roles: ["analyst"], lifeMs }, service.issuer);
  };
  const own = async () => (await node.access.tokens.list()).filter(({ createdBy }) => createdBy === service.issuer);
  await issue(60, 60 * MINUTE_MS);
  const { tokenId } = await signIn(client);
  const good = (await own()).filter(({ state }) => state === "active");
  expect([good.length, good.at(-1)?.tokenId, (await own()).length]).toEqual([50, tokenId, 61]);
  await issue(440, MINUTE_MS);
  nowMs += 2 * MINUTE_MS;
  await signIn(client);
  // All that have expired are gone: the good ones are left, and what was revoked before its time.
  expect((await own()).length).toBe(62);
});

test("who signs in day after day has the last month's tokens, under one spelling", async () => {
  const client = await start();
  for (let day = 0; day < 40; day += 10) {
    service.account = { ...ACCOUNT, email: day === 0 ? ACCOUNT.email : ACCOUNT.email.toUpperCase() };
    expect((await signIn(client)).person).toBe(ACCOUNT.email);
    nowMs += 10 * 24 * 60 * MINUTE_MS;
  }
  await signIn(client);
  expect((await node.access.tokens.list()).filter(({ createdBy }) => createdBy === service.issuer)).toHaveLength(4);
});

describe("nobody is signed in", () => {
  /** Beside the code: nothing of it made a token, and what an operator is to see is in the list of denials. */
  async function refused(code: ErrorCode, asked: Promise<unknown>, detail?: string): Promise<void> {
    const error = await asked.catch((thrown: EntenteError) => thrown);
    expect(error).toMatchObject({ code, ...(detail && { detail: expect.stringContaining(detail) }) });
    expect(await node.access.tokens.list()).toHaveLength(1);
    const isTheirs = ["SIGN_IN_INVALID", "SIGN_IN_REFUSED", "SIGN_IN_NOT_ALLOWED"].includes(code);
    const denials = await node.access.denials.list();
    expect(denials.map((denial) => [denial.route, denial.code])).toEqual(isTheirs ? [["finishSignIn", code]] : []);
  }

  const past = Math.floor(Date.now() / 1000) - 600;
  test.each<[string, Lies, ErrorCode, string?]>([
    ["another issuer in the ID token", { claims: { iss: "https://other.example" } }, "SIGN_IN_UNTRUSTED", "a claim"],
    ["another audience", { claims: { aud: "another-client" } }, "SIGN_IN_UNTRUSTED", "a claim"],
    [
      "several audiences, meant for another",
      { claims: { aud: [CLIENT.clientId, "o"], azp: "o" } },
      "SIGN_IN_UNTRUSTED",
    ],
    ["another nonce", { claims: { nonce: "n".repeat(43) } }, "SIGN_IN_UNTRUSTED", "a claim"],
    ["no nonce", { claims: { nonce: undefined } }, "SIGN_IN_UNTRUSTED"],
    ["an expired ID token", { claims: { iat: past - 60, exp: past } }, "SIGN_IN_UNTRUSTED", "expired"],
    ["no expiry", { claims: { exp: undefined as never } }, "SIGN_IN_UNTRUSTED"],
    ["an ID token of the future", { claims: { nbf: past + 1_200 } }, "SIGN_IN_UNTRUSTED", "expired"],
    ["no signature: alg none", { signature: "none" }, "SIGN_IN_UNTRUSTED", "not supported"],
    ["a signature by the shared secret", { signature: "HS256" }, "SIGN_IN_UNTRUSTED", "not supported"],
    ["a signature by another key", { signature: "unknown key" }, "SIGN_IN_UNTRUSTED"],
    ["another service that sends people back", { iss: "https://other.example" }, "SIGN_IN_UNTRUSTED"],
    ["a code that is no longer good", { refusal: "invalid_grant" }, "SIGN_IN_INVALID"],
    ["a client that it does not know", { refusal: "invalid_client" }, "SIGN_IN_UNTRUSTED", "client id"],
    ["a failure of the service", { status: 503 }, "SIGN_IN_UNREACHABLE"],
    ["an address that is not verified", { claims: { email_verified: false } }, "SIGN_IN_NOT_ALLOWED", "not verified"],
    ["an address that may be verified", { claims: { email_verified: "true" } }, "SIGN_IN_NOT_ALLOWED", "not verified"],
    ["no address", { claims: { email: undefined } }, "SIGN_IN_NOT_ALLOWED", "personClaim"],
    [
      "a name with control characters",
      { claims: { email: "wang\u202eli@bank.example" } },
      "SIGN_IN_NOT_ALLOWED",
      "personClaim",
    ],
    ["no group with a role", { claims: { groups: ["staff", "constructor", ""] } }, "SIGN_IN_NOT_ALLOWED", "groups"],
    ["no groups", { claims: { groups: undefined } }, "SIGN_IN_NOT_ALLOWED", "groups"],
    ["groups of another form", { claims: { groups: { marketing: true } } }, "SIGN_IN_NOT_ALLOWED", "groups"],
  ])("%s", async (_, lies, code, detail) => {
    const client = await start();
    // What the service says of itself is known by then.
    await begin(client);
    service.lies = lies;
    await refused(code, signIn(client), detail);
  });

  test("a state that was used, and one that nobody began", async () => {
    const client = await start();
    const { verifier, returned } = await begin(client);
    expect(await refusal(client.call("finishSignIn", { verifier, ...returned }))).toBeUndefined();
    await node.access.denials.list();
    for (const state of [returned.state, "s".repeat(43)])
      expect(await refusal(client.call("finishSignIn", { verifier, ...returned, state }))).toBe("SIGN_IN_INVALID");
    expect(await node.access.tokens.list()).toHaveLength(2);
  });

  test("somebody else's answer, sent to a page that did not begin it; and not by the one who began it, after that", async () => {
    const client = await start();
    const { verifier, returned } = await begin(client);
    const own = await begin(client);
    await refused("SIGN_IN_INVALID", client.call("finishSignIn", { ...returned, verifier: own.verifier }));
    expect(await refusal(client.call("finishSignIn", { ...returned, verifier }))).toBe("SIGN_IN_INVALID");
  });

  test("another sign-in's code under the own state", async () => {
    const client = await start();
    const [one, two] = [await begin(client), await begin(client)];
    const mixed = { ...two.returned, code: one.returned.code };
    await refused("SIGN_IN_INVALID", client.call("finishSignIn", { verifier: two.verifier, ...mixed }));
  });

  test("whom the service sends back with an error", async () => {
    const client = await start();
    const { verifier, state, returned } = await begin(client);
    const { iss } = returned;
    await refused("SIGN_IN_REFUSED", client.call("finishSignIn", { verifier, state, iss, error: "access_denied" }));
  });

  test("at a service that is not there, or is another; and then it is", async () => {
    const client = await start();
    service.lies = { status: 500 };
    await refused("SIGN_IN_UNREACHABLE", begin(client));
    service.lies = { metadata: { issuer: "https://other.example" } };
    // What has failed is not asked again at once, however many come.
    const asked = service.asked.length;
    await refused("SIGN_IN_UNREACHABLE", begin(client));
    expect(service.asked).toHaveLength(asked);
    nowMs += 10_000;
    await refused("SIGN_IN_UNTRUSTED", begin(client));
    nowMs += 10_000;
    service.lies = {};
    expect((await signIn(client)).person).toBe(ACCOUNT.email);
  });

  test("at a service that sends people to what is no web page", async () => {
    const client = await start();
    service.lies = { metadata: { authorization_endpoint: "javascript:alert(1)" } };
    await refused("SIGN_IN_UNTRUSTED", begin(client));
  });

  test("for a page of another site", async () => {
    await start();
    const response = await fetch(`${node.url}/v1/sign-in/attempts`, {
      method: "POST",
      headers: { "content-type": "application/json", "sec-fetch-site": "cross-site" },
      body: JSON.stringify({ challenge: "c".repeat(43) }),
    });
    expect(((await response.json()) as { error: { code: string } }).error.code).toBe("SITE_REFUSED");
  });

  test("under another name than the console's, which a page that comes back would have", async () => {
    const client = await start({ consoleUrl: "https://entente.bank.example" });
    const elsewhere = "the console's address is https://entente.bank.example";
    await expect(begin(client)).rejects.toMatchObject({ code: "SIGN_IN_INVALID", detail: elsewhere });
    // As a proxy asks.
    const { port } = new URL(node.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const headers = { host: `entente.bank.example:${port}`, "content-type": "application/json" };
      request(`${node.url}/v1/sign-in/attempts`, { method: "POST", headers }, (response) => resolve(text(response)))
        .on("error", reject)
        .end(JSON.stringify({ challenge: "c".repeat(43) }));
    });
    const { authorizationUrl } = JSON.parse(answer) as { authorizationUrl: string };
    const redirect = new URL(authorizationUrl).searchParams.get("redirect_uri");
    expect(redirect).toBe("https://entente.bank.example/");
  });
});

describe("node.json", () => {
  const whole = { issuer: "https://id.bank.example", clientId: "c", roles: { g: ["analyst"] } };
  test.each<[string, object, boolean]>([
    ["the least", {}, true],
    ["this machine by http", { issuer: "http://localhost:8080/realms/x", consoleUrl: "http://127.0.0.1:7430" }, true],
    ["another machine by http", { issuer: "http://id.bank.example" }, false],
    ["a console by http", { consoleUrl: "http://entente.bank.example" }, false],
    ["a console below a path", { consoleUrl: "https://bank.example/entente" }, false],
    ["no web address", { issuer: "file:///etc" }, false],
    ["a password in it", { issuer: "https://u:p@id.bank.example" }, false],
    ["a role that there is not", { roles: { g: ["admin"] } }, false],
    ["a group that gives nothing", { roles: { g: [] } }, false],
    ["too long", { minutes: 721 }, false],
    ["a typing error", { clientsecret: "x" }, false],
  ])("%s", (_, more, isGood) => {
    node = { close: async () => {} } as never;
    expect(signInForm.safeParse({ ...whole, ...more }).success).toBe(isGood);
  });

  test("claims by path, lists or a text, an end with the ID token, a secret in the body", async () => {
    const client = await start({
      ...{ personClaim: "preferred_username", rolesClaim: ["realm_access", "roles"], untilIdTokenEnds: true },
      minutes: 720,
    });
    service.account = { preferred_username: "Zhao  Min", realm_access: { roles: "risk" } };
    const { person, roles, expiresAt } = await signIn(client);
    expect([person, roles]).toEqual(["Zhao Min", ["analyst", "steward"]]);
    expect(Date.parse(expiresAt) - Date.now()).toBeLessThan(301_000);
  });
});
