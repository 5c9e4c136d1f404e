/** Every kernel of the key-value store against its plain twin. */
import { blake2s } from "@noble/hashes/blake2.js";
import { describe, expect, test } from "vitest";
import { encodeMasked, receiverOutputs, type SenderBinInput, senderRows } from "../../party/crypto/okvs/bin.ts";
import { compressBlock, keyedState } from "../../party/crypto/okvs/blake2s.ts";
import { powersOf } from "../../party/crypto/okvs/gf128.ts";
import { labelPads, matchTags } from "../../party/crypto/okvs/match.ts";
import { hashPacked } from "../../party/crypto/okvs/packed-hash.ts";
import { DENSE_SLOTS, type OkvsPlan, okvsPlan } from "../../party/crypto/okvs/params.ts";
import { permuteRows, uniformOrder } from "../../party/crypto/okvs/permute.ts";
import { binRows, RECORD_BYTES, type RowBins } from "../../party/crypto/okvs/row-bins.ts";
import {
  type TwinRow,
  twinDecode,
  twinMultiply,
  twinOutput,
  twinPad,
  twinRank,
  twinRow,
} from "../../party/crypto/okvs/twin.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { fixedRandom } from "../support/fixed-random.ts";
import { okvsKernels } from "../support/psi-vole-platform.ts";

const kernels = okvsKernels();
const key = Uint8Array.from({ length: 32 }, (_, i) => i);
const allOnes = new Uint8Array(16).fill(0xff);
const INTERNAL = expect.objectContaining({ code: "INTERNAL" });
const WIRE_INVALID = expect.objectContaining({ code: "WIRE_INVALID" });
const slice = (bytes: Uint8Array, at: number, width = 16) => bytes.slice(at * width, (at + 1) * width);

interface Binned {
  readonly bins: RowBins;
  readonly ids: Uint8Array;
  /** Of the bin's row at a place. */
  twin(bin: number, place: number): TwinRow;
}

function binned(
  plan: OkvsPlan,
  count: number,
  options: { capacity?: number; mask?: Uint8Array; seed?: string } = {},
): Binned {
  const { capacity = count, mask = allOnes, seed = "rows" } = options;
  const ids = fixedRandom(seed)(count * 16);
  const dummyPrefix = new Uint8Array(12).fill(3);
  const input = { ids, capacity, dummyKind: 2, dummyPrefix, state: keyedState(key, 32), valueMask: mask };
  const bins = binRows(kernels, plan, input);
  return {
    bins,
    ids,
    twin(bin, place) {
      const row = bins.rows(bin)[place] as number;
      const id = slice(ids, row);
      if (row < count) return twinRow(key, id, 0, plan, mask);
      const dummy = Uint8Array.of(...dummyPrefix, row & 255, (row >> 8) & 255, (row >> 16) & 255, row >>> 24);
      return twinRow(key, dummy, 2, plan, mask);
    },
  };
}

/** One bin with that many sparse slots, which need not be enough. */
const oneBin = (rows: number, sparse: number): OkvsPlan => ({
  bins: 1,
  binCapacity: rows,
  sparse,
  binSlots: sparse + DENSE_SLOTS,
  slots: sparse + DENSE_SLOTS,
});

const encode = (bins: RowBins, bin = 0) =>
  encodeMasked(kernels, bins, bin, new Uint8Array(bins.plan.binSlots * 16), 16);

