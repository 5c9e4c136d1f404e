/** Bytes that are no TLS, or too many that are: a peer may lose its session by it, and never this node its process. */
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Channel } from "../../party/session/channel.ts";
import { encodeHeader, HEADER_BYTES } from "../../proto/codec/frame.ts";
import { toEntenteError } from "../../proto/errors.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { JOB_PURPOSE, sessionParty } from "../support/channel-pair.ts";
import { streamPair } from "../support/pair.ts";
import { rawPeer } from "../support/raw-peer.ts";

const [bureau, bank] = [await sessionParty("bureau"), await sessionParty("bank")];
const uncaught: unknown[] = [];
const note = (error: unknown) => void uncaught.push(error);
beforeAll(() => {
  process.on("uncaughtException", note).on("unhandledRejection", note);
});
afterAll(() => {
  process.off("uncaughtException", note).off("unhandledRejection", note);
});

const HANDSHAKE_TIMEOUT_MS = 300;
const common = { purpose: JOB_PURPOSE, timers: nodePorts.timers, handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS };
const serve = (stream: Duplex) =>
  Channel.open({ ...common, stream, role: "server", own: bureau.own, peer: bank.seenByPeer });
const dial = (stream: Duplex) =>
  Channel.open({ ...common, stream, role: "client", own: bank.own, peer: bureau.seenByPeer });

const record = (type: number, length: number, body: Uint8Array) =>
  Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 0xff]), body]);
/** Made anew for each case. */
const GARBAGE: Readonly<Record<string, () => Buffer>> = {
  "application data that does not decrypt": () => record(23, 40, randomBytes(40)),
  "a record of a wrong length": () => record(23, 0xffff, randomBytes(40)),
  "an empty record": () => record(23, 0, Buffer.alloc(0)),
  "a handshake message in clear": () => record(22, 40, randomBytes(40)),
  "an alert in clear": () => record(21, 2, Buffer.from([2, 40])),
  "a close in clear": () => record(21, 2, Buffer.from([1, 0])),
  "a change of cipher": () => record(20, 1, Buffer.from([1])),
  "half a record header": () => Buffer.from([23, 3]),
  "another protocol": () => Buffer.from("GET / HTTP/1.1\r\n\r\n"),
  "bytes at random": () => randomBytes(200),
};

type Change = (chunk: Buffer, stream: Duplex) => Buffer;
/** Changes the n-th chunk that an end sends, from 1: with the third one or before it, each end has sent its Finished. */
function meddle(stream: Duplex, nth: number, change: Change): void {
  const write = stream._write.bind(stream);
  let count = 0;
  stream._write = (chunk: Buffer, encoding, done) =>
    write(++count === nth ? change(chunk, stream) : chunk, encoding, done);
}

/** How both ends see it: a typed code, or what they read afterwards. */
async function outcome(opening: Promise<Channel>): Promise<string> {
  try {
    const channel = await opening;
    try {
      await channel.receive(20);
      return "a frame";
    } finally {
      channel.close();
    }
  } catch (error) {
    return toEntenteError(error).code;
  }
}

const CHANGES: Readonly<Record<string, (garbage: Buffer) => Change>> = {
  "behind it, in the same chunk": (garbage) => (chunk) => Buffer.concat([chunk, garbage]),
  "in its place": (garbage) => () => garbage,
  "behind it, and the stream is destroyed": (garbage) => (chunk, stream) => {
    setImmediate(() => stream.destroy());
    return Buffer.concat([chunk, garbage]);
  },
};

describe.each(["server", "client"] as const)("from the %s's side", (from) => {
  test.each(Object.keys(CHANGES))("garbage with a chunk of the handshake: %s", async (how) => {
    const seen: Record<string, string[]> = {};
    await Promise.all(
      Object.entries(GARBAGE).flatMap(([what, garbage]) =>
        [1, 2, 3, 4].map(async (nth) => {
          const [left, right] = streamPair();
          meddle(from === "server" ? left : right, nth, (CHANGES[how] as (garbage: Buffer) => Change)(garbage()));
          seen[`${what}, ${nth}`] = await Promise.all([outcome(serve(left)), outcome(dial(right))]);
        }),
      ),
    );
    expect(uncaught).toEqual([]);
    // A fault of the other side, or of the connection; not one frame came out of it, and none of it is this node's fault.
    const kinds = /^(PEER_GONE|PEER_TIMEOUT|PEER_REFUSED_IDENTITY|PEER_IDENTITY_WRONG)$/;
    for (const [what, codes] of Object.entries(seen))
      for (const code of codes) expect(code, `${what}: ${codes.join(", ")}`).toMatch(kinds);
    // The meddling reached the sessions: not all of them only ran into the silence of an honest peer.
    expect(new Set(Object.values(seen).flat()).size).toBeGreaterThan(1);
  });
});

test("an end that is destroyed in the very moment of the handshake's end is gone, at whatever chunk", async () => {
  for (const from of [0, 1])
    for (const nth of [1, 2, 3, 4])
      for (const when of ["at once", "a moment later"]) {
        const pair = streamPair();
        meddle(pair[from] as Duplex, nth, (chunk, stream) => {
          if (when === "at once") stream.destroy();
          else setImmediate(() => pair.forEach((end) => void end.destroy()));
          return chunk;
        });
        const codes = await Promise.all([outcome(serve(pair[0])), outcome(dial(pair[1]))]);
        for (const code of codes) expect(code).toMatch(/^PEER_/);
      }
  expect(uncaught).toEqual([]);
});

test("a flood of empty frames is read up to a bound and no further, until somebody asks for them", async () => {
  const [left, right] = streamPair();
  const [channel, { socket, frameSession }] = await Promise.all([
    serve(left),
    rawPeer({ stream: right, role: "client", own: bank, peer: bureau, purpose: JOB_PURPOSE }),
  ]);
  try {
    const header = encodeHeader({ type: 3, round: 1, partition: 0, chunk: 0 }, 0, frameSession);
    const frames = 1_000_000;
    socket.write(Buffer.concat(Array(frames).fill(header)));
    const framesRead = () => channel.bytesReceived / HEADER_BYTES;
    /** When it has read nothing more for a while. */
    const settled = async () => {
      for (let before = -1; before !== framesRead(); ) {
        before = framesRead();
        await new Promise((go) => setTimeout(go, 100));
      }
      return framesRead();
    };
    // 64 MiB, where a frame counts for what it costs and not for its body.
    const maxFrames = Math.ceil((64 * 1024 * 1024) / (HEADER_BYTES + 512));
    await expect.poll(framesRead, { timeout: 10_000 }).toBeGreaterThan(maxFrames - 1_000);
    const first = await settled();
    expect(first).toBeLessThan(maxFrames + 10_000);
    for (let i = 0; i < 2_000; i++) await channel.receive(1_000);
    await expect.poll(framesRead, { timeout: 10_000 }).toBeGreaterThan(first);
    expect(await settled()).toBeLessThan(maxFrames + 20_000);
  } finally {
    channel.close();
    socket.destroy();
  }
});
