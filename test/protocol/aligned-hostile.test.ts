/** A peer of aligned that does not follow the protocol: each deviation is its typed error, at once. */
import { describe, expect, test } from "vitest";
import { aligned } from "../../party/protocols/aligned/protocol.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { ALIGNED_TYPE, type AlignedKind, encodeAligned } from "../../proto/codec/aligned.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { uintBe } from "../../proto/encoding/bytes.ts";
import { entente } from "../../proto/gen/messages.js";
import { runAligned, spreadIds } from "../support/aligned-run.ts";
import { damagedSeals, flip, MALFORMED, MISPLACED, type Replacement } from "../support/hostile-frames.ts";
import { testContext } from "../support/psi-run.ts";

const { AlignedReceiverMessage, AlignedSenderMessage } = entente.v1;
const platform = await createPlatform();
const protocol = aligned({ chunkRows: 4 });
const context = testContext({ receiverCapacity: 12, senderCapacity: 12, labelBytes: 8 });
const gateKey = new Uint8Array(32).fill(0x47);
const numbers = [1, 2, 3, 4, 5, 6];
const input = { listed: numbers, held: [6, 7, 1, 2, 3, 4, 5, 8], gateKey };
const code = (name: string) => expect.objectContaining({ code: name });

function withFrame(kind: AlignedKind, chunk: number, replace: (frame: Frame) => readonly Frame[]) {
  return runAligned(platform, protocol, context, input, ({ frame }) =>
    frame.type === ALIGNED_TYPE[kind] && frame.chunk === chunk ? replace(frame) : [frame],
  );
}

function hashesOf(frame: Frame): Uint8Array {
  return Uint8Array.from(AlignedReceiverMessage.decode(frame.body).listed?.hashes as Uint8Array);
}

function withBytes(kind: AlignedKind, frame: Frame, bytes: Uint8Array): Frame {
  return encodeAligned({ ...frame, kind, bytes });
}

function withHash(frame: Frame, at: number, hash: Uint8Array): Frame {
  const hashes = hashesOf(frame);
  hashes.set(hash, 16 * at);
  return withBytes("listed", frame, hashes);
}

const CHUNKS: readonly (readonly [AlignedKind, number])[] = [
  ["count", 0],
  ["listed", 0],
  ["listed", 1],
  ["listed", 2],
  ["sealedLabels", 0],
  ["sealedLabels", 2],
];

test("nothing replaced: the run ends with its rows", () => {
  const { sealed } = withFrame("count", 0, (frame) => [frame]);
  expect([...protocol.openPartition(platform, context, sealed, gateKey).rows]).toEqual([0, 1, 2, 3, 4, 5]);
});

test("type numbers are the schema's field numbers", () => {
  const { frames } = withFrame("count", 0, (frame) => [frame]);
  const kinds = frames.map(({ by, frame }) => {
    const message =
      by === "receiver" ? AlignedReceiverMessage.decode(frame.body) : AlignedSenderMessage.decode(frame.body);
    return [frame.type, message.body];
  });
  expect(new Map(kinds as [number, string][])).toEqual(
    new Map([
      [48, "count"],
      [49, "listed"],
      [50, "sealedLabels"],
    ]),
  );
});

describe.each(CHUNKS)("%s frame, chunk %i", (kind, chunk) => {
  test.each<Replacement>([
    ...MISPLACED,
    ["an unknown type", (f) => [{ ...f, type: 9 }]],
    ["the type of another member", (f) => [{ ...f, type: 48 + ((f.type - 47) % 3) }]],
  ])("%s is WIRE_UNEXPECTED", (_, replace) => {
    expect(() => withFrame(kind, chunk, replace)).toThrow(code("WIRE_UNEXPECTED"));
  });

  test.each(MALFORMED)("%s is WIRE_INVALID", (_, replace) => {
    expect(() => withFrame(kind, chunk, replace)).toThrow(code("WIRE_INVALID"));
  });

  test("left out, it is WIRE_UNEXPECTED at the next one, or missed at the end", () => {
    const without = () => withFrame(kind, chunk, () => []);
    if (chunk === 2) expect(without).toThrow(/waits/);
    else expect(without).toThrow(code("WIRE_UNEXPECTED"));
  });

  test("twice, it is WIRE_UNEXPECTED, or never read", () => {
    const again = () => withFrame(kind, chunk, (frame) => [frame, frame]);
    if (chunk === 2) expect(again().sealed.sealed).toHaveLength(3);
    else expect(again).toThrow(code("WIRE_UNEXPECTED"));
  });
});

describe("a list", () => {
  test.each([0, 1, 3])("with a row that is not there, in place %i, is SESSION_MISMATCH", (at) => {
    expect(() => withFrame("listed", 0, (f) => [withHash(f, at, spreadIds([99]))])).toThrow(code("SESSION_MISMATCH"));
    const near = spreadIds([1]);
    near[0] = 1;
    expect(() => withFrame("listed", 0, (f) => [withHash(f, at, near)])).toThrow(code("SESSION_MISMATCH"));
    expect(() => withFrame("listed", 0, (f) => [withHash(f, at, new Uint8Array(16))])).toThrow(
      code("SESSION_MISMATCH"),
    );
  });

  test("with a row twice, in one frame or in two, is WIRE_INVALID", () => {
    expect(() => withFrame("listed", 0, (f) => [withHash(f, 3, hashesOf(f).subarray(0, 16))])).toThrow(
      code("WIRE_INVALID"),
    );
    let earlier = new Uint8Array(0);
    const replay = () =>
      runAligned(platform, protocol, context, input, ({ frame }) => {
        if (frame.type !== ALIGNED_TYPE.listed) return [frame];
        if (frame.chunk === 0) earlier = hashesOf(frame).slice(16, 32);
        return frame.chunk === 1 ? [withHash(frame, 0, earlier)] : [frame];
      });
    expect(replay).toThrow(code("WIRE_INVALID"));
  });

  test("with more rows than it says is WIRE_INVALID: one behind the last, or all of them", () => {
    expect(() => withFrame("listed", 1, (f) => [withHash(f, 2, spreadIds([8]))])).toThrow(code("WIRE_INVALID"));
    expect(() => withFrame("listed", 2, (f) => [withHash(f, 3, spreadIds([8]))])).toThrow(code("WIRE_INVALID"));
    expect(() => withFrame("count", 0, (f) => [withBytes("count", f, uintBe(0, 4))])).toThrow(code("WIRE_INVALID"));
  });

  test.each([
    [7, "SESSION_MISMATCH"],
    [9, "SESSION_MISMATCH"],
    [12, "SESSION_MISMATCH"],
    [13, "WIRE_INVALID"],
    [0xffffffff, "WIRE_INVALID"],
  ])("that says it has %d rows is %s", (count, expected) => {
    expect(() => withFrame("count", 0, (f) => [withBytes("count", f, uintBe(count, 4))])).toThrow(code(expected));
  });
});

describe("opening", () => {
  const { sealed } = withFrame("count", 0, (frame) => [frame]);

  test.each(damagedSeals(sealed, gateKey, context))("%s is SEAL_INVALID", (_, partition, key, scope) => {
    expect(() => protocol.openPartition(platform, scope, partition, key)).toThrow(code("SEAL_INVALID"));
  });

  test("a tampered sealed frame passes the session and fails at the seal", () => {
    const run = withFrame("sealedLabels", 1, (f) => [{ ...f, body: flip(f.body, f.body.length - 20) }]);
    expect(() => protocol.openPartition(platform, context, run.sealed, gateKey)).toThrow(code("SEAL_INVALID"));
  });
});
