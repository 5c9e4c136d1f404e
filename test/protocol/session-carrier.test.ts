/** A session's bytes over streams that break, are repeated, lose frames, or lead to somebody else. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WINDOW_BYTES } from "../../party/session/sent-frames.ts";
import { carrierDataHeader, encodeCarrierFrame, MAX_CARRIER_DATA_BYTES } from "../../proto/codec/carrier-frame.ts";
import { toEntenteError } from "../../proto/errors.ts";
import { CarrierPair, collecting, RawCarrier, settled } from "../support/carrier-pair.ts";
import { streamPair } from "../support/pair.ts";

const data = (number: number, bytes: Uint8Array) => Buffer.concat([carrierDataHeader(number, bytes.length), bytes]);
const errorOf = async (stream: CarrierPair["opener"]) => toEntenteError((await once(stream, "error"))[0]).code;

describe("a carrier whose stream breaks", () => {
  test("goes on over the next, and every byte comes once and in order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 2 * MAX_CARRIER_DATA_BYTES }), fc.constant("break" as const)), {
          maxLength: 12,
        }),
        async (steps) => {
          const pair = await CarrierPair.start();
          const ends = [
            { from: pair.opener, to: collecting(pair.answerer), sent: [] as Buffer[] },
            { from: pair.answerer, to: collecting(pair.opener), sent: [] as Buffer[] },
          ] as const;
          for (const [i, step] of steps.entries()) {
            if (step === "break") {
              // In the middle of what is under way, at either end.
              pair.streams[i % 2]?.destroy();
              await settled();
              await pair.attach();
            } else {
              const { from, sent } = ends[i % 2] as (typeof ends)[0];
              sent.push(randomBytes(step));
              from.write(sent.at(-1));
              await new Promise((go) => setImmediate(go));
            }
          }
          for (const { from } of ends) from.end();
          await settled();
          for (const { sent, to } of ends) expect(to.bytes().equals(Buffer.concat(sent))).toBe(true);
          expect([pair.opener.destroyed, pair.answerer.destroyed]).toEqual([true, true]);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("waits so long, and then the peer is gone", async () => {
    const pair = await CarrierPair.start();
    const errors = Promise.all([errorOf(pair.opener), errorOf(pair.answerer)]);
    await pair.break();
    expect(pair.broken.toSorted()).toEqual(["answerer", "opener"]);
    pair.timers.pass(29_000);
    expect([pair.opener.destroyed, pair.answerer.destroyed]).toEqual([false, false]);
    pair.timers.pass(12_000);
    expect(await errors).toEqual(["PEER_GONE", "PEER_GONE"]);
  });

  test("before the session is secured there is nothing to go on with", async () => {
    const pair = new CarrierPair();
    await pair.attach(pair.streams);
    const error = errorOf(pair.opener);
    await pair.break();
    expect(await error).toBe("PEER_GONE");
    expect(pair.broken).toEqual([]);
  });

  test("one that nothing comes through is given up in the end", async () => {
    const pair = await CarrierPair.start();
    const error = errorOf(pair.opener);
    for (let stream = 0; stream < 8; stream++) {
      await pair.break();
      await pair.attach();
    }
    await pair.break();
    expect(await error).toBe("PEER_GONE");
  });

  test("a stream that is silent, answers to pings included, counts as broken", async () => {
    const pair = await CarrierPair.start();
    const pass = async (intervals: number) => {
      for (let interval = 0; interval < intervals; interval++) {
        pair.timers.pass(15_000);
        await settled();
      }
    };
    await pass(40);
    expect(pair.broken).toEqual([]);
    pair.streams[1].pause();
    await pass(5);
    expect(pair.broken).toContain("opener");
  });
});

describe("another stream for a carrier", () => {
  test("from somebody without the session's secret changes nothing", async () => {
    const pair = await CarrierPair.start();
    const received = collecting(pair.answerer);
    const mac = new Uint8Array(32);
    for (const first of [
      encodeCarrierFrame({ kind: "resume", received: 0, epoch: 1, mac }),
      encodeCarrierFrame({ kind: "begin" }),
      encodeCarrierFrame({ kind: "reset" }),
      data(1, Buffer.from("not the peer's")),
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    ]) {
      const [own, other] = streamPair();
      const raw = new RawCarrier(own);
      const attached = pair.answerer.attach(other);
      own.write(first);
      await expect(attached).rejects.toThrow();
      expect(raw.frames).toEqual([]);
    }
    pair.opener.write("still here");
    await settled();
    expect(received.bytes().toString()).toBe("still here");
  });

  test("an earlier greeting played again is refused", async () => {
    const pair = await CarrierPair.start();
    await pair.break();
    const [left, right] = streamPair();
    const greeting = once(right, "data") as Promise<[Buffer]>;
    const opening = pair.opener.attach(left).catch(() => "refused");
    const [bytes] = await greeting;
    left.destroy();
    expect(await opening).toBe("refused");
    // First heard by the right end, so that it is used up; then again.
    for (const expected of ["taken", "refused"]) {
      const [own, other] = streamPair();
      own.on("error", () => undefined).resume();
      const attached = pair.answerer.attach(other);
      own.write(bytes);
      expect(
        await attached.then(
          () => "taken",
          () => "refused",
        ),
      ).toBe(expected);
    }
  });

  test("goes on after an answer to a greeting that was lost", async () => {
    const pair = await CarrierPair.start();
    const received = collecting(pair.answerer);
    await pair.break();
    for (let i = 0; i < 3; i++) {
      const [left, right] = streamPair();
      const greeting = once(right, "data") as Promise<[Buffer]>;
      const opening = pair.opener.attach(left).catch(() => "refused");
      const [bytes] = await greeting;
      const [own, other] = streamPair();
      own.on("error", () => undefined).resume();
      const taken = pair.answerer.attach(other);
      own.write(bytes);
      await taken;
      // The answer goes nowhere.
      for (const stream of [left, own]) stream.destroy();
      expect(await opening).toBe("refused");
      await settled();
    }
    await pair.attach();
    pair.opener.write("still here");
    await settled();
    expect(received.bytes().toString()).toBe("still here");
  });

  test("an opener that is told that the session is gone does not wait", async () => {
    const pair = await CarrierPair.start();
    await pair.break();
    const [own, other] = streamPair();
    const error = errorOf(pair.opener);
    const attached = pair.opener.attach(other);
    own.write(encodeCarrierFrame({ kind: "reset" }));
    await expect(attached).rejects.toMatchObject({ code: "PEER_GONE" });
    expect(await error).toBe("PEER_GONE");
  });
});

describe("frames as a hostile relay sends them", () => {
  async function fed(): Promise<{ pair: CarrierPair; feed: (bytes: Uint8Array) => Promise<void> }> {
    const pair = new CarrierPair();
    const [own, other] = streamPair();
    own.on("error", () => undefined).resume();
    const attached = pair.answerer.attach(other);
    own.write(encodeCarrierFrame({ kind: "begin" }));
    await attached;
    pair.answerer.allowResume(new Uint8Array(32));
    const feed = async (bytes: Uint8Array) => {
      own.write(bytes);
      await settled();
    };
    return { pair, feed };
  }

  test("twice or late: dropped", async () => {
    const { pair, feed } = await fed();
    const received = collecting(pair.answerer);
    for (const number of [1, 1, 2, 1, 2, 3]) await feed(data(number, Buffer.from(`${number}`)));
    expect(received.bytes().toString()).toBe("123");
    expect(pair.broken).toEqual([]);
  });

  test("one lost: the stream is given up, and what was lost can come over another", async () => {
    const { pair, feed } = await fed();
    await feed(data(2, Buffer.from("2")));
    expect(pair.broken).toEqual(["answerer"]);
    expect(pair.answerer.destroyed).toBe(false);
  });

  test.each<[string, () => Uint8Array, string]>([
    ["garbage", () => Buffer.from("ffffffffffffffff", "hex"), "WIRE_INVALID"],
    [
      "an acknowledgement of what was never sent",
      () => encodeCarrierFrame({ kind: "ack", number: 1 }),
      "WIRE_UNEXPECTED",
    ],
    ["a second greeting", () => encodeCarrierFrame({ kind: "begin" }), "WIRE_UNEXPECTED"],
    ["a frame too large", () => Buffer.from("03ffffff00000001", "hex"), "WIRE_TOO_LARGE"],
    ["data without data", () => Buffer.from("0300000000000001", "hex"), "WIRE_INVALID"],
    ["data that is numbered 0", () => Buffer.from("030000010000000041", "hex"), "WIRE_INVALID"],
    ["another version", () => Buffer.from("0100000000000002", "hex"), "WIRE_INVALID"],
    ["a reset", () => encodeCarrierFrame({ kind: "reset" }), "PEER_GONE"],
    [
      "more than the window, to a reader that reads nothing",
      () => {
        const body = Buffer.alloc(MAX_CARRIER_DATA_BYTES);
        return Buffer.concat(
          Array.from({ length: Math.ceil((2 * WINDOW_BYTES) / body.length) }, (_, i) => data(i + 1, body)),
        );
      },
      "WIRE_TOO_LARGE",
    ],
    [
      "data after the end",
      () => Buffer.concat([encodeCarrierFrame({ kind: "end", number: 1 }), data(2, Buffer.from("2"))]),
      "WIRE_UNEXPECTED",
    ],
  ])("%s ends the session", async (_name, bytes, code) => {
    const { pair, feed } = await fed();
    const error = errorOf(pair.answerer);
    await feed(bytes());
    expect(await error).toBe(code);
  });
});

test("a reader of a few bytes at a time costs both ends no more than windows", async () => {
  const pair = await CarrierPair.start();
  const chunk = Buffer.alloc(262_144);
  let written = 0;
  const write = () => {
    while (written < 1_000 && pair.opener.write(chunk)) written++;
  };
  pair.opener.on("drain", write);
  write();
  let most = 0;
  for (let read = 0; read < 200; read++) {
    pair.answerer.read(1_024);
    await new Promise((go) => setImmediate(go));
    most = Math.max(most, pair.opener.heldBytes + pair.opener.writableLength + pair.answerer.heldBytes);
  }
  // 250 MB were offered. The window counts once at each end, and each has its own stream's buffers.
  expect(most).toBeGreaterThan(WINDOW_BYTES);
  expect(most).toBeLessThan(3 * WINDOW_BYTES);
  pair.opener.destroy();
  pair.answerer.destroy();
});
