/** The statistical budget, and that nothing unsafe can be asked for. */
import { describe, expect, test } from "vitest";
import { DENSE_SLOTS, drawBiasBits, okvsPlan, rankFailure } from "../../party/crypto/okvs/params.ts";
import { logTailBound, MAX_PARTITIONS, partitionPlan } from "../../party/protocols/plan.ts";
import { type Profile, parametersDigest, psiVoleParams } from "../../party/protocols/psi-vole/params.ts";
import { psiVole } from "../../party/protocols/psi-vole/protocol.ts";
import { sealedBytes } from "../../party/protocols/sealed-rows.ts";
import { MAX_BODY_BYTES } from "../../proto/codec/frame.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { classRows } from "../../proto/size-class.ts";

const BAD_REQUEST = expect.objectContaining({ code: "BAD_REQUEST" });
const SIZES = [1, 2, 1000, 1024, 3000, 2 ** 14, 2 ** 14 + 1, 40_000, 2 ** 18, 2 ** 20, 3_640_000, 2 ** 22];
const shape = (receiverCapacity: number, senderCapacity: number, labelBytes = 0, partitions = MAX_PARTITIONS) => ({
  partitions,
  receiverCapacity,
  senderCapacity,
  labelBytes,
});

/** Probability of peeling failing in a bin as RR22 fits it: the line through (1.223, -9.2) of equation (3)'s slope. */
function peelingFailure(rows: number, sparse: number): number {
  const w = Math.log2(3);
  const slope = 2 ** (0.55 * Math.log2(rows) + 0.093 * w ** 3 - 1.01 * w ** 2 + 2.92 * w - 0.13);
  return 2 ** -(slope * (sparse / rows - 1.223) - 9.2);
}

describe.each<Profile>(["field", "planes"])("profile %s", (profile) => {
  test.each([1, 6, MAX_PARTITIONS])(
    "all terms of a job of %d partitions sum to at most 2^-41, which leaves 2^-41 for partition overflow",
    (partitions) => {
      for (const nx of SIZES)
        for (const ny of SIZES) {
          const { tagBytes, valueBytes, okvs, senderBins } = psiVoleParams(shape(nx, ny, 0, partitions), { profile });
          const tags = (nx * ny + (ny * (ny - 1)) / 2) / 2 ** (8 * tagBytes);
          // A row that is not encoded decodes to its own value by chance.
          const values = ny / 2 ** (8 * valueBytes);
          const share = 1 / okvs.bins + 2 ** -32;
          const held = Math.max(nx, 1024);
          const overflow = okvs.bins === 1 ? 0 : okvs.bins * Math.exp(logTailBound(held, share, okvs.binCapacity + 1));
          const room = okvs.bins === 1 ? 0 : okvs.bins * Math.exp(logTailBound(ny, share, senderBins.binCapacity + 1));
          const bias = 2 ** drawBiasBits(okvs);
          const peeling = okvs.bins * bias * peelingFailure(okvs.binCapacity, okvs.sparse);
          for (const term of [tags, values, overflow, peeling]) expect(term * partitions).toBeLessThanOrEqual(2 ** -43);
          expect((room + bias * rankFailure(okvs)) * partitions).toBeLessThan(2 ** -53);
          const sum = tags + values + overflow + peeling + room + bias * rankFailure(okvs);
          expect(sum * partitions).toBeLessThanOrEqual(2 ** -41);
        }
    },
  );

  test("values and tags are no longer than a byte more than the budget asks", () => {
    for (const n of SIZES) {
      const { tagBytes, valueBytes } = psiVoleParams(shape(n, n), { profile });
      expect(2 ** (8 * tagBytes)).toBeLessThan(1024 * 2 ** 43 * 2 * (n * n + 1) * 2 ** 11);
      if (profile === "field") expect(valueBytes).toBe(16);
      else expect(valueBytes).toBe(Math.max(8, Math.ceil((53 + 2 * Math.ceil(Math.log2(n))) / 8)));
    }
  });
});

