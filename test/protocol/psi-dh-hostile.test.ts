/** A peer that does not follow the protocol: each deviation is its typed error, at once, and nothing matches by accident. */
import { ristretto255 } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { psiDh } from "../../party/protocols/psi-dh/protocol.ts";
import { createPlatform } from "../../party/session/platform.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { decodePsiDh } from "../../proto/codec/psi-dh.ts";
import { concat, fromHex } from "../../proto/encoding/bytes.ts";
import { entente } from "../../proto/gen/messages.js";
import { damagedSeals, flip, MALFORMED, MISPLACED, type Replacement } from "../support/hostile-frames.ts";
import { idsOf, labelsOf, runPsi, type SentFrame, testContext } from "../support/psi-run.ts";
import ristrettoVectors from "../vectors/data/rfc9496-ristretto255/ristretto255.json" with { type: "json" };

const { PsiDhReceiverMessage, PsiDhSenderMessage } = entente.v1;
const platform = await createPlatform();
const protocol = psiDh({ chunkRows: 4 });
const context = testContext({ receiverCapacity: 12, senderCapacity: 12, labelBytes: 8 });
const gateKey = new Uint8Array(32).fill(0x47);
const numbers = [1, 2, 3];
const input = { receiverIds: idsOf(...numbers), senderIds: idsOf(...numbers), labels: labelsOf(numbers, 8), gateKey };

const TYPES = { blinded: 1, evaluated: 2, sealed: 3 };
type Kind = keyof typeof TYPES;

const code = (name: string) => expect.objectContaining({ code: name });

/** Runs with the frame of that kind and chunk replaced. */
function withFrame(kind: Kind, chunk: number, replace: (frame: Frame) => readonly Frame[]) {
  return runPsi(platform, protocol, context, input, ({ frame }: SentFrame) =>
    frame.type === TYPES[kind] && frame.chunk === chunk ? replace(frame) : [frame],
  );
}

function elementsOf(frame: Frame): Uint8Array {
  const bytes =
    frame.type === TYPES.blinded
      ? PsiDhReceiverMessage.decode(frame.body).blinded?.elements
      : PsiDhSenderMessage.decode(frame.body).evaluated?.elements;
  return Uint8Array.from(bytes as Uint8Array);
}

function withElements(frame: Frame, elements: Uint8Array): Frame {
  const body =
    frame.type === TYPES.blinded
      ? PsiDhReceiverMessage.encode({ blinded: { elements } }).finish()
      : PsiDhSenderMessage.encode({ evaluated: { elements } }).finish();
  return { ...frame, body };
}

function withElementAt(frame: Frame, at: number, element: Uint8Array): Frame {
  const elements = elementsOf(frame);
  elements.set(element, at * 32);
  return withElements(frame, elements);
}

test("nothing replaced: the run ends with its matches", () => {
  const { sealed } = withFrame("blinded", 0, (frame) => [frame]);
  expect([...protocol.openPartition(platform, context, sealed, gateKey).rows]).toEqual([0, 1, 2]);
});

describe.each<Kind>(["blinded", "evaluated", "sealed"])("%s frames", (kind) => {
  describe.each([0, 1, 2])("chunk %i", (chunk) => {
    test.each<Replacement>([
      ...MISPLACED,
      ["an unknown type", (f) => [{ ...f, type: 9 }]],
      ["a session frame's type", (f) => [{ ...f, type: 256 }]],
      ["the type of another member", (f) => [{ ...f, type: (f.type % 3) + 1 }]],
    ])("%s is WIRE_UNEXPECTED", (_, replace) => {
      expect(() => withFrame(kind, chunk, replace)).toThrow(code("WIRE_UNEXPECTED"));
    });

    test.each(MALFORMED)("%s is WIRE_INVALID", (_, replace) => {
      expect(() => withFrame(kind, chunk, replace)).toThrow(code("WIRE_INVALID"));
    });

    test("a frame that comes twice is WIRE_UNEXPECTED, or is never read", () => {
      const last = chunk === 2;
      const again = () => withFrame(kind, chunk, (frame) => [frame, frame]);
      // After the last frame that a role waits for, it is done and reads no more: the session then refuses the frame.
      if (last && kind !== "evaluated") expect(again().frames).toHaveLength(9);
      else expect(again).toThrow(code("WIRE_UNEXPECTED"));
    });

    test("a frame that is left out is WIRE_UNEXPECTED at the next one", () => {
      const without = () => withFrame(kind, chunk, () => []);
      if (chunk === 2 && kind !== "evaluated") expect(without).toThrow("both sides wait");
      else expect(without).toThrow(code("WIRE_UNEXPECTED"));
    });
  });
});

describe("the type must be the member that the body holds", () => {
  test("an evaluated body in a sealed frame, and the other way", () => {
    const evaluated = PsiDhSenderMessage.encode({ evaluated: { elements: new Uint8Array(128) } }).finish();
    const sealed = PsiDhSenderMessage.encode({ sealedTags: { ciphertext: new Uint8Array(128) } }).finish();
    expect(() => withFrame("sealed", 0, (f) => [{ ...f, body: evaluated }])).toThrow(code("WIRE_INVALID"));
    expect(() => withFrame("evaluated", 0, (f) => [{ ...f, body: sealed }])).toThrow(code("WIRE_INVALID"));
  });

  test("type numbers are the schema's field numbers", () => {
    const { frames } = withFrame("blinded", 0, (f) => [f]);
    for (const { frame } of frames) expect(frame.body[0]).toBe((frame.type << 3) | 2);
    expect(new Set(frames.map(({ frame }) => frame.type))).toEqual(new Set([1, 2, 3]));
  });
});