describe("BLAKE2s", () => {
  test("a block of RFC 7693 appendix B: BLAKE2s-256 of abc", () => {
    const h = Uint32Array.of(
      ...[0x6a09e667 ^ 0x01010020, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a],
      ...[0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
    );
    const block = new Uint8Array(64);
    block.set([0x61, 0x62, 0x63]);
    const digest = new Uint8Array(compressBlock(h, block, 3, true).buffer);
    expect(toHex(digest)).toBe("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
  });

  test("packed strings of 1 to 200 bytes, on and around the block, and not ASCII", () => {
    const texts = [
      ...Array.from({ length: 200 }, (_, i) => fixedRandom(`text ${i}`)(i + 1)),
      ...[64, 1000, 5, 128, 129].map((n) => fixedRandom(`long ${n}`)(n)),
      ...["张三", "Ωmega-7", "ünïcødé ".repeat(9), "+8613800138000"].map((text) => new TextEncoder().encode(text)),
    ];
    const offsets = new Uint32Array(texts.length + 1);
    texts.forEach((text, i) => {
      offsets[i + 1] = (offsets[i] as number) + text.length;
    });
    for (const last of [texts.length, 1, 2, 3, 66]) {
      const bytes = Buffer.concat(texts.slice(0, last));
      const hashes = hashPacked(kernels, key, { bytes, offsets: offsets.subarray(0, last + 1) });
      expect(hashes).toHaveLength(16 * last);
      texts.slice(0, last).forEach((text, i) => {
        expect(toHex(slice(hashes, i))).toBe(toHex(blake2s(text, { key, dkLen: 16 })));
      });
    }
  });

  test("no strings; and what is refused", () => {
    const empty = new Uint8Array(0);
    expect(hashPacked(kernels, key, { bytes: empty, offsets: Uint32Array.of(0) })).toEqual(empty);
    const bytes = new Uint8Array(4);
    for (const offsets of [
      [0, 0],
      [0, 3, 2],
      [0, 5],
    ])
      expect(() => hashPacked(kernels, key, { bytes, offsets: Uint32Array.from(offsets) })).toThrow(RangeError);
    expect(() => keyedState(key.subarray(1), 16)).toThrow(RangeError);
    expect(() => keyedState(key, 33)).toThrow(RangeError);
  });
});

describe("rows in their bins", () => {
  test.each([
    { count: 1, capacity: 1, bins: 1 },
    { count: 0, capacity: 7, bins: 1 },
    { count: 501, capacity: 700, bins: 1 },
    { count: 900, capacity: 1001, bins: 5 },
  ])("$count of $capacity rows in $bins bins: the twin's value, place and columns", ({ count, capacity, bins }) => {
    const plan = { ...oneBin(capacity, 1500), bins };
    const held = binned(plan, count, { capacity, mask: Uint8Array.from(allOnes).fill(0, 11) });
    const seen: number[] = [];
    for (let bin = 0; bin < bins; bin++) {
      const records = held.bins.records(bin);
      const view = new DataView(records.buffer, records.byteOffset, records.length);
      held.bins.rows(bin).forEach((row, place) => {
        seen.push(row);
        const twin = held.twin(bin, place);
        const at = place * RECORD_BYTES;
        expect(twin.bin).toBe(bin);
        expect(records.slice(at, at + 16)).toEqual(twin.value);
        expect(view.getBigUint64(at + 16, true)).toBe(twin.dense);
        expect([0, 1, 2].map((i) => view.getUint16(at + 24 + 2 * i, true))).toEqual(twin.positions);
        expect(new Set(twin.positions).size).toBe(3);
      });
    }
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: capacity }, (_, i) => i));
  });

  test("more batches than one, and batches cut short by a full bin, lose no row", () => {
    const count = 150_001;
    const plan = okvsPlan(count, 53);
    const { bins } = binned(plan, 1000, { capacity: count });
    const seen = new Uint8Array(count);
    for (let bin = 0; bin < plan.bins; bin++) for (const row of bins.rows(bin)) (seen[row] as number)++;
    expect(seen.every((times) => times === 1)).toBe(true);
    // Five bins, but all rows in one: its room of a batch is full long before the batch ends.
    const lopsided = { ...oneBin(70_000, 60_000), bins: 5 };
    const same = new Uint8Array(70_000 * 16);
    const input = { dummyKind: 1, dummyPrefix: new Uint8Array(12), state: keyedState(key, 32), valueMask: allOnes };
    const equal = binRows(kernels, lopsided, { ...input, ids: same, capacity: 70_000 });
    const loads = [0, 1, 2, 3, 4].map((bin) => equal.rows(bin).length);
    const full = loads.indexOf(70_000);
    expect(loads.reduce((sum, load) => sum + load, 0)).toBe(70_000);
    expect([...equal.rows(full)]).toEqual(Array.from({ length: 70_000 }, (_, i) => i));
  });

  test("a bin that overflows ends the attempt; wipe overwrites and frees", () => {
    expect(() => binned({ ...oneBin(400, 1000), bins: 2 }, 1000)).toThrow(INTERNAL);
    const { bins } = binned(oneBin(20, 100), 20);
    const [records, rows] = [bins.records(0), bins.rows(0)];
    expect(records.some((byte) => byte !== 0)).toBe(true);
    bins.wipe();
    // Freed, so that no view of them holds anything.
    expect([records.byteLength, rows.byteLength]).toEqual([0, 0]);
  });
});

