/** Who may call what: every route of the API x every kind of token. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { Caller } from "../../party/access/tokens.ts";
import { handlers as nodeHandlers } from "../../party/api/handlers.ts";
import { EntenteError } from "../../proto/errors.ts";
import { ANYBODY, ROLES, type Role, type Route } from "../../proto/http/route.ts";
import { ROUTES, type RouteName } from "../../proto/http/routes.ts";
import {
  NOBODY_LISTENS,
  STUB_JOB,
  STUB_PROGRESS,
  STUB_TOKEN,
  STUB_TOKEN_ID,
  type StubNode,
  startStubNode,
} from "../support/stub-node.ts";

/** What `ROUTES` says, written a second time: a role is given or taken in two places or not at all. */
const WHO_MAY: { readonly [N in RouteName]: string } = {
  node: "analyst steward auditor operator",
  enrol: "operator",
  invite: "operator",
  peers: "analyst steward auditor operator",
  confirmPeer: "steward",
  acceptSuccession: "steward",
  peerDatasets: "analyst steward",
  datasets: "analyst steward operator",
  registerDataset: "analyst operator",
  checkDataset: "analyst operator",
  segments: "analyst steward operator",
  segment: "analyst steward",
  defineSegment: "analyst",
  countSegment: "analyst",
  publishSegment: "steward",
  unpublishSegment: "steward",
  retireSegment: "analyst steward",
  agreements: "analyst steward auditor",
  agreement: "analyst steward auditor",
  proposeAgreement: "steward",
  signAgreement: "steward",
  revokeAgreement: "steward",
  agreementTerms: "analyst steward auditor",
  released: "steward auditor",
  agreementSchema: "analyst steward auditor operator",
  budgets: "analyst steward auditor",
  approvals: "steward",
  decideJob: "steward",
  leakStatement: "analyst steward auditor",
  dryRun: "analyst steward",
  jobs: "analyst steward auditor",
  job: "analyst steward auditor",
  jobTerms: "analyst steward auditor",
  jobEvents: "analyst steward auditor",
  startJob: "analyst",
  commitTiers: "analyst steward",
  jobReport: "analyst",
  jobReportFile: "analyst",
  exportResult: "analyst",
  tags: "analyst",
  exportTags: "analyst",
  tagCatalogue: "analyst steward auditor",
  defineTag: "analyst steward",
  tagBatches: "analyst",
  tagHistory: "analyst",
  optOuts: "analyst steward",
  optOutPage: "steward",
  addOptOuts: "analyst steward",
  removeOptOuts: "steward",
  feeds: "analyst auditor operator",
  addFeed: "operator",
  removeFeed: "operator",
  runFeed: "analyst",
  deliveries: "analyst auditor operator",
  collaborations: "analyst steward auditor operator",
  forks: "auditor operator",
  recoverLog: "operator",
  resumeCollaboration: "steward",
  evidenceEntries: "auditor",
  evidenceEntry: "auditor",
  checkpoints: "auditor operator",
  verifyEvidence: "auditor",
  auditBundle: "auditor",
  auditReport: "auditor",
  rotateKeys: "operator",
  rotateIdentity: "operator",
  session: "analyst steward auditor operator",
  tokens: "auditor operator",
  createToken: "operator",
  revokeToken: "operator",
  denials: "auditor operator",
  signInWays: "anybody",
  beginSignIn: "anybody",
  finishSignIn: "anybody",
  signOut: "analyst steward auditor operator",
  doctor: "operator",
  status: "operator",
  openApi: "analyst steward auditor operator",
};

const NAMES = Object.keys(ROUTES) as RouteName[];
const DAY_MS = 86_400_000;
const START_MS = Date.parse("2026-05-01T10:00:20.000Z");
let nowMs = START_MS;

/** Handlers that count their calls, and tell of each that it came through. */
function counting(calls: RouteName[]): object {
  const handler = (name: RouteName) => async () => {
    calls.push(name);
    throw new EntenteError("CANCELLED");
  };
  return Object.fromEntries(NAMES.map((name) => [name, handler(name)]));
}

