/** aligned against the plain answer: every listed row and its label; what the wire shows; a golden transcript. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alignedParams, parametersDigest } from "../../party/protocols/aligned/params.ts";
import { aligned } from "../../party/protocols/aligned/protocol.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { type AlignedRun, runAligned } from "../support/aligned-run.ts";
import { fixedRandom } from "../support/fixed-random.ts";
import { idsOf, labelsOf, plainMatches, testContext, transcriptDigest, wireShape } from "../support/psi-run.ts";

const platform = await createPlatform();
const gateKey = new Uint8Array(32).fill(0x47);
const small = aligned({ chunkRows: 4 });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("matches the plain answer", () => {
  test.each<[string, number[], number[]]>([
    ["nobody of nobody", [], []],
    ["nobody of ten", [], range(0, 10)],
    ["one of one", [5], [5]],
    ["two of ten, in another order", [7, 3], range(0, 10)],
    ["all", range(0, 10), range(0, 10).reverse()],
    ["full to the capacity", range(0, 16), range(0, 16)],
  ])("%s", (_, listed, held) => {
    for (const labelBytes of [1, 8, 256]) {
      const context = testContext({ labelBytes });
      const { sealed } = runAligned(platform, small, context, { listed, held, gateKey });
      expect(small.openPartition(platform, context, sealed, gateKey)).toEqual(plainMatches(listed, held, labelBytes));
    }
  });

  test("any list out of any rows, with any chunks, capacities and labels", () => {
    fc.assert(
      fc.property(
        fc.record({
          held: fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 40 }),
          order: fc.infiniteStream(fc.nat()),
          share: fc.double({ min: 0, max: 1, noNaN: true }),
          spare: fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })),
          chunkRows: fc.integer({ min: 1, max: 9 }),
          labelBytes: fc.integer({ min: 1, max: 256 }),
          partition: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        }),
        ({ held, order, share, spare, chunkRows, labelBytes, partition }) => {
          const keys = new Map(held.map((number) => [number, order.next().value as number]));
          const listed = held
            .toSorted((a, b) => (keys.get(a) as number) - (keys.get(b) as number))
            .slice(0, Math.round(share * held.length));
          const context = testContext({
            receiverCapacity: Math.max(1, listed.length + spare[0]),
            senderCapacity: Math.max(1, held.length + spare[1]),
            labelBytes,
            partition,
          });
          const protocol = aligned({ chunkRows });
          const { sealed, rows } = runAligned(platform, protocol, context, { listed, held, gateKey });
          expect(Array.from(rows, (row) => held[row]).sort()).toEqual(listed.toSorted());
          expect(protocol.openPartition(platform, context, sealed, gateKey)).toEqual(
            plainMatches(listed, held, labelBytes),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test("70,000 of 100,000 rows in the chunks of a real run", () => {
    const protocol = aligned();
    const context = testContext({ receiverCapacity: 80_000, senderCapacity: 110_000 });
    const [listed, held] = [range(20_000, 90_000).reverse(), range(0, 100_000)];
    const { sealed, frames } = runAligned(platform, protocol, context, { listed, held, gateKey });
    expect(frames).toHaveLength(5);
    expect(protocol.openPartition(platform, context, sealed, gateKey)).toEqual(plainMatches(listed, held, 8));
  });
});

describe("what the wire shows", () => {
  test("to whoever counts bytes depends on the capacity, not on how many are listed or held", () => {
    const runs = [[], [1], range(0, 16)].map((listed) =>
      runAligned(platform, small, testContext(), { listed, held: range(0, 16), gateKey }),
    );
    for (const run of runs) expect(wireShape(run)).toEqual(wireShape(runs[0] as AlignedRun));
    const sparse = runAligned(platform, small, testContext(), { listed: [1], held: [1], gateKey });
    expect(wireShape(sparse)).toEqual(wireShape(runs[0] as AlignedRun));
  });

  test("rows are listed in the order of a fresh permutation, not of the receiver's dataset", () => {
    const listedTwice = [0, 1].map(() =>
      runAligned(platform, small, testContext(), { listed: range(0, 16), held: range(0, 16), gateKey }),
    );
    const [first, second] = listedTwice.map(({ rows }) => [...rows]);
    expect(first).not.toEqual(range(0, 16));
    expect(first).not.toEqual(second);
  });

  test("what the receiver holds before the gate opens has no label, and opens under G alone", () => {
    const context = testContext({ labelBytes: 16 });
    const numbers = range(0, 16);
    const { sealed, frames } = runAligned(platform, small, context, { listed: numbers, held: numbers, gateKey });
    const bytes = [...sealed.sealed.flatMap(({ header, body }) => [header, body]), ...frames.map((f) => f.frame.body)];
    const held = Buffer.concat([sealed.outputs, ...bytes]);
    for (const number of numbers) expect(held.includes(labelsOf([number], 16))).toBe(false);
    expect(() => small.openPartition(platform, context, sealed, new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: "SEAL_INVALID" }),
    );
    expect(small.openPartition(platform, context, sealed, gateKey).rows).toHaveLength(16);
  });

  test("golden transcript: with fixed randomness every byte on the wire is fixed", async () => {
    const fixed = await createPlatform({ random: fixedRandom("aligned") });
    const context = testContext();
    const { frames, sealed } = runAligned(fixed, small, context, { listed: [4, 2, 3], held: [2, 3, 4, 5], gateKey });
    expect(frames).toHaveLength(9);
    expect(transcriptDigest({ frames }, context)).toBe(
      "4e24b6077f4a439e69aff97e245bfe970c751f879c1ca7fc3b5e87a1c780af91",
    );
    expect(small.openPartition(platform, context, sealed, gateKey)).toEqual(plainMatches([4, 2, 3], [2, 3, 4, 5], 8));
  });
});

describe("parameters", () => {
  const shape = { partitions: 4, receiverCapacity: 1024, senderCapacity: 2048, labelBytes: 8 };

  test("the digest tells every one apart", () => {
    const changes = [{}, { partitions: 5 }, { receiverCapacity: 1025 }, { senderCapacity: 2049 }, { labelBytes: 9 }];
    const digests = [...changes.map((change) => parametersDigest({ ...shape, ...change })), parametersDigest(shape, 4)];
    expect(new Set(digests.map(toHex)).size).toBe(6);
  });

  test.each([
    { partitions: 0 },
    { partitions: 1025 },
    { receiverCapacity: 0 },
    { receiverCapacity: 2 ** 18 + 1 },
    { senderCapacity: 1.5 },
    { senderCapacity: 2 ** 18 + 1 },
    { labelBytes: 0 },
    { labelBytes: 257 },
  ])("refuses %o", (other) => {
    expect(() => alignedParams({ ...shape, ...other })).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
  });

  test("lists and labels that do not fit their partition are refused before anything is sent", () => {
    const context = testContext({ receiverCapacity: 2, senderCapacity: 2 });
    const INTERNAL = expect.objectContaining({ code: "INTERNAL" });
    for (const ids of [idsOf(1, 2, 3), new Uint8Array(17)]) {
      expect(() => small.receiver.start(platform, context, { ids })).toThrow(INTERNAL);
      expect(() => small.sender.start(context, { ids })).toThrow(INTERNAL);
    }
    expect(() => small.sender.start(context, { ids: idsOf(1, 1) })).toThrow(INTERNAL);
    for (const wrong of [
      { labels: new Uint8Array(24), gateKey },
      { labels: new Uint8Array(7), gateKey },
      { labels: new Uint8Array(8), gateKey: new Uint8Array(16) },
    ])
      expect(() => [...small.sender.sealLabels(platform, context, wrong)]).toThrow(INTERNAL);
  });
});
