import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { revokeParty } from "../../coordinator/main.ts";
import { callBidi, openChannel } from "../../party/coordinator-link/calls.ts";
import { Carrier } from "../../party/session/carrier.ts";
import { WINDOW_BYTES } from "../../party/session/sent-frames.ts";
import { CONNECT_RELAY } from "../../proto/codec/coordinator.ts";
import { MAX_RELAY_DATA_BYTES } from "../../proto/codec/relay-frame.ts";
import { type EntenteError, toEntenteError } from "../../proto/errors.ts";
import { partyId, type RelayId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { codeOf, openTestInbox, TestCoordinator, type TestParty } from "../support/coordinator.ts";

let coordinator: TestCoordinator;
let bank: TestParty;
let telecom: TestParty;
let inbox: Awaited<ReturnType<typeof openTestInbox>>;

beforeAll(async () => {
  coordinator = await TestCoordinator.start({ revocationSweepMs: 50 });
  bank = await coordinator.enrol("bank");
  telecom = await coordinator.enrol("telecom");
  inbox = await openTestInbox(telecom.link);
});
afterAll(() => coordinator.close());

const control = { peer: partyId("telecom"), purpose: { kind: "control" } } as const;

async function meet(): Promise<[Duplex, Duplex]> {
  const { relayId } = await bank.link.requestSession(control);
  const wake = await inbox.next();
  expect(wake.relayId).toBe(relayId);
  return Promise.all([bank.link.connectRelay(relayId), telecom.link.connectRelay(wake.relayId)]);
}

/** All bytes up to the other end's half-close. Unlike `for await`, it leaves the writing side alone. */
async function collect(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(stream, "end");
  return Buffer.concat(chunks);
}

async function errorOf(stream: Duplex): Promise<EntenteError> {
  stream.resume();
  const [error] = await once(stream, "error");
  return toEntenteError(error);
}

describe("the inbox", () => {
  test("shows the party as connected, and names who calls", async () => {
    expect((await bank.link.lookup(partyId("telecom"))).connected).toBe(true);
    const { relayId, expiresInSeconds } = await bank.link.requestSession(control);
    expect(await inbox.next()).toEqual({
      number: 1,
      relayId,
      from: "bank",
      purpose: { kind: "control" },
      expiresInSeconds,
    });
    expect(expiresInSeconds).toBeLessThanOrEqual(60);
  });

  test("who is not enrolled, not connected, or oneself cannot be called", async () => {
    const call = (peer: string) => codeOf(bank.link.requestSession({ ...control, peer: partyId(peer) }));
    expect(await call("nobody")).toBe("PEER_UNKNOWN");
    await coordinator.enrol("asleep");
    expect(await call("asleep")).toBe("PEER_GONE");
    expect(await call("bank")).toBe("BAD_REQUEST");
  });

  test("a newer one takes over, and is told what waits", async () => {
    const { relayId } = await bank.link.requestSession(control);
    await inbox.next();
    const older = inbox;
    inbox = await openTestInbox(telecom.link);
    expect((await older.ended).code).toBe("ALREADY_EXISTS");
    const relayIds = [(await inbox.next()).relayId, (await inbox.next()).relayId];
    expect(relayIds).toContain(relayId);
    // The older stream's end must not close the newer one.
    await sleep(50);
    expect((await bank.link.lookup(partyId("telecom"))).connected).toBe(true);
  });
});

describe("the relay", () => {
  test("copies bytes both ways, in order and whole, and half-closes", async () => {
    const [a, b] = await meet();
    const [fromA, fromB] = [randomBytes(3_000_000), randomBytes(1_234_567)];
    const received = Promise.all([collect(a), collect(b)]);
    for (let at = 0; at < fromA.length; at += 100_001) a.write(fromA.subarray(at, at + 100_001));
    a.end();
    await sleep(20);
    b.end(fromB);
    const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    const [atA, atB] = await received;
    expect([hash(atA), hash(atB)]).toEqual([hash(fromB), hash(fromA)]);
    expect(coordinator.running.counters().bytes).toBeGreaterThanOrEqual(fromA.length + fromB.length);
  });

  test("an empty session ends well", async () => {
    const [a, b] = await meet();
    a.end();
    b.end();
    expect(await Promise.all([collect(a), collect(b)])).toEqual([Buffer.alloc(0), Buffer.alloc(0)]);
  });

  test("a slow reader stops the writer, and gets everything in the end", async () => {
    const [a, b] = await meet();
    const chunk = randomBytes(MAX_RELAY_DATA_BYTES);
    const total = 512;
    let written = 0;
    const writing = (async () => {
      for (; written < total; written++) if (!a.write(chunk)) await once(a, "drain");
      a.end();
    })();
    const before = coordinator.running.counters().bytes;
    let seen = -1;
    while (seen !== written) {
      seen = written;
      await sleep(150);
    }
    // 64 MiB offered; what is under way is windows and buffers of three processes' worth of gRPC, a few MiB.
    expect(written * chunk.length).toBeLessThan(16 * 1_048_576);
    expect(coordinator.running.counters().bytes - before).toBeLessThan(12 * 1_048_576);
    const received = await collect(b);
    await writing;
    expect(received.length).toBe(total * chunk.length);
    expect(received.subarray(-chunk.length).equals(chunk)).toBe(true);
    b.end();
    await collect(a);
  });

  test("a session with a peer at a few bytes a second costs constant memory in all three", async () => {
    const { relayId } = await bank.link.requestSession(control);
    const carriers = (["opener", "answerer"] as const).map(
      (side) => new Carrier({ side, timers: nodePorts.timers, onBroken: () => undefined }),
    ) as [Carrier, Carrier];
    const streams = await Promise.all([
      bank.link.connectRelay(relayId),
      telecom.link.connectRelay((await inbox.next()).relayId),
    ]);
    const [writer, reader] = carriers;
    await Promise.all([reader.attach(streams[1]), writer.attach(streams[0])]);
    const chunk = randomBytes(100_000);
    let offered = 0;
    const write = () => {
      while (offered < 1_000 && writer.write(chunk)) offered++;
    };
    writer.on("drain", write);
    write();
    const held = () => [
      writer.heldBytes + writer.writableLength,
      coordinator.running.counters().unsentBytes,
      reader.heldBytes,
    ];
    const most = [0, 0, 0];
    for (let read = 0; read < 60; read++) {
      reader.read(20);
      await sleep(5);
      for (const [i, bytes] of held().entries()) most[i] = Math.max(most[i] as number, bytes);
    }
    // 100 MB are offered. The window is what the ends hold of it, and all of it may be at either; the coordinator holds less.
    expect(most[0]).toBeGreaterThan(WINDOW_BYTES / 2);
    for (const bytes of most) expect(bytes).toBeLessThan(2 * WINDOW_BYTES);
    expect(offered).toBeLessThan(100);
    for (const carrier of carriers) carrier.destroy();
  });

  test("a third party, an unknown id and a second connection are refused", async () => {
    const other = await coordinator.enrol("eavesdropper");
    const { relayId } = await bank.link.requestSession(control);
    await inbox.next();
    expect(await codeOf(other.link.connectRelay(relayId))).toBe("NOT_FOUND");
    expect(await codeOf(bank.link.connectRelay("00".repeat(16) as RelayId))).toBe("NOT_FOUND");
    const [a, b] = [bank.link.connectRelay(relayId), telecom.link.connectRelay(relayId)];
    const streams = await Promise.all([a, b]);
    expect(await codeOf(bank.link.connectRelay(relayId))).toBe("WIRE_UNEXPECTED");
    // The refused ones changed nothing for the two.
    const received = Promise.all(streams.map(collect));
    streams[0].end("still here");
    streams[1].end();
    expect((await received)[1]?.toString()).toBe("still here");
    await sleep(50);
    expect(await codeOf(telecom.link.connectRelay(relayId))).toBe("NOT_FOUND");
  });

  test("when one end goes, the other learns it", async () => {
    const [a, b] = await meet();
    const error = errorOf(b);
    a.destroy();
    expect((await error).code).toBe("PEER_GONE");
  });

  test("a writer that breaks off never looks like one that is done", async () => {
    const [a, b] = await meet();
    const error = once(b, "error");
    const ended = collect(b);
    ended.catch(() => undefined);
    for (let i = 0; i < 40; i++) a.write(randomBytes(MAX_RELAY_DATA_BYTES));
    await sleep(5);
    a.destroy();
    expect(toEntenteError((await error)[0]).code).toBe("PEER_GONE");
    await expect(ended).rejects.toThrow(/connection ended/);
  });

  test("half-closed and then gone is still gone", async () => {
    const [a, b] = await meet();
    a.end("part");
    b.once("end", () => a.destroy());
    expect((await errorOf(b)).code).toBe("PEER_GONE");
  });

  test("revoking a party ends its sessions", async () => {
    const short = await coordinator.enrol("short-lived");
    const { relayId } = await short.link.requestSession(control);
    const [a, b] = await Promise.all([
      short.link.connectRelay(relayId),
      telecom.link.connectRelay((await inbox.next()).relayId),
    ]);
    const errors = Promise.all([errorOf(a), errorOf(b)]);
    await revokeParty({ folder: coordinator.folder, party: "short-lived" });
    expect((await errors).map((error) => error.code)).toEqual(["CERTIFICATE_REFUSED", "PEER_GONE"]);
  });
});

describe("what is no relay frame", () => {
  const data = (bytes: number) => CONNECT_RELAY.request.encode({ kind: "data", data: randomBytes(bytes) });
  const ended = Buffer.from("2200", "hex");

  /** The code that a stream of these raw frames ends with; the first is `open` when a meeting is given. */
  async function answerTo(frames: readonly (Buffer | "half-close")[], relayId?: RelayId): Promise<string> {
    const { caPem: ca, certPem: cert, keyPem: key, endpoint } = bank.enrolled;
    const client = openChannel(endpoint, { ca, cert, key: key.expose() });
    const call = callBidi(client, CONNECT_RELAY);
    const failed = once(call, "error");
    failed.catch(() => undefined);
    call.resume();
    if (relayId !== undefined) {
      call.write(CONNECT_RELAY.request.encode({ kind: "open", relayId }));
      await once(call, "data");
    }
    for (const frame of frames) {
      if (frame === "half-close") call.end();
      else call.write(frame);
    }
    const [failure] = (await failed) as [{ metadata: { get(key: string): string[] } }];
    client.close();
    return failure.metadata.get("entente-code")[0] ?? "";
  }

  test.each([
    ["data before open", [data(1)], "WIRE_UNEXPECTED"],
    ["an empty message", [Buffer.alloc(0)], "WIRE_INVALID"],
    ["an open without an id", [Buffer.from("0a00", "hex")], "BAD_REQUEST"],
    ["garbage", [Buffer.from("ffffff", "hex")], "WIRE_INVALID"],
  ])("%s", async (_name, frames, code) => {
    expect(await answerTo(frames)).toBe(code);
  });

  test.each<[string, (Buffer | "half-close")[], string]>([
    ["an empty data frame", [Buffer.from("1a00", "hex")], "WIRE_INVALID"],
    ["bytes after the data", [Buffer.concat([data(5), Buffer.from("2200", "hex")])], "WIRE_INVALID"],
    ["a length of too many bytes", [Buffer.from("1a8100aa", "hex")], "WIRE_INVALID"],
    ["too much data", [Buffer.concat([Buffer.from("1a818008", "hex"), randomBytes(131_073)])], "WIRE_TOO_LARGE"],
    [
      "a second open",
      [CONNECT_RELAY.request.encode({ kind: "open", relayId: "00".repeat(16) as RelayId })],
      "WIRE_UNEXPECTED",
    ],
    ["paired, which is the coordinator's", [Buffer.from("1200", "hex")], "WIRE_UNEXPECTED"],
    ["data after the end", [ended, data(1)], "WIRE_UNEXPECTED"],
    ["no end frame before the call's half-close", [data(1), "half-close"], "PEER_GONE"],
  ])("%s ends the session for both", async (_name, frames, code) => {
    const { relayId } = await bank.link.requestSession(control);
    const answer = answerTo(frames, relayId);
    const peer = await telecom.link.connectRelay((await inbox.next()).relayId);
    const error = errorOf(peer);
    expect(await answer).toBe(code);
    expect((await error).code).toBe("PEER_GONE");
  });
});

describe("deadlines", () => {
  test("a peer that does not come, and a session in which nothing moves", async () => {
    const hasty = await TestCoordinator.start({ meetingMs: 200, relayIdleMs: 200 });
    try {
      const [a, b] = [await hasty.enrol("bank"), await hasty.enrol("telecom")];
      const calls = await openTestInbox(b.link);
      const alone = await a.link.requestSession(control);
      expect(await codeOf(a.link.connectRelay(alone.relayId))).toBe("PEER_TIMEOUT");
      await calls.next();
      expect(await codeOf(b.link.connectRelay(alone.relayId))).toBe("NOT_FOUND");

      const { relayId } = await a.link.requestSession(control);
      const streams = await Promise.all([a.link.connectRelay(relayId), b.link.connectRelay(relayId)]);
      const codes = await Promise.all(streams.map(errorOf));
      expect(codes.map((error) => error.code)).toEqual(["PEER_TIMEOUT", "PEER_TIMEOUT"]);
    } finally {
      await hasty.close();
    }
  });

  test("a party may not open meetings without end", async () => {
    const small = await TestCoordinator.start({ meetingsPerParty: 2 });
    try {
      const [a, b] = [await small.enrol("bank"), await small.enrol("telecom")];
      await openTestInbox(b.link);
      await a.link.requestSession(control);
      await a.link.requestSession(control);
      expect(await codeOf(a.link.requestSession(control))).toBe("OVERLOADED");
    } finally {
      await small.close();
    }
  });
});