test("the roles of each route are those that stand here", () => {
  const rolesOf = ({ roles }: Route) => (roles === ANYBODY ? roles : roles.join(" "));
  expect(Object.fromEntries(NAMES.map((name) => [name, rolesOf(ROUTES[name])]))).toEqual(WHO_MAY);
});

test("a route that names no role does not compile", () => {
  const rest = { method: "GET", path: "/v1/x", request: z.strictObject({}), response: z.never() } as const;
  // @ts-expect-error roles are missing
  const without: Route = rest;
  // @ts-expect-error there is no role in them
  const empty: Route = { ...rest, roles: [] };
  // @ts-expect-error there is no such role
  const unknown: Route = { ...rest, roles: ["admin"] };
  expect([without, empty, unknown]).toHaveLength(3);
});

describe("matrix", () => {
  const calls: RouteName[] = [];
  const tokens = new Map<string, string | undefined>();
  let node: StubNode;

  beforeAll(async () => {
    node = await startStubNode(counting(calls), () => nowMs);
    const create = (person: string, roles: readonly Role[], expiresInDays = 90) =>
      node.access.tokens.create({ person, roles, expiresInDays }, "setup");
    tokens.set("no token", undefined);
    tokens.set("garbage", `ent_${"0".repeat(64)}`);
    tokens.set("expired", (await create("Expired", ROLES, 1)).token);
    const revoked = await create("Revoked", ROLES);
    tokens.set("revoked", revoked.token);
    await node.access.tokens.revoke(revoked.tokenId);
    for (const role of ROLES) tokens.set(role, (await create(role, [role])).token);
    nowMs = START_MS + DAY_MS;
  });
  afterAll(() => node.close());

  /** A request with a body that is not JSON, so that only who gets past token and role hears of it. */
  async function ask(name: RouteName, token: string | undefined): Promise<{ status: number; code: string }> {
    const { method, path } = ROUTES[name];
    const url = node.url + path.replaceAll(/:\w+/g, "x");
    const headers = new Headers({ "content-type": "application/json" });
    if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
    const query = method === "GET" ? "?unknown=1" : "";
    const response = await fetch(url + query, { method, headers, ...(method === "POST" ? { body: "{" } : {}) });
    const { error } = (await response.json()) as { error: { code: string } };
    return { status: response.status, code: error.code };
  }

  const kinds = ["no token", "garbage", "expired", "revoked", ...ROLES];
  test.each(NAMES.flatMap((name) => kinds.map((kind) => [name, kind] as const)))("%s, %s", async (name, kind) => {
    const answer = await ask(name, tokens.get(kind));
    const refusal = {
      "no token": { status: 401, code: "TOKEN_MISSING" },
      garbage: { status: 401, code: "TOKEN_MISSING" },
      expired: { status: 401, code: "TOKEN_EXPIRED" },
      revoked: { status: 401, code: "TOKEN_EXPIRED" },
    }[kind];
    // That the body is no JSON is what anybody hears, with a token or without.
    if (WHO_MAY[name] === ANYBODY) {
      expect(answer).toEqual({ status: 400, code: "BAD_REQUEST" });
      expect(calls).toEqual([]);
      return;
    }
    const isAllowed = WHO_MAY[name].split(" ").includes(kind);
    const ofRole = isAllowed ? { status: 400, code: "BAD_REQUEST" } : { status: 403, code: "NOT_ALLOWED" };
    expect(answer).toEqual(refusal ?? ofRole);
    expect(calls).toEqual([]);
  });
});

