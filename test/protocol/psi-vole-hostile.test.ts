/** A peer that does not follow the protocol: each deviation is its typed error, at once, and nothing matches by accident. */
import { describe, expect, test } from "vitest";
import type { PsiProtocol } from "../../party/protocols/psi.ts";
import { psiVole, psiVoleOver } from "../../party/protocols/psi-vole/protocol.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { decodePsiVole, encodePsiVole, PSI_VOLE_TYPE } from "../../proto/codec/psi-vole.ts";
import { VOLE_TYPE } from "../../proto/codec/vole.ts";
import { concat } from "../../proto/encoding/bytes.ts";
import { entente } from "../../proto/gen/messages.js";
import { dealtVole } from "../support/dealt-vole.ts";
import { fixedRandom } from "../support/fixed-random.ts";
import { damagedSeals, flip, MALFORMED, MISPLACED, type Replacement } from "../support/hostile-frames.ts";
import { idsOf, labelsOf, runPsi, type SentFrame, testContext } from "../support/psi-run.ts";
import { psiVolePlatform } from "../support/psi-vole-platform.ts";

const { PsiVoleReceiverMessage, PsiVoleSenderMessage } = entente.v1;
const platform = await psiVolePlatform();
const protocol = psiVoleOver(dealtVole, { chunkRows: 4 });
const context = testContext({ receiverCapacity: 12, senderCapacity: 12, labelBytes: 8 });
const gateKey = new Uint8Array(32).fill(0x47);
const numbers = [1, 2, 3];
const input = { receiverIds: idsOf(...numbers), senderIds: idsOf(...numbers), labels: labelsOf(numbers, 8), gateKey };
const code = (name: string) => expect.objectContaining({ code: name });

/** Runs with the frame of that type and chunk replaced. */
function withFrame(type: number, chunk: number, replace: (frame: Frame) => readonly Frame[]) {
  return runPsi(platform, protocol, context, input, ({ frame }: SentFrame) =>
    frame.type === type && frame.chunk === chunk ? replace(frame) : [frame],
  );
}

test("nothing replaced: the run ends with its matches", () => {
  const { sealed } = withFrame(PSI_VOLE_TYPE.masked, 0, (frame) => [frame]);
  expect([...protocol.openPartition(platform, context, sealed, gateKey).rows]).toEqual([0, 1, 2]);
});

describe.each([
  { kind: "masked", chunk: 0, last: true },
  { kind: "sealedTags", chunk: 0, last: false },
  { kind: "sealedTags", chunk: 1, last: false },
  { kind: "sealedTags", chunk: 2, last: true },
] as const)("$kind frame $chunk", ({ kind, chunk, last }) => {
  const type = PSI_VOLE_TYPE[kind];

  test.each<Replacement>([
    ...MISPLACED,
    ["an unknown type", (f) => [{ ...f, type: 40 }]],
    ["a session frame's type", (f) => [{ ...f, type: 256 }]],
    ["the type of the other member", (f) => [{ ...f, type: f.type === 32 ? 33 : 32 }]],
    ["a frame of the VOLE", (f) => [{ ...f, type: 68 }]],
    ["a frame of psi-dh", (f) => [{ ...f, type: 1 }]],
  ])("%s is WIRE_UNEXPECTED", (_, replace) => {
    expect(() => withFrame(type, chunk, replace)).toThrow(code("WIRE_UNEXPECTED"));
  });

  test.each<Replacement>([
    ...MALFORMED,
    ["zeros", (f) => [{ ...f, body: f.body.map(() => 0) }]],
    ["the member of the other frame", (f) => [{ ...f, body: f.body.with(0, (f.body[0] as number) ^ 0x08) }]],
  ])("%s is WIRE_INVALID", (_, replace) => {
    expect(() => withFrame(type, chunk, replace)).toThrow(code("WIRE_INVALID"));
  });

  test("a frame that comes twice is WIRE_UNEXPECTED, or is never read", () => {
    const again = () => withFrame(type, chunk, (frame) => [frame, frame]);
    // After the last frame that a role waits for, it is done and reads no more: the session then refuses the frame.
    if (last) expect(again().frames).toHaveLength(6);
    else expect(again).toThrow(code("WIRE_UNEXPECTED"));
  });

  test("a frame that is left out is WIRE_UNEXPECTED at the next one", () => {
    const without = () => withFrame(type, chunk, () => []);
    if (last) expect(without).toThrow("both sides wait");
    else expect(without).toThrow(code("WIRE_UNEXPECTED"));
  });
});

test("bins in another order, or one twice, are WIRE_UNEXPECTED, not a wrong result", () => {
  const count = 20_000;
  const wide = testContext({ receiverCapacity: count, senderCapacity: 10, labelBytes: 0 });
  const lists = { ...input, labels: new Uint8Array(0) };
  let first: Frame | undefined;
  const swap = ({ frame }: SentFrame): readonly Frame[] => {
    if (frame.type !== PSI_VOLE_TYPE.masked) return [frame];
    if (frame.chunk === 1) return [frame, first as Frame];
    first = frame;
    return [];
  };
  expect(() => runPsi(platform, protocol, wide, lists, swap)).toThrow(code("WIRE_UNEXPECTED"));
  const twice = ({ frame }: SentFrame): readonly Frame[] =>
    frame.type === PSI_VOLE_TYPE.masked && frame.chunk === 0 ? [frame, frame] : [frame];
  expect(() => runPsi(platform, protocol, wide, lists, twice)).toThrow(code("WIRE_UNEXPECTED"));
});

