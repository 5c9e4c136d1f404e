/** Resumption of TLS sessions: refused by a node whatever the other end does, and made possible by none. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import * as tls from "node:tls";
import { afterEach, expect, test, vi } from "vitest";
import { secureStream } from "../../party/session/tls.ts";
import { toEntenteError } from "../../proto/errors.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { type SessionParty, sessionParty } from "../support/channel-pair.ts";
import { streamPair } from "../support/pair.ts";

/** What a client of a changed build would offer. */
const offered = vi.hoisted(() => ({ session: undefined as Buffer | undefined }));
vi.mock("node:tls", async (original) => {
  const real = await original<typeof tls>();
  const connect = (options: tls.ConnectionOptions) =>
    real.connect(offered.session === undefined ? options : { ...options, session: offered.session });
  return { ...real, connect };
});

const [bank, bureau] = [await sessionParty("bank"), await sessionParty("bureau")];
const sockets: tls.TLSSocket[] = [];
afterEach(() => {
  offered.session = undefined;
  for (const socket of sockets.splice(0)) socket.destroy();
});

type Stream = ReturnType<typeof streamPair>[0];

/** A node's own end. */
async function node(own: SessionParty, peer: SessionParty, role: "server" | "client", stream: Stream) {
  const keys = { own: own.own.credentials, peerSessionKey: peer.seenByPeer.sessionKey };
  const secure = await secureStream({ stream, role, ...keys, timers: nodePorts.timers, timeoutMs: 2_000 });
  sockets.push(secure.socket);
  return secure;
}

/** A TLS end of the same party that follows no rule of ours: it keeps sessions and resumes them. */
function careless({ own: { credentials } }: SessionParty) {
  const secureContext = tls.createSecureContext({
    cert: credentials.certificatePem,
    key: credentials.privateKeyPem.expose(),
    sessionIdContext: "careless",
    ticketKeys: Buffer.alloc(48, 7),
  });
  const common = { secureContext, ALPNProtocols: ["entente-session/1"], requestCert: true, rejectUnauthorized: false };
  const keep = (socket: tls.TLSSocket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    return socket;
  };
  return {
    serve: (stream: Stream) => keep(new tls.TLSSocket(stream, { ...common, isServer: true })),
    dial: (stream: Stream) => keep(tls.connect({ ...common, socket: stream, servername: "" })),
  };
}

test("a server that resumes an earlier session is refused", async () => {
  const server = careless(bureau);
  const [left, right] = streamPair();
  const serving = server.serve(left);
  const first = await node(bank, bureau, "client", right);
  const session = once(first.socket, "session");
  serving.write("x");
  first.socket.resume();
  const [ticket] = (await session) as [Buffer];

  offered.session = ticket;
  const [left2, right2] = streamPair();
  const resuming = server.serve(left2);
  const outcome = node(bank, bureau, "client", right2).then(
    () => "accepted",
    (error: unknown) => toEntenteError(error).code,
  );
  expect(await outcome).toBe("SESSION_RESUMED");
  // The other end did resume: it is the check, not a failed handshake, that refused.
  expect(resuming.isSessionReused()).toBe(true);
});

test("a node's server makes no session that anybody can resume", async () => {
  const client = careless(bank);
  const [left, right] = streamPair();
  const serving = node(bureau, bank, "server", left);
  const first = client.dial(right);
  const tickets: Buffer[] = [];
  first.on("session", (session: Buffer) => tickets.push(session));
  const { socket } = await serving;
  // In TLS 1.3 tickets come after the handshake, with the first bytes.
  socket.write("x");
  await once(first, "data");
  await sleep(20);
  for (const session of [...tickets, first.getSession() as Buffer]) {
    offered.session = session;
    const [left2, right2] = streamPair();
    const again = node(bureau, bank, "server", left2);
    const resuming = client.dial(right2);
    const fresh = await again;
    expect(resuming.isSessionReused()).toBe(false);
    expect(fresh.socket.isSessionReused()).toBe(false);
  }
});

test("every handshake has an exporter value of its own", async () => {
  const values = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const [left, right] = streamPair();
    const ends = await Promise.all([node(bureau, bank, "server", left), node(bank, bureau, "client", right)]);
    expect(ends[0].exporter).toEqual(ends[1].exporter);
    values.add(Buffer.from(ends[0].exporter).toString("hex"));
  }
  expect(values.size).toBe(3);
});

test.each(["server", "client"] as const)("a %s without a certificate is refused", async (role) => {
  const [left, right] = streamPair();
  const bare = { ALPNProtocols: ["entente-session/1"], requestCert: true, rejectUnauthorized: false };
  const own = role === "client" ? "server" : "client";
  const serving = node(bureau, bank, own, left);
  // A server has no cipher without a key in TLS 1.3: it cannot even begin.
  const other =
    role === "client"
      ? tls.connect({ ...bare, socket: right, servername: "" })
      : new tls.TLSSocket(right, { ...bare, isServer: true });
  sockets.push(other);
  other.on("error", () => {});
  await expect(serving).rejects.toMatchObject({ code: role === "client" ? "PEER_IDENTITY_WRONG" : "PEER_GONE" });
});

test.each<[string, Partial<tls.ConnectionOptions>]>([
  ["TLS 1.2", { maxVersion: "TLSv1.2" }],
  ["another protocol inside", { ALPNProtocols: ["h2"] }],
  ["no protocol named", { ALPNProtocols: [] }],
])("%s is refused", async (_what, change) => {
  const [left, right] = streamPair();
  const { credentials } = bank.own;
  const serving = node(bureau, bank, "server", left);
  const options = {
    cert: credentials.certificatePem,
    key: credentials.privateKeyPem.expose(),
    rejectUnauthorized: false,
  };
  const client = tls.connect({
    ...options,
    ALPNProtocols: ["entente-session/1"],
    socket: right,
    servername: "",
    ...change,
  });
  sockets.push(client);
  client.on("error", () => {});
  await expect(serving).rejects.toMatchObject({ code: expect.stringMatching(/^(PEER_GONE|PEER_IDENTITY_WRONG)$/) });
});