describe("encode and decode", () => {
  test("each row of each bin decodes to its value", () => {
    const plan = okvsPlan(20_000, 53);
    const { bins, twin } = binned(plan, 20_000);
    for (let bin = 0; bin < plan.bins; bin++) {
      const slots = encode(bins, bin);
      for (let place = 0; place < bins.rows(bin).length; place += 97) {
        const row = twin(bin, place);
        expect(twinDecode(plan, slots, row)).toEqual(row.value);
      }
    }
  });

  /** Gap of a bin as the kernel reports it; -1: no encoding. */
  function gapOf({ bins }: Binned): number {
    return kernels.scoped(() => {
      const records = kernels.allocate(bins.records(0).length);
      records.bytes().set(bins.records(0));
      const slots = kernels.allocate(bins.plan.binSlots * 16);
      const count = bins.rows(0).length;
      const scratch = kernels.allocate(20 * bins.plan.sparse + 5 * count + 2048);
      return kernels.call.encodeBin(records.at, count, bins.plan.sparse, slots.at, scratch.at);
    });
  }

  test("undersized tables: gaps of every size up to 64 still decode, over it there is no encoding", () => {
    const gaps = new Set<number>();
    for (let sparse = 300; sparse >= 130; sparse -= 3) {
      const rows = 200;
      const held = binned(oneBin(rows, sparse), rows, { seed: `gap ${sparse}` });
      const gap = gapOf(held);
      gaps.add(gap);
      const twins = Array.from({ length: rows }, (_, place) => held.twin(0, place));
      if (gap < 0) {
        expect(() => encode(held.bins)).toThrow(INTERNAL);
        continue;
      }
      const slots = encode(held.bins);
      for (const row of twins) expect(twinDecode(held.bins.plan, slots, row)).toEqual(row.value);
      expect(twinRank(held.bins.plan, twins)).toBe(rows);
    }
    expect(gaps.has(0) && gaps.has(-1)).toBe(true);
    expect([...gaps].some((gap) => gap > 20)).toBe(true);
    expect(gaps.size).toBeGreaterThan(15);
  });

  test("dependent rows have no encoding, and the twin agrees", () => {
    const plan = oneBin(3, 40);
    const id = new Uint8Array(16).fill(1);
    const ids = Buffer.concat([id, id, new Uint8Array(16)]);
    const input = { ids, capacity: 3, dummyKind: 1, dummyPrefix: new Uint8Array(12) };
    const bins = binRows(kernels, plan, { ...input, state: keyedState(key, 32), valueMask: allOnes });
    expect(() => encode(bins)).toThrow(INTERNAL);
    const twins = [0, 1, 2].map((i) => twinRow(key, slice(ids, i), 0, plan, allOnes));
    expect(twinRank(plan, twins)).toBe(2);
  });

  test("no rows, one row, three slots", () => {
    expect(encode(binned(oneBin(1, 3), 0).bins).every((byte) => byte === 0)).toBe(true);
    const one = binned(oneBin(1, 3), 1);
    expect(twinDecode(one.bins.plan, encode(one.bins), one.twin(0, 0))).toEqual(one.twin(0, 0).value);
  });

  test("the mask is added, and slots are cut to the width", () => {
    const { bins } = binned(oneBin(50, 100), 50, { mask: Uint8Array.from(allOnes).fill(0, 13) });
    const mask = fixedRandom("mask")(bins.plan.binSlots * 16);
    const plain = encode(bins);
    const cut = encodeMasked(kernels, bins, 0, mask, 13);
    expect(cut).toHaveLength(bins.plan.binSlots * 13);
    for (let slot = 0; slot < bins.plan.binSlots; slot++)
      for (let b = 0; b < 16; b++) {
        const sum = (plain[slot * 16 + b] as number) ^ (mask[slot * 16 + b] as number);
        if (b < 13) expect(cut[slot * 13 + b]).toBe(sum);
        else expect(plain[slot * 16 + b]).toBe(0);
      }
    expect(() => encodeMasked(kernels, bins, 0, mask.subarray(1), 13)).toThrow(RangeError);
  });
});

test("GF(2^128): the kernel's multiplication against big integers", () => {
  const random = fixedRandom("gf128");
  for (const element of [random(16), new Uint8Array(16), Uint8Array.from(allOnes), new Uint8Array(16).fill(0x80, 15)]) {
    const factors = Buffer.concat([
      random(16 * 20),
      new Uint8Array(16),
      allOnes,
      Uint8Array.of(1, ...new Uint8Array(15)),
    ]);
    const products = kernels.scoped(() => {
      const tables = kernels.allocate(32 * 16 * 16);
      kernels.call.multiplyTables(kernels.place(powersOf(element)).at, tables.at);
      const out = kernels.allocate(factors.length);
      kernels.call.multiplyAll(tables.at, kernels.place(factors).at, factors.length / 16, out.at);
      return out.copy();
    });
    for (let i = 0; i < factors.length / 16; i++)
      expect(slice(products, i)).toEqual(twinMultiply(slice(factors, i), element));
  }
  expect(() => powersOf(new Uint8Array(15))).toThrow(RangeError);
});

