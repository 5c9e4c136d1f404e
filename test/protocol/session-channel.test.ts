import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { sessionCredentials } from "../../party/session/certificate.ts";
import { Channel, type ChannelOptions, type SessionPurpose } from "../../party/session/channel.ts";
import { signingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { toEntenteError } from "../../proto/errors.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { streamPair } from "../support/pair.ts";

async function party(name: string) {
  const sessionSeed = new Uint8Array(randomBytes(32));
  const session = signingKey(`${name}/session`, sessionSeed);
  const jobs = signingKey(`${name}/jobs`, new Uint8Array(randomBytes(32)));
  const credentials = await sessionCredentials(name, sessionSeed, session.publicKey);
  return {
    own: { credentials, jobsKey: jobs },
    seenByPeer: { sessionKey: session.publicKey, jobsKey: verifyingKey(jobs.keyId, jobs.publicKey) },
  };
}

type Party = Awaited<ReturnType<typeof party>>;
const JOB: SessionPurpose = {
  kind: "job",
  jobDigest: "ab".repeat(32),
  attempt: 1,
  parameters: "cd".repeat(32),
  plan: "ef".repeat(32),
};

function open(a: Party, b: Party, change: { a?: Partial<ChannelOptions>; b?: Partial<ChannelOptions> } = {}) {
  const [left, right] = streamPair();
  const common = { purpose: JOB, timers: nodePorts.timers, handshakeTimeoutMs: 2_000 };
  return Promise.allSettled([
    Channel.open({ ...common, stream: left, role: "server", own: a.own, peer: b.seenByPeer, ...change.a }),
    Channel.open({ ...common, stream: right, role: "client", own: b.own, peer: a.seenByPeer, ...change.b }),
  ]);
}

function codes(results: PromiseSettledResult<Channel>[]): string[] {
  return results.map((result) => {
    if (result.status === "fulfilled") {
      result.value.close();
      return "open";
    }
    return toEntenteError(result.reason).code;
  });
}

async function opened(a: Party, b: Party): Promise<[Channel, Channel]> {
  const results = await open(a, b);
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  }) as [Channel, Channel];
}

test("two confirmed parties exchange frames and agree on exporter and transcript", async () => {
  const [server, client] = await opened(await party("bank"), await party("bureau"));
  expect(server.exporter).toEqual(client.exporter);
  const frame = { type: 3, round: 1, partition: 0, chunk: 0, body: new Uint8Array(randomBytes(3_000_000)) };
  await Promise.all([
    server.send(frame),
    client.receive(5_000).then((got) => expect(Buffer.compare(got.body, frame.body)).toBe(0)),
  ]);
  await client.say({ kind: "goodbye" });
  await server.hear(1_000, "goodbye");
  expect(server.transcript()).toEqual(client.transcript());
  client.close();
  await expect(server.receive(1_000)).rejects.toMatchObject({ code: "PEER_GONE" });
  server.close();
});

test("another key than the keyset's is refused, and the refused end learns so", async () => {
  const [bank, bureau, mallory] = [await party("bank"), await party("bureau"), await party("mallory")];
  // Mallory answers in the bureau's place.
  expect(codes(await open(bank, mallory, { a: { peer: bureau.seenByPeer } }))[0]).toBe("PEER_IDENTITY_WRONG");
  // The client side is refused by the server after its own handshake has finished.
  expect(codes(await open(bank, mallory, { a: { peer: bureau.seenByPeer } }))[1]).toBe("PEER_REFUSED_IDENTITY");
});

test("this node's own certificate, reflected, is refused", async () => {
  const bank = await party("bank");
  expect(codes(await open(bank, bank))).toContain("PEER_IDENTITY_WRONG");
});

test("the session key alone is not enough: the hello must be signed by the jobs key", async () => {
  const [bank, bureau, mallory] = [await party("bank"), await party("bureau"), await party("mallory")];
  expect(codes(await open(bank, bureau, { b: { own: { ...bureau.own, jobsKey: mallory.own.jobsKey } } }))[0]).toBe(
    "SIGNATURE_INVALID",
  );
});

test.each([
  ["job", { ...JOB, jobDigest: "00".repeat(32) }],
  ["attempt", { ...JOB, attempt: 2 }],
  ["parameters", { ...JOB, parameters: "00".repeat(32) }],
  ["plan", { ...JOB, plan: "00".repeat(32) }],
  ["kind", { kind: "control" }],
] as [string, SessionPurpose][])("another %s than the peer's is fatal at both ends", async (_what, purpose) => {
  const result = codes(await open(await party("bank"), await party("bureau"), { b: { purpose } }));
  expect(result).toEqual(["SESSION_MISMATCH", "SESSION_MISMATCH"]);
});

test("both in the server's role never get a session", async () => {
  const result = codes(
    await open(await party("bank"), await party("bureau"), { b: { role: "server" }, a: { handshakeTimeoutMs: 500 } }),
  );
  expect(result).not.toContain("open");
});

test("a silent peer is a timeout, bytes that are no frame are a protocol error", async () => {
  const [server, client] = await opened(await party("bank"), await party("bureau"));
  await expect(server.receive(50)).rejects.toMatchObject({ code: "PEER_TIMEOUT" });
  await client.send({ type: 7, round: 0, partition: 0, chunk: 0, body: new Uint8Array(3) });
  await expect(server.hear(1_000, "goodbye")).rejects.toMatchObject({ code: "WIRE_UNEXPECTED" });
  await client.fail(Object.assign(toEntenteError(undefined)));
  await expect(server.hear(1_000, "goodbye")).rejects.toMatchObject({ code: "PEER_FAILED" });
  server.close();
});
