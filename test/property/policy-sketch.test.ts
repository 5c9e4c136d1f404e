/** Difference sketches against plain sets. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DifferenceSketch, differenceBelow, SKETCH_BYTES } from "../../proto/policy/sketch.ts";

const code = (name: string) => expect.objectContaining({ code: name });

/** The keyed hash of a numbered person: what ids become before they reach a sketch. */
function hashOf(person: number): Uint8Array {
  return createHash("sha256").update(`person ${person}`).digest().subarray(0, 16);
}
const HASHES = Array.from({ length: 6000 }, (_, person) => hashOf(person));

function sketchOf(people: Iterable<number>): DifferenceSketch {
  const sketch = new DifferenceSketch();
  sketch.add(Buffer.concat([...people].map((person) => HASHES[person] as Uint8Array)));
  return sketch;
}

/** In one of the two, not in both. */
function changedBy(people: ReadonlySet<number>, flipped: ReadonlySet<number>): Set<number> {
  const kept = [...people].filter((person) => !flipped.has(person));
  return new Set([...kept, ...[...flipped].filter((person) => !people.has(person))]);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("at one below, at, and one above the limit of 50", () => {
  const list = sketchOf(range(0, 3000));
  test.each([
    [0, 0],
    [1, 1],
    [2, 2],
    [48, 48],
    [49, 49],
    [50, undefined],
    [51, undefined],
    [100, undefined],
    [3000, undefined],
  ])("%i people removed, added, or exchanged", (changed, expected) => {
    expect(differenceBelow(list, sketchOf(range(changed, 3000)), 50)).toBe(expected);
    expect(differenceBelow(list, sketchOf(range(0, 3000 + changed)), 50)).toBe(expected);
    const half = Math.floor(changed / 2);
    expect(differenceBelow(list, sketchOf(range(half, 3000 + changed - half)), 50)).toBe(expected);
  });
});

test("exact for any two sets, whatever the limit", () => {
  const people = fc.uniqueArray(fc.integer({ min: 0, max: 5999 }), { maxLength: 400 });
  const changed = fc.uniqueArray(fc.integer({ min: 0, max: 5999 }), { maxLength: 120 });
  const limits = fc.integer({ min: 1, max: 150 });
  fc.assert(
    fc.property(people, changed, limits, (list, flipped, limit) => {
      const a = new Set(list);
      const b = changedBy(a, new Set(flipped));
      const size = changedBy(a, b).size;
      const expected = size < limit ? size : undefined;
      expect(differenceBelow(sketchOf(a), sketchOf(b), limit)).toBe(expected);
      expect(differenceBelow(sketchOf(b), sketchOf(a), limit)).toBe(expected);
    }),
    { numRuns: 400 },
  );
});

test("exact around the limit, many times over: 500 pairs of lists that differ by 40 to 60", () => {
  fc.assert(
    fc.property(fc.integer({ min: 40, max: 60 }), fc.integer({ min: 0, max: 5900 }), (size, from) => {
      const base = new Set(range(0, 1000));
      const other = changedBy(base, new Set(range(from, from + size)));
      expect(differenceBelow(sketchOf(base), sketchOf(other), 50)).toBe(size < 50 ? size : undefined);
    }),
    { numRuns: 500 },
  );
});

test("exact at 49 and 50, whichever people: 300 lists each, some of whose changes share cells in every sub-table", () => {
  const base = range(0, 500);
  for (let from = 500; from < 5900; from += 18) {
    const sketch = sketchOf(base);
    expect(differenceBelow(sketch, sketchOf([...base, ...range(from, from + 49)]), 50)).toBe(49);
    expect(differenceBelow(sketch, sketchOf([...base, ...range(from, from + 50)]), 50)).toBeUndefined();
  }
});

describe("attack: one person more or less, hidden among other changes of form", () => {
  const list = range(0, 2000);
  test("another order and other portions make the same sketch", () => {
    const sketch = new DifferenceSketch();
    for (const part of [list.slice(1500), list.slice(0, 7), list.slice(7, 1500)])
      sketch.add(Buffer.concat(part.toReversed().map((person) => HASHES[person] as Uint8Array)));
    expect(sketch.toBytes()).toEqual(sketchOf(list).toBytes());
  });

  test("every one of a list's people is missed when left out", () => {
    const whole = sketchOf(list);
    for (const person of [0, 1, 999, 1998, 1999])
      expect(differenceBelow(whole, sketchOf(list.filter((item) => item !== person)), 50)).toBe(1);
  });
});

describe("fails closed", () => {
  /** Two elements with one key share all five cells and cannot be told apart: what happens once in 2^55 pairs. */
  function withTwins(count: number): DifferenceSketch {
    const sketch = sketchOf(range(0, 1000));
    const twins = range(1000, 1000 + count).flatMap((person) => {
      const hash = HASHES[person] as Uint8Array;
      return [hash, hash];
    });
    sketch.add(Buffer.concat(twins));
    return sketch;
  }

  test("what cannot be taken apart counts as a difference below the limit, when few cells are concerned", () => {
    const base = sketchOf(range(0, 1000));
    expect(differenceBelow(base, withTwins(1), 50)).toBe(49);
    expect(differenceBelow(base, withTwins(40), 50)).toBe(49);
    // Many cells prove a large difference by themselves.
    for (const count of [50, 100]) expect(differenceBelow(base, withTwins(count), 50)).toBeUndefined();
  });

  test("cells that were made up end in a refusal, not in an endless loop", () => {
    const base = sketchOf(range(0, 1000));
    for (let at = 0; at < 64; at++) {
      const bytes = base.toBytes();
      const view = new DataView(bytes.buffer);
      // A cell's key, not its count: the totals stay what they were.
      view.setInt32(16 * at + 4, view.getInt32(16 * at + 4, true) ^ (at + 1), true);
      const difference = differenceBelow(base, DifferenceSketch.fromBytes(bytes), 50);
      expect(difference).toBe(49);
    }
  });
});

/** SHA-256 of the sketch of persons 0 to 99, made by another program (Python). */
const KNOWN = "53cccdd803c8dc7b1aa7d5544c2f577c096f43821169957c00a0282110ec3517";

describe("as bytes", () => {
  test("there and back, of one length whatever the set", () => {
    for (const people of [[], [1], range(0, 5000)]) {
      const bytes = sketchOf(people).toBytes();
      expect(bytes.length).toBe(SKETCH_BYTES);
      expect(differenceBelow(DifferenceSketch.fromBytes(bytes), sketchOf(people), 50)).toBe(0);
    }
  });

  test("the form of a known sketch, which sealed files of older nodes have", () => {
    const digest = createHash("sha256")
      .update(sketchOf(range(0, 100)).toBytes())
      .digest("hex");
    expect(digest).toBe(KNOWN);
  });

  test("of another length, or with a person in fewer than five sub-tables, are none", () => {
    const bytes = sketchOf(range(0, 10)).toBytes();
    expect(() => DifferenceSketch.fromBytes(bytes.subarray(1))).toThrow(code("WIRE_INVALID"));
    const view = new DataView(bytes.buffer);
    view.setInt32(0, view.getInt32(0, true) + 1, true);
    expect(() => DifferenceSketch.fromBytes(bytes)).toThrow(code("WIRE_INVALID"));
    expect(() => new DifferenceSketch().add(new Uint8Array(17))).toThrow(code("BAD_REQUEST"));
  });

  test("hold no whole hash, not even of a list of one", () => {
    for (const people of [[7], range(0, 5000)]) {
      const bytes = Buffer.from(sketchOf(people).toBytes());
      expect(people.some((person) => bytes.includes(HASHES[person] as Uint8Array))).toBe(false);
    }
  });
});