describe("the store", () => {
  test("bins, capacity and slots stay in what the kernels hold", () => {
    for (const rows of [...SIZES, 5000, 100_000]) {
      const plan = okvsPlan(rows, 53);
      expect(plan.bins * plan.binCapacity).toBeGreaterThanOrEqual(Math.max(rows, 1024));
      expect(plan.binCapacity).toBeLessThan(2 ** 16);
      expect(plan.sparse).toBeLessThan(2 ** 16);
      expect(plan.sparse).toBeGreaterThan(1.223 * plan.binCapacity);
      expect(plan.binSlots).toBe(plan.sparse + DENSE_SLOTS);
      expect(drawBiasBits(plan)).toBeLessThan(5);
      if (rows >= 2 ** 18) expect(plan.slots / rows).toBeLessThan(1.4);
    }
    // Small lists get the floor: RR22's fit does not reach down there.
    expect(okvsPlan(1, 53)).toEqual(okvsPlan(1024, 53));
  });

  test.each([0, -1, 1.5, 2 ** 22 + 1, Number.NaN])("refuses %d rows", (rows) => {
    expect(() => okvsPlan(rows, 53)).toThrow(BAD_REQUEST);
  });
});

test("bytes on the wire at 2^20 in one partition: few enough per item beside the VOLE's 3, and each frame fits", () => {
  const n = 2 ** 20;
  const { okvs, valueBytes, tagBytes } = psiVoleParams(shape(n, n, 0, 1));
  expect((okvs.slots * valueBytes + n * tagBytes) / n).toBeLessThan(34);
  const planes = psiVoleParams(shape(n, n, 0, 1), { profile: "planes" });
  expect((okvs.slots * planes.valueBytes + n * tagBytes) / n).toBeLessThan(27);
  for (const labelBytes of [0, 8, 64]) {
    const widest = psiVoleParams(shape(2 ** 22, 2 ** 22, labelBytes));
    expect(sealedBytes(widest, 2 ** 22, 0)).toBeLessThan(MAX_BODY_BYTES);
    expect(widest.okvs.binSlots * widest.valueBytes).toBeLessThan(MAX_BODY_BYTES);
  }
});

test("every plan of two size classes has parameters", () => {
  for (let receiverClass = 80; receiverClass <= 200; receiverClass += 15)
    for (let senderClass = 80; senderClass <= 200; senderClass += 20) {
      const plan = partitionPlan({ receiverClass, senderClass, maxRows: 2 ** 22 });
      const params = psiVoleParams({ ...plan, labelBytes: 8 });
      expect(params.okvs.bins * params.okvs.binCapacity).toBeGreaterThanOrEqual(plan.receiverCapacity);
      expect(classRows(senderClass)).toBeLessThanOrEqual(plan.partitions * plan.senderCapacity);
    }
});

test("the digest tells every parameter apart", () => {
  const base = shape(2 ** 20, 2 ** 20, 8);
  const digests = [
    psiVole().parametersDigest(base),
    psiVole({ chunkRows: 4 }).parametersDigest(base),
    psiVole({ profile: "planes" }).parametersDigest(base),
    psiVole().parametersDigest({ ...base, receiverCapacity: 1024 }),
    psiVole().parametersDigest({ ...base, senderCapacity: 1024 }),
    psiVole().parametersDigest({ ...base, labelBytes: 9 }),
    psiVole().parametersDigest({ ...base, partitions: 1 }),
  ].map(toHex);
  expect(new Set(digests).size).toBe(digests.length);
  expect(parametersDigest(base)).toEqual(psiVole().parametersDigest(base));
});

test.each([
  { partitions: 0 },
  { partitions: 1025 },
  { receiverCapacity: 0 },
  { receiverCapacity: 2 ** 22 + 1 },
  { senderCapacity: 1.5 },
  { senderCapacity: 2 ** 23 },
  { labelBytes: 257 },
  { labelBytes: -1 },
])("refuses %o", (other) => {
  expect(() => psiVoleParams({ ...shape(1024, 1024), ...other })).toThrow(BAD_REQUEST);
});

test.each([0, 1.5, 2 ** 15 + 1])("refuses frames of %d rows", (chunkRows) => {
  expect(() => psiVoleParams(shape(1024, 1024), { chunkRows })).toThrow(BAD_REQUEST);
});
