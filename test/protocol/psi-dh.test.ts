import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchTag } from "../../party/crypto/kdf.ts";
import { blind, evaluate } from "../../party/crypto/oprf.ts";
import { sealKey, unseal } from "../../party/crypto/seal.ts";
import { psiDhParams } from "../../party/protocols/psi-dh/params.ts";
import { psiDh } from "../../party/protocols/psi-dh/protocol.ts";
import type { PartitionContext } from "../../party/protocols/step.ts";
import { createPlatform } from "../../party/session/platform.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { entente } from "../../proto/gen/messages.js";
import { classRows } from "../../proto/size-class.ts";
import { fixedRandom } from "../support/fixed-random.ts";
import {
  idsOf,
  labelsOf,
  type PsiRun,
  plainMatches,
  runPsi,
  testContext,
  transcriptDigest,
  wireShape,
} from "../support/psi-run.ts";

const platform = await createPlatform();
const gateKey = new Uint8Array(32).fill(0x47);
const small = psiDh({ chunkRows: 4 });

function run(context: PartitionContext, receiver: readonly number[], sender: readonly number[], on = platform): PsiRun {
  return runPsi(on, small, context, {
    receiverIds: idsOf(...receiver),
    senderIds: idsOf(...sender),
    labels: labelsOf(sender, context.labelBytes),
    gateKey,
  });
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("matches the plain answer", () => {
  const lists = [
    { what: "both empty", receiver: [], sender: [] },
    { what: "receiver empty", receiver: [], sender: range(0, 10) },
    { what: "sender empty", receiver: range(0, 10), sender: [] },
    { what: "1 and 1, equal", receiver: [5], sender: [5] },
    { what: "1 and 1, disjoint", receiver: [5], sender: [6] },
    { what: "2 and 10", receiver: [7, 3], sender: range(0, 10) },
    { what: "10 and 10, equal", receiver: range(0, 10), sender: range(0, 10).reverse() },
    { what: "disjoint", receiver: range(0, 10), sender: range(10, 20) },
    { what: "nested", receiver: range(0, 16), sender: range(4, 8) },
    { what: "full to the capacity", receiver: range(0, 16), sender: range(8, 24) },
  ];
  for (const { what, receiver, sender } of lists) {
    test.each([0, 8, 256])(`${what}, labels of %i bytes`, (labelBytes) => {
      const context = testContext({ labelBytes });
      const { sealed } = run(context, receiver, sender);
      expect(small.openPartition(platform, context, sealed, gateKey)).toEqual(
        plainMatches(receiver, sender, labelBytes),
      );
    });
  }

  test("2,000 and 1,500 rows in the sizes and chunks of a real run", () => {
    const protocol = psiDh();
    const context = testContext({ receiverCapacity: classRows(88), senderCapacity: classRows(85), labelBytes: 8 });
    const receiver = range(0, 2000);
    const sender = range(1200, 2700).reverse();
    const { sealed } = runPsi(platform, protocol, context, {
      receiverIds: idsOf(...receiver),
      senderIds: idsOf(...sender),
      labels: labelsOf(sender, 8),
      gateKey,
    });
    const matches = protocol.openPartition(platform, context, sealed, gateKey);
    expect(matches).toEqual(plainMatches(receiver, sender, 8));
    expect(matches.rows).toHaveLength(800);
  });

  test("any lists, capacities, chunks and label lengths", () => {
    const list = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 12 });
    fc.assert(
      fc.property(
        fc.record({
          receiver: list,
          sender: list,
          spareReceiver: fc.integer({ min: 0, max: 6 }),
          spareSender: fc.integer({ min: 0, max: 6 }),
          chunkRows: fc.integer({ min: 1, max: 9 }),
          labelBytes: fc.integer({ min: 0, max: 256 }),
          partition: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        }),
        ({ receiver, sender, spareReceiver, spareSender, chunkRows, labelBytes, partition }) => {
          const context = testContext({
            receiverCapacity: Math.max(1, receiver.length + spareReceiver),
            senderCapacity: Math.max(1, sender.length + spareSender),
            labelBytes,
            partition,
          });
          const protocol = psiDh({ chunkRows });
          const input = {
            receiverIds: idsOf(...receiver),
            senderIds: idsOf(...sender),
            labels: labelsOf(sender, labelBytes),
            gateKey,
          };
          const { sealed } = runPsi(platform, protocol, context, input);
          expect(protocol.openPartition(platform, context, sealed, gateKey)).toEqual(
            plainMatches(receiver, sender, labelBytes),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("what the wire shows", () => {
  test("depends on capacities and label length, not on the lists", () => {
    const context = testContext();
    const shapes = [
      run(context, [], []),
      run(context, [1], [1]),
      run(context, range(0, 16), range(0, 16)),
      run(context, range(0, 16), range(20, 25)),
    ].map(wireShape);
    for (const other of shapes) expect(other).toEqual(shapes[0]);
    expect(wireShape(run(testContext({ labelBytes: 9 }), [], []))).not.toEqual(shapes[0]);
  });

  test("no list order, id, tag or label crosses in the clear, and no run repeats a byte string of another", () => {
    const context = testContext({ labelBytes: 16 });
    const numbers = range(0, 16);
    const runs = [run(context, numbers, numbers), run(context, numbers, numbers)];
    const wire = runs.map(({ frames }) => frames.map(({ frame }) => Buffer.from(frame.body)));
    for (const body of wire.flat()) {
      for (const number of numbers) {
        expect(body.includes(idsOf(number))).toBe(false);
        expect(body.includes(labelsOf([number], 16))).toBe(false);
      }
    }
    const elements = (bodies: readonly Buffer[]) =>
      bodies.flatMap((b) => Array.from({ length: b.length - 31 }, (_, i) => b.subarray(i, i + 32).toString("hex")));
    const first = new Set(elements(wire[0] as Buffer[]));
    expect(elements(wire[1] as Buffer[]).some((window) => first.has(window))).toBe(false);
  });

  test("what the receiver holds before the gate opens has neither tag nor label, and opens under G alone", () => {
    const context = testContext({ labelBytes: 16 });
    const numbers = range(0, 16);
    const { sealed } = run(context, numbers, numbers);
    const held = Buffer.concat([sealed.outputs, ...sealed.sealed.flatMap(({ header, body }) => [header, body])]);
    for (const number of numbers) expect(held.includes(labelsOf([number], 16))).toBe(false);
    expect(() => small.openPartition(platform, context, sealed, new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: "SEAL_INVALID" }),
    );
    expect(small.openPartition(platform, context, sealed, gateKey).rows).toHaveLength(16);
  });

  test("outputs are F(x) under a key that is new in every run", () => {
    const context = testContext();
    const keys: Uint8Array[] = [];
    const spied = {
      ...platform,
      ristretto255: {
        ...platform.ristretto255,
        randomScalar: () => {
          const scalar = platform.ristretto255.randomScalar();
          keys.push(Uint8Array.from(scalar));
          return scalar;
        },
      },
    };
    const outputs = [run(context, [4], [], spied), run(context, [4], [], spied)].map((r) => r.sealed.outputs);
    expect(outputs[0]).not.toEqual(outputs[1]);
    const input = Buffer.concat([
      Buffer.from("entente psi-dh input/1"),
      context.sessionId,
      Uint8Array.of(0, 0, 0, context.partition),
      idsOf(4),
    ]);
    const possible = keys.map((key) => toHex(evaluate(platform, key, input).subarray(0, 32)));
    for (const output of outputs) expect(possible).toContain(toHex(output as Uint8Array));
  });

  test("rows cross in the order of a fresh permutation, not of the list", () => {
    const context = testContext({ labelBytes: 0 });
    const numbers = range(0, 16);
    const prefix = Buffer.concat([
      Buffer.from("entente psi-dh input/1"),
      context.sessionId,
      Uint8Array.of(0, 0, 0, context.partition),
    ]);
    const listOrder = Uint32Array.from(numbers);
    const one = psiDh({ chunkRows: 16 });
    const receiver = one.receiver.start(platform, context, { ids: idsOf(...numbers) });
    const blinded = [...receiver.send][0];
    if (receiver.kind !== "continue" || receiver.state.round !== "await-evaluated" || blinded === undefined)
      throw new Error("the receiver waits");
    const { rowsSecret, blindSecrets } = receiver.state;
    expect(rowsSecret).not.toEqual(listOrder);
    const elements = entente.v1.PsiDhReceiverMessage.decode(blinded.body).blinded?.elements as Uint8Array;
    rowsSecret.forEach((row, position) => {
      const blindSecret = blindSecrets.get(0)?.subarray(position * 32, position * 32 + 32) as Uint8Array;
      const element = blind(platform, Buffer.concat([prefix, idsOf(row)]), blindSecret);
      expect(toHex(elements.subarray(position * 32, position * 32 + 32))).toBe(toHex(element));
    });

    const sender = one.sender.start(platform, context, { ids: idsOf(...numbers), labels: new Uint8Array(0), gateKey });
    if (sender.kind !== "continue") throw new Error("the sender waits");
    const senderOrder = Uint32Array.from(sender.state.own.rowsSecret);
    const key = Uint8Array.from(sender.state.keySecret);
    expect(senderOrder).not.toEqual(listOrder);
    expect(senderOrder).not.toEqual(rowsSecret);
    const [, sealedFrame] = [...one.sender.next(platform, sender.state, blinded).send];
    const ciphertext = entente.v1.PsiDhSenderMessage.decode((sealedFrame as Frame).body).sealedTags?.ciphertext;
    const tags = unseal(
      platform,
      {
        key: sealKey(platform, gateKey, context),
        header: { type: 3, round: 3, partition: context.partition, chunk: 0 },
        frameSession: context.frameSession,
      },
      ciphertext as Uint8Array,
    );
    const { tagBytes } = psiDhParams(context);
    senderOrder.forEach((row, position) => {
      const output = evaluate(platform, key, Buffer.concat([prefix, idsOf(row)])).subarray(0, 32);
      const tag = matchTag(platform, context, tagBytes)(output);
      expect(toHex(tags.subarray(position * tagBytes, (position + 1) * tagBytes))).toBe(toHex(tag));
    });
  });

  test("secrets are overwritten when a role is done, and by wipe", () => {
    const context = testContext();
    const receiver = small.receiver.start(platform, context, { ids: idsOf(1, 2) });
    const sender = small.sender.start(platform, context, { ids: idsOf(1), labels: new Uint8Array(8), gateKey });
    const frames = [...receiver.send];
    if (receiver.kind !== "continue" || sender.kind !== "continue") throw new Error("both go on");
    const { rowsSecret, blindSecrets } = receiver.state as Extract<typeof receiver.state, { round: "await-evaluated" }>;
    const blinds = [...blindSecrets.values()];
    expect(blinds.some((b) => b.some((byte) => byte !== 0))).toBe(true);
    small.receiver.wipe(receiver.state);
    expect([...blinds, rowsSecret].every((secret) => secret.every((value) => value === 0))).toBe(true);

    const { keySecret, own } = sender.state;
    let step = small.sender.next(platform, sender.state, frames[0] as (typeof frames)[0]);
    for (const frame of frames.slice(1)) {
      for (const _ of step.send);
      if (step.kind !== "continue") throw new Error("the sender goes on");
      step = small.sender.next(platform, step.state, frame);
    }
    expect(step.kind).toBe("done");
    expect(keySecret.some((byte) => byte !== 0)).toBe(true);
    for (const _ of step.send);
    expect([keySecret, own.sealKeySecret, own.rowsSecret].every((s) => s.every((value) => value === 0))).toBe(true);
    expect(gateKey.every((byte) => byte === 0x47)).toBe(true);
  });
});

test("golden transcript: with fixed randomness every byte on the wire is fixed", async () => {
  const fixed = await createPlatform({ random: fixedRandom("psi-dh") });
  const context = testContext();
  const { frames, sealed } = run(context, [1, 2, 3], [2, 3, 4, 5], fixed);
  expect(frames).toHaveLength(12);
  expect(transcriptDigest({ frames }, context)).toBe(
    "7d316d598e15f0768af8ec8c28d44f4583b532701bfb630dc6dd942a4a292c47",
  );
  expect(small.openPartition(platform, context, sealed, gateKey)).toEqual(plainMatches([1, 2, 3], [2, 3, 4, 5], 8));
});

describe("parameters", () => {
  const shape = { partitions: 1024, receiverCapacity: 2 ** 20, senderCapacity: 2 ** 20, labelBytes: 8 };

  test.each([1, 6, 1024])("tags are long enough for the statistical budget of a job of %d partitions", (partitions) => {
    for (const receiverCapacity of [1, 1024, 3000, 2 ** 20, 2 ** 22])
      for (const senderCapacity of [1, 1024, 3000, 2 ** 20, 2 ** 22]) {
        const { tagBytes } = psiDhParams({ partitions, receiverCapacity, senderCapacity, labelBytes: 0 });
        const falseMatches = receiverCapacity * senderCapacity;
        const duplicates = (senderCapacity * (senderCapacity - 1)) / 2;
        expect((partitions * (falseMatches + duplicates)) / 2 ** (8 * tagBytes)).toBeLessThanOrEqual(2 ** -43);
        // No longer than a byte and the rounding of the two logarithms make it.
        expect(partitions * 2 * (falseMatches + duplicates + 1)).toBeGreaterThan(2 ** (8 * tagBytes - 43 - 13));
      }
    expect(psiDhParams(shape).tagBytes).toBe(12);
  });

  test("the digest tells every parameter apart", () => {
    const digests = [
      psiDh().parametersDigest(shape),
      psiDh({ chunkRows: 4 }).parametersDigest(shape),
      psiDh().parametersDigest({ ...shape, receiverCapacity: 1024 }),
      psiDh().parametersDigest({ ...shape, senderCapacity: 1024 }),
      psiDh().parametersDigest({ ...shape, labelBytes: 9 }),
      psiDh().parametersDigest({ ...shape, partitions: 1 }),
    ].map(toHex);
    expect(new Set(digests).size).toBe(6);
  });

  test.each([
    { partitions: 0 },
    { partitions: 1025 },
    { receiverCapacity: 0 },
    { senderCapacity: 1.5 },
    { labelBytes: 257 },
    { labelBytes: -1 },
  ])("refuses %o", (other) => {
    expect(() => psiDhParams({ ...shape, ...other })).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
  });

  test("a list that does not fit its partition is refused before anything is sent", () => {
    const context = testContext({ receiverCapacity: 2, senderCapacity: 2 });
    const INTERNAL = expect.objectContaining({ code: "INTERNAL" });
    expect(() => small.receiver.start(platform, context, { ids: idsOf(1, 2, 3) })).toThrow(INTERNAL);
    expect(() => small.receiver.start(platform, context, { ids: new Uint8Array(17) })).toThrow(INTERNAL);
    for (const wrong of [
      { ids: idsOf(1, 2, 3), labels: new Uint8Array(24), gateKey },
      { ids: idsOf(1), labels: new Uint8Array(7), gateKey },
      { ids: idsOf(1), labels: new Uint8Array(8), gateKey: new Uint8Array(16) },
    ])
      expect(() => small.sender.start(platform, context, wrong)).toThrow(INTERNAL);
  });
});