describe("outputs", () => {
  const outputKey = new Uint8Array(32).fill(11);
  const padKey = new Uint8Array(32).fill(12);
  const outputState = keyedState(outputKey, 32);
  const padState = keyedState(padKey, 32);

  test.each([1, 3, 50])("%i rows: the receiver's are the hash of what the twin decodes", (rows) => {
    const held = binned(oneBin(rows, 100), rows);
    const shareC = fixedRandom("c")(held.bins.plan.binSlots * 16);
    const outputs = receiverOutputs(kernels, held.bins, 0, shareC, outputState);
    for (let place = 0; place < rows; place++) {
      const row = held.twin(0, place);
      expect(slice(outputs, place, 32)).toEqual(
        twinOutput(outputKey, twinDecode(held.bins.plan, shareC, row), row.value),
      );
    }
  });

  test.each([
    { tagBytes: 12, labelBytes: 0, width: 16 },
    { tagBytes: 7, labelBytes: 8, width: 12 },
    { tagBytes: 13, labelBytes: 32, width: 16 },
    { tagBytes: 16, labelBytes: 64, width: 9 },
  ])("the sender's rows, $tagBytes + $labelBytes bytes at width $width", ({ tagBytes, labelBytes, width }) => {
    const valueMask = Uint8Array.from(allOnes).fill(0, width);
    const held = binned(oneBin(41, 90), 41, { mask: valueMask });
    const { plan } = held.bins;
    const random = fixedRandom("sender rows");
    const delta = random(16);
    const input: SenderBinInput = {
      shareB: random(plan.binSlots * 16),
      masked: random(plan.binSlots * width),
      width,
      valueMask,
      deltaPowersSecret: powersOf(delta),
      ...{ outputState, padState, tagBytes, labelBytes },
      labels: random(41 * labelBytes),
    };
    const rows = senderRows(kernels, held.bins, 0, input);
    const rowBytes = tagBytes + labelBytes;
    expect(rows).toHaveLength(41 * rowBytes);
    // B' = B + Delta D, slot by slot, as RR22 has it: the kernel decodes B and D apart.
    const combined = new Uint8Array(plan.binSlots * 16);
    for (let slot = 0; slot < plan.binSlots; slot++) {
      const d = new Uint8Array(16);
      d.set(slice(input.masked, slot, width));
      const product = twinMultiply(d, delta);
      for (let b = 0; b < 16; b++)
        combined[slot * 16 + b] = (product[b] as number) ^ (input.shareB[slot * 16 + b] as number);
    }
    for (let place = 0; place < 41; place++) {
      const row = held.twin(0, place);
      const product = twinMultiply(row.value, delta);
      const linear = twinDecode(plan, combined, row).map((byte, b) => byte ^ (product[b] as number));
      const output = twinOutput(outputKey, linear, row.value);
      const pad = twinPad(padKey, output, labelBytes);
      const label = slice(input.labels, place, labelBytes).map((byte, b) => byte ^ (pad[b] as number));
      expect(slice(rows, place, rowBytes)).toEqual(Uint8Array.of(...output.subarray(0, tagBytes), ...label));
    }
    expect(() => senderRows(kernels, held.bins, 0, { ...input, masked: input.masked.subarray(1) })).toThrow(RangeError);
  });

  test("label pads of the receiver are the twin's", () => {
    const outputs = fixedRandom("outputs")(32 * 7);
    for (const labelBytes of [1, 31, 32, 33, 64]) {
      const pads = labelPads(kernels, outputs, padState, labelBytes);
      for (let i = 0; i < 7; i++)
        expect(slice(pads, i, labelBytes)).toEqual(twinPad(padKey, slice(outputs, i, 32), labelBytes));
    }
  });
});

