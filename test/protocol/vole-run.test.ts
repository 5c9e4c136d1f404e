import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as vole from "../../party/crypto/vole/index.ts";
import { encodeHeader, type Frame } from "../../proto/codec/frame.ts";
import { VOLE_TYPE } from "../../proto/codec/vole.ts";
import { concat, toHex } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { fixedRandom } from "../support/fixed-random.ts";
import { runVole, testScope, volePlatform, wrongRows } from "../support/vole-run.ts";

const receiver = await volePlatform();
const sender = await volePlatform();
const parties = { receiver, sender };

const field = (outputs: number) => ({ outputs, profile: "field" }) as const;

/** Rows whose 16 bytes are all zero, or equal to another's. */
function degenerate(vector: Uint8Array): number {
  const rows = new Set<string>();
  for (let at = 0; at < vector.length; at += 16) rows.add(toHex(vector.subarray(at, at + 16)));
  rows.delete("00".repeat(16));
  return vector.length / 16 - rows.size;
}

describe("C = A * Delta + B", () => {
  test.each([1, 2, 10, 999, 16_384, 20_000])("%i outputs", (outputs) => {
    const run = runVole(parties, field(outputs));
    expect([run.a.length, run.b.length, run.c.length]).toEqual([outputs * 16, outputs * 16, outputs * 16]);
    expect(wrongRows(receiver, run)).toBe(0);
    expect([degenerate(run.a), degenerate(run.b), degenerate(run.c)]).toEqual([0, 0, 0]);
  });
  test("in every chunk of several, whose base VOLE is the last rows of the chunk before", () => {
    const outputs = 2 ** 18 + 1;
    const run = runVole(parties, field(outputs));
    expect(vole.voleShape(field(outputs)).chunks).toBe(2);
    expect(wrongRows(receiver, run)).toBe(0);
    expect(degenerate(run.a.subarray(-16 * 50_000))).toBe(0);
    expect(run.frames.filter(({ frame }) => frame.type === VOLE_TYPE.noisy).length).toBe(1);
    // All working memory was given back: only the code's tables stay.
    const mark = sender.kernels.vole.mark();
    runVole(parties, field(outputs));
    expect(sender.kernels.vole.mark()).toBe(mark);
  });
  test.each([
    [1, 8],
    [5000, 11],
    [2 ** 18 + 1, 12],
  ])("in `planes`: %i outputs, all of A in its %i bytes", (outputs, valueBytes) => {
    const run = runVole(parties, { outputs, profile: "planes", valueBytes });
    expect(wrongRows(receiver, run)).toBe(0);
    for (let at = 0; at < run.a.length; at += 16)
      for (let i = at + valueBytes; i < at + 16; i++) if (run.a[i] !== 0) throw new Error(`row ${at / 16}`);
  });
  test("the check can fail: one changed bit of a correction, or another session, breaks it", () => {
    const flip = (frame: Frame): readonly Frame[] => {
      if (frame.type !== VOLE_TYPE.correction) return [frame];
      const body = concat(frame.body);
      body[body.length - 1] = (body[body.length - 1] as number) ^ 1;
      return [{ ...frame, body }];
    };
    expect(wrongRows(receiver, runVole(parties, field(100), { tamper: flip }))).toBeGreaterThan(0);
    const receiverScope = { ...testScope, sessionId: new Uint8Array(32) };
    expect(wrongRows(receiver, runVole({ ...parties, receiverScope }, field(100)))).toBe(100);
  });
});