describe("a request", () => {
  let node: StubNode;
  afterEach(() => node.close());

  async function start(handlers: object = {}): Promise<(...roles: Role[]) => Promise<string>> {
    nowMs = START_MS;
    node = await startStubNode(handlers, () => nowMs);
    const wish = { person: "Wang Li", expiresInDays: 1 };
    return async (...roles) => (await node.access.tokens.create({ ...wish, roles }, "setup")).token;
  }

  function send(path: string, token?: string, init: RequestInit = {}): Promise<Response> {
    return fetch(node.url + path, {
      ...init,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
  }

  test("reaches its handler with who asks; several roles add up", async () => {
    const callers: Caller[] = [];
    const record = async (_: unknown, caller: Caller) => {
      callers.push(caller);
      throw new EntenteError("CANCELLED");
    };
    const tokenOf = await start({ tags: record, signAgreement: record, denials: record });
    const token = await tokenOf("steward", "analyst");
    expect((await send("/v1/tags", token)).status).toBe(409);
    const signature = `/v1/agreements/${STUB_JOB.agreement}/signature`;
    expect((await send(signature, token, { method: "POST" })).status).toBe(409);
    expect((await send("/v1/denials", token)).status).toBe(403);
    const [, { tokenId }] = (await node.access.tokens.list()) as [unknown, { tokenId: string }];
    const caller = { tokenId, person: "Wang Li", roles: ["analyst", "steward"] };
    expect(callers).toEqual([caller, caller]);
  });

  test("HEAD needs what GET needs", async () => {
    const tokenOf = await start();
    expect((await send("/v1/tags", undefined, { method: "HEAD" })).status).toBe(401);
    expect((await send("/v1/tags", await tokenOf("steward"), { method: "HEAD" })).status).toBe(403);
    expect((await send("/v1/tags", await tokenOf("analyst"), { method: "HEAD" })).status).toBe(404);
  });

  test("that is denied is logged and counted, with what is known of it, and without the token", async () => {
    const tokenOf = await start({
      startJob: async () => {
        throw new EntenteError("APPROVER_IS_REQUESTER");
      },
    });
    const [steward, analyst] = [await tokenOf("steward"), await tokenOf("analyst")];
    const ids = (await node.access.tokens.list()).map(({ tokenId }) => tokenId);
    for (let i = 0; i < 3; i++) await send("/v1/tags", `ent_${"12".repeat(32)}`);
    await send("/v1/no-such-route");
    await send("/v1/tags", steward);
    await send("/v1/tags", analyst);
    const { agreement } = STUB_JOB;
    const request = { operation: "audience", agreement, dataset: "a", peerDataset: "b", tag: { key: "k" } };
    await fetch(`${node.url}/v1/jobs`, {
      method: "POST",
      headers: { authorization: `Bearer ${analyst}`, "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    nowMs += DAY_MS;
    await send("/v1/tags", steward);
    const at = "2026-05-01T10:00:00.000Z";
    const person = "Wang Li";
    expect((await node.access.denials.list()).toReversed()).toEqual([
      { at, tokenId: null, person: null, route: null, code: "TOKEN_MISSING", count: 4 },
      { at, tokenId: ids[1], person, route: "tags", code: "NOT_ALLOWED", count: 1 },
      { at, tokenId: ids[2], person, route: "startJob", code: "APPROVER_IS_REQUESTER", count: 1 },
      { at: "2026-05-02T10:00:00.000Z", tokenId: ids[1], person, route: null, code: "TOKEN_EXPIRED", count: 1 },
    ]);
    const lines = node.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "request denied");
    expect(lines.map(({ level, code, tokenId, person: who, route }) => [level, code, tokenId, who, route])).toEqual([
      ...Array(4).fill([40, "TOKEN_MISSING", undefined, undefined, undefined]),
      [40, "NOT_ALLOWED", ids[1], person, "tags"],
      [40, "APPROVER_IS_REQUESTER", ids[2], person, "startJob"],
      [40, "TOKEN_EXPIRED", ids[1], person, undefined],
    ]);
    expect(node.log.join("")).not.toContain("ent_");
    expect(node.log.join("")).not.toMatch(new RegExp([steward, analyst].map((token) => token.slice(4, 20)).join("|")));
  });

  test("NOT_ALLOWED names the roles to look for", async () => {
    const tokenOf = await start();
    const response = await send("/v1/datasets", await tokenOf("auditor"));
    const { error } = (await response.json()) as { error: object };
    expect(error).toEqual(new EntenteError("NOT_ALLOWED", { detail: "for analyst or steward or operator" }).toPublic());
  });
});

test("the results of a job are shown to analysts, that it ran to stewards and auditors, too", async () => {
  const proposed = { operation: "audience", role: "receiver", peer: "bureau", agreement: "5f", ownRows: 2000 };
  const summary = { seconds: 1, bytesSent: 2, bytesReceived: 3 };
  const job = {
    ...STUB_JOB,
    proposed,
    reason: undefined,
    summary: { ...summary, matched: 812, tags: { A: 812 }, labelsUnreadable: 812 },
  };
  const book = { list: async () => [job], require: async () => job, progress: () => undefined };
  const wallClock = { nowMs: () => 0, monotonicMs: () => 0 };
  const { jobs, job: one } = nodeHandlers({ book, wallClock } as never, {} as never, {} as never, "0");
  const seenBy = async (...roles: Role[]) => {
    const caller = { tokenId: STUB_TOKEN_ID, person: "Wang Li", roles };
    const seen = await one({ jobId: STUB_JOB.jobId as never }, caller, NOBODY_LISTENS);
    expect((await jobs({}, caller, NOBODY_LISTENS)).jobs).toEqual([seen]);
    return seen.summary;
  };
  expect(await seenBy("analyst")).toEqual(job.summary);
  expect(await seenBy("auditor", "analyst")).toEqual(job.summary);
  expect(await seenBy("auditor")).toEqual(summary);
  expect(await seenBy("steward", "auditor")).toEqual(summary);
});

test("how many tags a job issues is told to analysts, that it issues them to everybody", async () => {
  const proposed = { operation: "audience", role: "receiver", peer: "bureau", agreement: "5f", ownRows: 2000 };
  const issuing = { ...STUB_PROGRESS, step: "issuing-tags", done: 400, total: 812, unit: "tags" } as const;
  const job = { ...STUB_JOB, state: "releasing", proposed, reason: undefined, summary: undefined };
  const book = { list: async () => [job], require: async () => job, progress: () => issuing };
  const wallClock = { nowMs: () => 0, monotonicMs: () => 0 };
  const { jobs } = nodeHandlers({ book, wallClock } as never, {} as never, {} as never, "0");
  const seenBy = async (...roles: Role[]) => {
    const caller = { tokenId: STUB_TOKEN_ID, person: "Wang Li", roles };
    return (await jobs({}, caller, NOBODY_LISTENS)).jobs[0]?.progress;
  };
  expect(await seenBy("analyst", "steward")).toEqual(issuing);
  for (const role of ["steward", "auditor"] as const)
    expect(await seenBy(role)).toEqual({ ...issuing, done: 0, total: null, rate: null, secondsLeft: null });
});

describe("tokens over the API", () => {
  let node: StubNode | undefined;
  afterEach(() => node?.close());

  const person = "Wang Li";
  test.each<[string, object, string | undefined]>([
    ["good", { person, roles: ["analyst"] }, undefined],
    ["the longest life", { person, roles: ["analyst"], expiresInDays: 366 }, undefined],
    ["too long a life", { person, roles: ["analyst"], expiresInDays: 367 }, "expiresInDays: at most 366"],
    ["no life", { person, roles: ["analyst"], expiresInDays: 0 }, "expiresInDays: at least 1"],
    ["no role", { person, roles: [] }, "roles: at least 1"],
    ["a role that there is not", { person, roles: ["admin"] }, "roles.0"],
    ["nobody", { person: " ", roles: ["analyst"] }, "person: at least 1 character"],
    ["a control character", { person: "Wang\u202eLi", roles: ["analyst"] }, "person"],
    ["too long a name", { person: "w".repeat(65), roles: ["analyst"] }, "person: at most 64 characters"],
  ])("wish: %s", async (_, wish, field) => {
    let seen: unknown;
    node = await startStubNode({
      createToken: async (input) => {
        seen = input;
        throw new EntenteError("CANCELLED");
      },
    });
    const response = await fetch(`${node.url}/v1/tokens`, {
      method: "POST",
      headers: { authorization: `Bearer ${STUB_TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(wish),
    });
    const { error } = (await response.json()) as { error: object };
    if (field === undefined) expect([error, seen]).toMatchObject([{ code: "CANCELLED" }, { person: "Wang Li" }]);
    else expect([error, seen]).toMatchObject([{ code: "BAD_REQUEST", detail: field }, undefined]);
  });
});