describe.each<Kind>(["blinded", "evaluated"])("points of %s frames", (kind) => {
  test.each<readonly [string, Uint8Array]>([
    ["the identity", new Uint8Array(32)],
    ["all ones", new Uint8Array(32).fill(255)],
    ...ristrettoVectors.badEncodings.filter((_, i) => i % 5 === 0).map((hex) => [hex, fromHex(hex)] as const),
  ])("%s is POINT_INVALID", (_, element) => {
    for (const [chunk, at] of [
      [0, 0],
      [1, 2],
      [2, 3],
    ] as const)
      expect(() => withFrame(kind, chunk, (f) => [withElementAt(f, at, element)])).toThrow(code("POINT_INVALID"));
  });

  test("a point of a frame twice is POINT_INVALID", () => {
    expect(() => withFrame(kind, 1, (f) => [withElementAt(f, 3, elementsOf(f).subarray(0, 32))])).toThrow(
      code("POINT_INVALID"),
    );
  });

  test("a point of an earlier frame is POINT_INVALID", () => {
    let earlier = new Uint8Array(0);
    const replay = ({ frame }: SentFrame) => {
      if (frame.type !== TYPES[kind]) return [frame];
      if (frame.chunk === 0) earlier = elementsOf(frame).slice(32, 64);
      return frame.chunk === 2 ? [withElementAt(frame, 0, earlier)] : [frame];
    };
    expect(() => runPsi(platform, protocol, context, input, replay)).toThrow(code("POINT_INVALID"));
  });

  test("one point fewer or more is WIRE_INVALID", () => {
    const point = ristretto255.Point.BASE.toBytes();
    expect(() => withFrame(kind, 1, (f) => [withElements(f, elementsOf(f).subarray(32))])).toThrow(
      code("WIRE_INVALID"),
    );
    expect(() => withFrame(kind, 1, (f) => [withElements(f, concat(elementsOf(f), point))])).toThrow(
      code("WIRE_INVALID"),
    );
  });
});

test("the sender itself refuses a point that came before, in its frame or an earlier one", () => {
  const { send } = protocol.receiver.start(platform, context, { ids: input.receiverIds });
  const [first, second] = [...send] as [Frame, Frame, Frame];
  const senderInput = { ids: input.senderIds, labels: input.labels, gateKey };
  const start = () => {
    const step = protocol.sender.start(platform, context, senderInput);
    if (step.kind !== "continue") throw new Error("the sender waits");
    return step.state;
  };
  const inFrame = withElementAt(first, 3, elementsOf(first).subarray(0, 32));
  expect(() => protocol.sender.next(platform, start(), inFrame)).toThrow(code("POINT_INVALID"));
  const after = protocol.sender.next(platform, start(), first);
  if (after.kind !== "continue") throw new Error("the sender goes on");
  const ofEarlier = withElementAt(second, 0, elementsOf(first).subarray(32, 64));
  expect(() => protocol.sender.next(platform, after.state, ofEarlier)).toThrow(code("POINT_INVALID"));
});

test("the codec itself refuses another length than the one due", () => {
  const body = PsiDhReceiverMessage.encode({ blinded: { elements: new Uint8Array(64) } }).finish();
  const frame = { type: 1, round: 1, partition: 0, chunk: 0, body };
  expect(decodePsiDh(frame, { kind: "blinded", bytes: 64 }).bytes).toEqual(new Uint8Array(64));
  for (const bytes of [62, 63, 65, 96])
    expect(() => decodePsiDh(frame, { kind: "blinded", bytes })).toThrow(code("WIRE_INVALID"));
});

test("a body longer than the one due is refused before it is parsed", () => {
  const long = (frame: Frame) => [withElements(frame, new Uint8Array(1 << 20))];
  expect(() => withFrame("blinded", 0, long)).toThrow(
    expect.objectContaining({ code: "WIRE_INVALID", detail: "psi-dh frame: too long" }),
  );
});

test("an answer before its question is WIRE_UNEXPECTED", () => {
  const step = protocol.receiver.start(platform, context, { ids: input.receiverIds });
  const frame: Frame = withElements(
    { type: 2, round: 2, partition: 3, chunk: 0, body: new Uint8Array(0) },
    new Uint8Array(128).fill(1),
  );
  if (step.kind !== "continue") throw new Error("the receiver goes on");
  const { state } = step;
  expect(() => protocol.receiver.next(platform, state, frame)).toThrow(code("WIRE_UNEXPECTED"));
});

describe("opening", () => {
  const { sealed } = withFrame("blinded", 0, (frame) => [frame]);

  test.each(damagedSeals(sealed, gateKey, context))("%s is SEAL_INVALID", (_, partition, key, scope) => {
    expect(() => protocol.openPartition(platform, scope, partition, key)).toThrow(code("SEAL_INVALID"));
  });

  test("a tampered sealed frame passes the session and fails at the seal", () => {
    const run = withFrame("sealed", 1, (f) => [{ ...f, body: flip(f.body, f.body.length - 20) }]);
    expect(() => protocol.openPartition(platform, context, run.sealed, gateKey)).toThrow(code("SEAL_INVALID"));
  });

  test("a sender that lists a row twice is found out: WIRE_INVALID", () => {
    const twice = runPsi(platform, protocol, context, { ...input, senderIds: idsOf(1, 2, 1) });
    expect(() => protocol.openPartition(platform, context, twice.sealed, gateKey)).toThrow(code("WIRE_INVALID"));
  });
});