describe("matching", () => {
  const tag = (i: number, tagBytes: number) => blake2s(Uint8Array.of(i & 255, i >> 8, i >> 16)).subarray(0, tagBytes);

  function lists(sender: readonly number[], receiver: readonly number[], tagBytes = 12, labelBytes = 0) {
    const rowBytes = tagBytes + labelBytes;
    const rows = new Uint8Array(sender.length * rowBytes);
    sender.forEach((i, at) => {
      rows.set(tag(i, tagBytes), at * rowBytes);
    });
    const outputs = fixedRandom("other half")(receiver.length * 32);
    receiver.forEach((i, at) => {
      outputs.set(tag(i, tagBytes), at * 32);
    });
    return { rows, rowBytes, tagBytes, outputs };
  }
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

  test.each([
    [0, 0, 0, 0],
    [0, 0, 0, 5],
    [0, 5, 0, 0],
    [0, 1, 0, 1],
    [0, 10, 5, 20],
    [0, 3000, 1000, 9000],
    [0, 9000, 8999, 9000],
  ])("rows %i..%i among %i..%i", (a, b, c, d) => {
    for (const [tagBytes, labelBytes] of [
      [12, 0],
      [7, 3],
      [13, 64],
      [16, 1],
    ]) {
      const sender = range(a, b).reverse();
      const receiver = range(c, d);
      const position = new Map(sender.map((i, at) => [i, at + 1]));
      const found = matchTags(kernels, lists(sender, receiver, tagBytes, labelBytes));
      expect([...found]).toEqual(receiver.map((i) => position.get(i) ?? 0));
    }
  });

  test("tags that differ in their last byte alone do not match", () => {
    const { rows, outputs, ...rest } = lists([1, 2], [1, 2]);
    rows[11] = (rows[11] as number) ^ 0x80;
    expect([...matchTags(kernels, { rows, outputs, ...rest })]).toEqual([0, 2]);
  });

  test("a tag twice is WIRE_INVALID, and so are tags that crowd", () => {
    expect(() => matchTags(kernels, lists([1, 2, 1], [1]))).toThrow(WIRE_INVALID);
    const crowded = lists(range(0, 20_000), [1]);
    for (let i = 0; i < 20_000; i++) crowded.rows.fill(0, i * 12, i * 12 + 4);
    expect(() => matchTags(kernels, crowded)).toThrow(WIRE_INVALID);
    const aimed = lists(range(0, 1000), [1]);
    for (let i = 0; i < 1000; i++) aimed.rows.fill(0, i * 12 + 4, i * 12 + 8);
    expect(() => matchTags(kernels, aimed)).toThrow(WIRE_INVALID);
  });
});

describe("order", () => {
  const random = fixedRandom("order");

  test("a permutation, another one each time, and rows follow it", () => {
    for (const count of [1, 2, 3, 1000, 40_000]) {
      const order = uniformOrder({ random }, kernels, count);
      expect([...order].sort((a, b) => a - b)).toEqual(range(count));
      const rows = Uint8Array.from({ length: count * 5 }, (_, i) => (i * 31) & 255);
      const moved = permuteRows(kernels, rows, 5, order);
      for (let i = 0; i < count; i += 13) expect(slice(moved, i, 5)).toEqual(slice(rows, order[i] as number, 5));
    }
    expect(uniformOrder({ random }, kernels, 1000)).not.toEqual(uniformOrder({ random }, kernels, 1000));
    for (const rowBytes of [16, 17, 77]) {
      const wide = fixedRandom("wide")(rowBytes * 3);
      const expected = Uint8Array.from([2, 0, 1].flatMap((i) => [...slice(wide, i, rowBytes)]));
      expect(permuteRows(kernels, wide, rowBytes, Uint32Array.of(2, 0, 1))).toEqual(expected);
    }
    expect(() => permuteRows(kernels, new Uint8Array(9), 5, Uint32Array.of(0, 1))).toThrow(RangeError);
  });

  test("all 24 orders of four are equally likely", () => {
    const seen = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = uniformOrder({ random }, kernels, 4).join("");
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(24);
    // Binomial(24000, 1/24), deviation 31: seven deviations.
    for (const times of seen.values()) expect(Math.abs(times - 1000)).toBeLessThan(217);
  });

  test("a random word that would favour some residue is thrown away", () => {
    // Of 3, the word 0 is the one too many (2^32 = 1 mod 3); the next one decides.
    const words = Uint32Array.of(0, 0xffffffff, 0x80000000, 5);
    const drawn = new Uint8Array(words.buffer);
    let at = 0;
    const source = {
      random(n: number) {
        at += n;
        return drawn.slice(at - n, at);
      },
    };
    expect([...uniformOrder(source, kernels, 3)]).toEqual([0, 1, 2]);
    expect(at).toBe(12);
  });

  function range(count: number): number[] {
    return Array.from({ length: count }, (_, i) => i);
  }
});
