/** Feeds to a real HTTP server that fails, hangs, redirects and goes away. */
import { createHmac } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FeedWorld } from "../support/feed-world.ts";

const JOINT = "marketing:joint";
const KEY = Buffer.alloc(32, 7);
const LIMITS = { requestTimeoutMs: 300, maxTries: 3, firstPauseMs: 2, longestPauseMs: 4 };

interface Received {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly path: string;
}

let world: FeedWorld;
let server: Server;
let url: string;
let received: Received[];
/** Of the next requests, in order: a status, or "hang". 200 when there is none. */
let answers: (number | "hang")[];

beforeEach(async () => {
  received = [];
  answers = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      received.push({ headers: request.headers, body, path: request.url ?? "" });
      const answer = answers.shift() ?? 200;
      if (answer === "hang") return;
      response.writeHead(answer, answer === 302 ? { location: "/elsewhere" } : {}).end("body that nobody reads");
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?tenant=1`;
  world = await FeedWorld.make(undefined, { webhookLimits: LIMITS });
  await writeFile(join(world.folder, "secret"), `whsec_${KEY.toString("base64")}\n`);
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await world.close();
});

const add = (changes: object = {}) =>
  world.addFeed("hook", { kind: "webhook", url, secretFile: join(world.folder, "secret"), ...changes });

interface Event {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly subject: string; readonly key: string; readonly value?: string };
}
const eventsOf = ({ body }: Received) => JSON.parse(body) as Event[];
const told = (from = 0) =>
  received
    .slice(from)
    .flatMap((one) => eventsOf(one).map(({ type, data }) => [data.subject, data.value, type.split(".")[3]]));

test("events are CloudEvents in a batch, and the signature is that of the specification", async () => {
  await add();
  await world.issue([["a", JOINT, 'quote" \u0000 =1+1']], { score: 0.5 });
  expect(await world.run("hook")).toMatchObject({ state: "done", written: 1 });
  const [{ headers, body, path }] = received as [Received];
  expect(path).toBe("/hook?tenant=1");
  expect(headers["content-type"]).toBe("application/cloudevents-batch+json; charset=utf-8");
  // By hand from the specification: HMAC-SHA-256 over id, timestamp and body, joined by full stops.
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const expected = createHmac("sha256", KEY).update(signed).digest("base64");
  expect(headers["webhook-signature"]).toBe(`v1,${expected}`);
  expect(Number(headers["webhook-timestamp"])).toBe(world.nowMs / 1000);
  expect(JSON.parse(body)).toMatchObject([
    {
      specversion: "1.0",
      source: "urn:entente:bank:feed:hook",
      type: "org.entente.tag.issued.v1",
      datacontenttype: "application/json",
      data: { subject: "a", key: JOINT, value: 'quote" \u0000 =1+1', score: 0.5, mode: "since-last" },
    },
  ]);
  expect(world.log.join()).not.toContain(KEY.toString("base64"));
  expect(JSON.stringify(await world.feeds.list())).not.toContain(KEY.toString("base64"));
});

test("the signature is the one of the specification's own example", async () => {
  const { readWebhookSecret, signedHeaders } = await import("../../party/feeds/events.ts");
  const secret = readWebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  // The example's id is its own; the scheme is checked on the same bytes with ours.
  const body = '{"test": 2432232314}';
  const headers = signedHeaders(secret, body, 1614265330);
  const by = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64");
  const example = createHmac("sha256", by).update(`msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.${body}`).digest("base64");
  expect(example).toBe("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  const own = createHmac("sha256", by).update(`${headers["webhook-id"]}.1614265330.${body}`).digest("base64");
  expect(headers["webhook-signature"]).toBe(`v1,${own}`);
});

test("what fails or hangs is tried again with the same id and a signature of its own time, until it is taken", async () => {
  await add();
  await world.issue([["a", JOINT, "yes"]]);
  answers = [503, "hang"];
  expect(await world.run("hook")).toMatchObject({ state: "done", written: 1 });
  expect(received).toHaveLength(3);
  expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  expect(new Set(received.map(({ body }) => body)).size).toBe(1);
});

test("tries end; the next run goes on behind the batch that was acknowledged last", async () => {
  await add({ maxEvents: 2 });
  await world.issue(["a", "b", "c", "d", "e"].map((subject) => [subject, JOINT, "yes"] as const));
  answers = [200, 500, 500, 500];
  await expect(world.run("hook")).rejects.toMatchObject({ code: "FEED_UNREACHABLE" });
  expect(await world.feeds.history("hook")).toMatchObject([{ state: "failed", written: 2, code: "FEED_UNREACHABLE" }]);
  await world.restart();
  const before = received.length;
  expect(await world.run("hook")).toMatchObject({ state: "done", written: 5, ended: 0 });
  expect(told(before).map(([subject]) => subject)).toEqual(["c", "d", "e"]);
  expect(await world.feeds.history("hook")).toHaveLength(1);
});

test("what changes while a delivery is broken off is told in the end, as it then is", async () => {
  await add({ maxEvents: 2 });
  await world.issue(["a", "b", "c", "d"].map((subject) => [subject, JOINT, "yes"] as const));
  answers = [200, 500, 500, 500];
  await expect(world.run("hook")).rejects.toMatchObject({ code: "FEED_UNREACHABLE" });
  await world.store.withdrawTagsOf(["a", "d"], world.now());
  await world.issue([["b", JOINT, "no"]]);
  await world.run("hook");
  await world.run("hook");
  const last = new Map(told().map(([subject, value, type]) => [subject, [value, type]]));
  expect(Object.fromEntries(last)).toEqual({
    a: [undefined, "ended"],
    b: ["no", "issued"],
    c: ["yes", "issued"],
    d: [undefined, "ended"],
  });
});

test("a node that stops after a batch was taken and before it knew sends the same events under the same ids", async () => {
  await add();
  await world.issue([
    ["a", JOINT, "yes"],
    ["b", JOINT, "yes"],
  ]);
  const put = world.store.putDelivery.bind(world.store);
  world.store.putDelivery = async (delivery) => {
    if (delivery.place !== null) throw new Error("stopped");
    return put(delivery);
  };
  await expect(world.run("hook")).rejects.toThrow("stopped");
  await world.restart();
  expect(await world.run("hook")).toMatchObject({ state: "done", written: 2 });
  const [first, second] = received as [Received, Received];
  expect(second.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
  expect(eventsOf(second).map(({ id }) => id)).toEqual(eventsOf(first).map(({ id }) => id));
});

test.each([
  [302, "FEED_REFUSED"],
  [401, "FEED_REFUSED"],
  [413, "FEED_REFUSED"],
])("HTTP %i is not tried again", async (status, code) => {
  await add();
  await world.issue([["a", JOINT, "yes"]]);
  answers = [status];
  await expect(world.run("hook")).rejects.toMatchObject({ code });
  expect(received.map(({ path }) => path)).toEqual(["/hook?tenant=1"]);
});

test("410 stops the feed for good", async () => {
  await add();
  await world.issue([["a", JOINT, "yes"]]);
  answers = [410];
  await expect(world.run("hook")).rejects.toMatchObject({ code: "FEED_GONE" });
  await expect(world.run("hook")).rejects.toMatchObject({ code: "FEED_GONE" });
  await world.feeds.keepUp();
  expect(received).toHaveLength(1);
});

test("a secret that is missing or none is told before anything is sent", async () => {
  await add();
  await world.issue([["a", JOINT, "yes"]]);
  for (const text of ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_***"]) {
    await writeFile(join(world.folder, "secret"), text);
    await expect(world.run("hook")).rejects.toMatchObject({ code: "FEED_SECRET" });
  }
  expect(received).toEqual([]);
});

test("no request is larger than a mebibyte", async () => {
  await add({ maxEvents: 1000 });
  await world.issue(Array.from({ length: 900 }, (_, i) => [`${i}-${"字".repeat(900)}`, JOINT, "yes"] as const));
  await world.run("hook");
  expect(received.length).toBeGreaterThan(2);
  for (const { body } of received) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(1024 * 1024);
  expect(told()).toHaveLength(900);
});

test("an address with a password, or of another scheme, is refused", async () => {
  for (const wrong of ["http://user:pass@127.0.0.1/", "file:///etc/passwd", "ftp://a/"])
    await expect(add({ url: wrong })).rejects.toThrow();
});

test.each([
  "http://crm.example/hook",
  "http://10.0.0.7/",
  "http://127.0.0.1.example/",
  "http://localhost.example/",
  "http://[::2]/",
  "http://0.0.0.0/",
])("%s would send tags in clear: refused, unless the operator allows it", async (wrong) => {
  await expect(add({ url: wrong })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  await expect(add({ url: wrong, allowPlainHttp: true })).resolves.toBeUndefined();
});

test.each([
  "http://127.1:8080/a",
  "http://127.0.0.53/",
  "http://[::1]:81/",
  "http://LOCALHOST/",
  "https://crm.example/",
])("%s is taken", async (right) => expect(add({ url: right })).resolves.toBeUndefined());

test("a feed that an earlier version of this program was told of, in clear, delivers nothing", async () => {
  await world.issue([["a", JOINT, "yes"]]);
  const target = { kind: "webhook", url: "http://10.0.0.7/", secretFile: join(world.folder, "secret") };
  const feed = {
    name: "hook",
    config: JSON.stringify({ target }),
    cursor: 0,
    createdAt: world.now(),
    createdBy: "Ola",
  };
  await world.store.addFeed(feed);
  await expect(world.run("hook")).rejects.toMatchObject({ code: "BAD_REQUEST" });
  expect(await world.feeds.history("hook")).toMatchObject([{ state: "failed", code: "BAD_REQUEST" }]);
});