test("frames are of the announced length, and the whole transcript is that of fixed randomness", async () => {
  const golden = {
    receiver: await volePlatform({ random: fixedRandom("vole receiver") }),
    sender: await volePlatform({ random: fixedRandom("vole sender") }),
  };
  const { frames, a, b, c, delta } = runVole(golden, field(1000));
  const bodies = frames.map(({ frame }) => [frame.type, frame.round, frame.chunk, frame.body.length]);
  expect(bodies).toEqual([
    [96, 1, 0, 37],
    [97, 2, 0, 8_199],
    [98, 3, 0, 1_572_873],
    [99, 4, 0, 73_737],
    [100, 5, 0, 159_753],
  ]);
  const transcript = createHash("sha256");
  for (const { frame } of frames)
    transcript.update(encodeHeader(frame, frame.body.length, new Uint8Array(8))).update(frame.body);
  const outputs = createHash("sha256");
  for (const part of [delta, a, b, c]) outputs.update(part);
  expect(transcript.digest("hex")).toMatchInlineSnapshot(
    `"0630caadceba724532dcf432043217671129a02a586f527cc7a1c5ee039d018b"`,
  );
  expect(outputs.digest("hex")).toMatchInlineSnapshot(
    `"7609bc06484f7635a2b193b76d27548614cedc9181944dd7175acf4640258c6d"`,
  );
});

describe("hostile frames", () => {
  const errorOf = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return error instanceof EntenteError ? error.code : String(error);
    }
    return "no error";
  };

  test("what is not the frame due is refused at every step, and the honest frame is still taken after it", () => {
    const earlier: Frame[] = [];
    const kinds = new Set<number>();
    const before = (frame: Frame, take: (other: Frame) => void) => {
      const { type, round, partition, chunk, body } = frame;
      kinds.add(type);
      const unexpected: Frame[] = [
        { ...frame, chunk: chunk + 1 },
        { ...frame, round: round + 1 },
        { ...frame, partition: partition + 1 },
        ...Object.values(VOLE_TYPE).flatMap((other) => (other === type ? [] : [{ ...frame, type: other }])),
        // Replayed, reflected, or of the chunk before.
        ...earlier,
      ];
      for (const other of unexpected) expect(errorOf(() => take(other))).toBe("WIRE_UNEXPECTED");
      const invalid = [
        body.subarray(0, -1),
        concat(body, Uint8Array.of(0)),
        new Uint8Array(body.length + 100),
        new Uint8Array(0),
        // An unknown field that says nothing.
        concat(body, Uint8Array.of(8, 0)),
      ];
      for (const other of invalid) expect(errorOf(() => take({ ...frame, body: other }))).toBe("WIRE_INVALID");
      if (type === VOLE_TYPE.baseKey || type === VOLE_TYPE.baseChoices) {
        const noElement = concat(body);
        noElement.fill(0xff, body.length - 32);
        expect(errorOf(() => take({ ...frame, body: noElement }))).toBe("POINT_INVALID");
      }
      earlier.push(frame);
    };
    const run = runVole(parties, field(2 ** 18 + 1), { before });
    expect(wrongRows(receiver, run)).toBe(0);
    expect([...kinds].sort((a, b) => a - b)).toEqual(Object.values(VOLE_TYPE));
  });
  test("a message whose bytes were cut after decoding is WIRE_INVALID all the same", () => {
    const first = vole.startVoleReceiver(receiver, testScope, field(10));
    const second = vole.startVoleSender(sender, testScope, field(10));
    if (second.kind === "done") throw new Error("too early");
    const { state } = second;
    const [key] = [...first.send] as [vole.VoleMessage];
    expect(errorOf(() => vole.nextVoleSender(sender, state, { ...key, bytes: key.bytes.subarray(1) }))).toBe(
      "WIRE_INVALID",
    );
  });
});

test("wipe leaves no secret in a state", () => {
  const options = { outputs: 10, profile: "field" } as const;
  const started = vole.startVoleReceiver(receiver, testScope, options);
  const waiting = vole.startVoleSender(sender, testScope, options);
  if (started.kind === "done" || waiting.kind === "done") throw new Error("too early");
  vole.wipeVoleReceiver(started.state);
  expect(started.state.round === "await-choices" && started.state.baseOt.scalarSecret.every((b) => b === 0)).toBe(true);
  vole.wipeVoleSender(waiting.state);
  expect(waiting.state.deltaSecret.every((b) => b === 0)).toBe(true);
});