describe("over the silent VOLE", () => {
  const silent = psiVole({ chunkRows: 4 });

  test("each of its frames out of turn, truncated or of another partition is a typed error", () => {
    const { frames } = runPsi(platform, silent, context, input);
    const types = [...new Set(frames.map(({ frame }) => frame.type))].filter((type) =>
      (Object.values(VOLE_TYPE) as number[]).includes(type),
    );
    expect(types).toHaveLength(5);
    for (const type of types) {
      const changed = (change: (frame: Frame) => Frame) => () =>
        runPsi(platform, silent as PsiProtocol<unknown, unknown>, context, input, ({ frame }) => [
          frame.type === type ? change(frame) : frame,
        ]);
      expect(changed((f) => ({ ...f, chunk: f.chunk + 1 }))).toThrow(code("WIRE_UNEXPECTED"));
      expect(changed((f) => ({ ...f, partition: f.partition + 1 }))).toThrow(code("WIRE_UNEXPECTED"));
      expect(changed((f) => ({ ...f, body: f.body.subarray(0, -1) }))).toThrow(code("WIRE_INVALID"));
    }
  });

  test("the next VOLE frame where the masked store is due is refused", () => {
    const extensions: Frame[] = [];
    const replay = ({ frame }: SentFrame): readonly Frame[] => {
      if (frame.type === VOLE_TYPE.extension) extensions.push(frame);
      return frame.type === PSI_VOLE_TYPE.masked ? [extensions[0] as Frame] : [frame];
    };
    expect(() => runPsi(platform, silent, context, input, replay)).toThrow(code("WIRE_UNEXPECTED"));
    expect(extensions.length).toBeGreaterThan(0);
  });
});

/** The session's TLS is what finds a changed payload; a receiver that changes its own store has another input. */
test("a receiver that sends noise for its store gets no row and no label", () => {
  const noise = fixedRandom("noise");
  const prefix = 10;
  const noisy = (f: Frame): Frame => ({
    ...f,
    body: concat(f.body.subarray(0, prefix), noise(f.body.length - prefix)),
  });
  const { sealed } = withFrame(PSI_VOLE_TYPE.masked, 0, (f) => [noisy(f)]);
  expect(protocol.openPartition(platform, context, sealed, gateKey)).toEqual({
    rows: new Uint32Array(0),
    labels: new Uint8Array(0),
  });
});

describe("the codec", () => {
  test("bodies are what protobuf makes of the schema, and back", () => {
    for (const length of [1, 63, 127, 128, 20_000, 3_000_000]) {
      const bytes = new Uint8Array(length).fill(7);
      const header = { round: 6, partition: 3, chunk: 2 };
      const masked = encodePsiVole({ kind: "masked", ...header, bytes });
      expect(Buffer.compare(masked.body, PsiVoleReceiverMessage.encode({ masked: { slots: bytes } }).finish())).toBe(0);
      const sealed = encodePsiVole({ kind: "sealedTags", ...header, bytes });
      const wire = PsiVoleSenderMessage.encode({ sealedTags: { ciphertext: bytes } }).finish();
      expect(Buffer.compare(sealed.body, wire)).toBe(0);
      const message = decodePsiVole(masked, { kind: "masked", bytes: length });
      expect({ ...message, bytes: message.bytes.length }).toEqual({ kind: "masked", ...header, bytes: length });
      for (const other of [length - 1, length + 1])
        expect(() => decodePsiVole(masked, { kind: "masked", bytes: other })).toThrow(code("WIRE_INVALID"));
      expect(() => decodePsiVole(masked, { kind: "sealedTags", bytes: length })).toThrow(code("WIRE_UNEXPECTED"));
    }
  });
});

describe("opening", () => {
  const { sealed } = withFrame(PSI_VOLE_TYPE.masked, 0, (frame) => [frame]);

  test.each(damagedSeals(sealed, gateKey, context))("%s is SEAL_INVALID", (_, partition, key, scope) => {
    expect(() => protocol.openPartition(platform, scope, partition, key)).toThrow(code("SEAL_INVALID"));
  });

  test("a tampered sealed frame passes the session and fails at the seal", () => {
    const run = withFrame(PSI_VOLE_TYPE.sealedTags, 1, (f) => [{ ...f, body: flip(f.body, f.body.length - 20) }]);
    expect(() => protocol.openPartition(platform, context, run.sealed, gateKey)).toThrow(code("SEAL_INVALID"));
  });

  test("a sender that lists a row twice is found out: WIRE_INVALID", () => {
    const twice = runPsi(platform, protocol, context, { ...input, senderIds: idsOf(1, 2, 1) });
    expect(() => protocol.openPartition(platform, context, twice.sealed, gateKey)).toThrow(code("WIRE_INVALID"));
  });
});
