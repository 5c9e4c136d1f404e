import { describe, expect, test } from "vitest";
import * as bank from "../../party/protocols/score-linear/bank.ts";
import { type BankModel, exportModel, importModel, openBundle } from "../../party/protocols/score-linear/bundle.ts";
import { readLabel } from "../../party/protocols/score-linear/messages.ts";
import * as partner from "../../party/protocols/score-linear/partner.ts";
import {
  encryptWeights,
  plainScores,
  rowsOf,
  runScore,
  runScoreWith,
  scoreContext,
  scorePlatform,
  scoresOf,
  sequence,
} from "../support/score-run.ts";

function randomColumns(count: number, rows: number, seed: number): Int16Array[] {
  const next = sequence(seed);
  return Array.from({ length: count }, () =>
    Int16Array.from({ length: rows }, () => Math.floor(next() * 65536) - 32768),
  );
}

/** Sum |W| * 2^15 just below 2^31. */
const WEIGHTS = Int32Array.of(-40_000, 25_535);

describe("score-linear, both roles", () => {
  test.each([
    [0, 1024],
    [1, 1],
    [2, 1024],
    [8191, 8192],
    [8192, 8192],
    [8193, 8193],
    [8193, 9000],
  ])("is exact for %i rows in %i slots", async (rows, senderCapacity) => {
    const columns = randomColumns(2, rows, rows + 1);
    const run = await runScore(scoreContext({ senderCapacity }), WEIGHTS, columns);
    expect(run.masked.length).toBe(senderCapacity);
    expect(run.partnerFrames.length).toBe(1 + Math.ceil(senderCapacity / 8192));
    expect(scoresOf(run)).toEqual(plainScores(WEIGHTS, columns));
  });

  test("is exact at the ends of the number range, for zero and constant columns and zero weights", async () => {
    const rows = 8;
    const columns = [
      new Int16Array(rows),
      new Int16Array(rows).fill(32767),
      new Int16Array(rows).fill(-32768),
      Int16Array.of(-32768, 32767, -1, 0, 1, 2, -2, 12345),
    ];
    const weights = Int32Array.of(777, 0, -32_768, -32_767);
    const run = await runScore(scoreContext({ features: 4 }), weights, columns);
    expect(scoresOf(run)).toEqual(plainScores(weights, columns));
  });

  test("repayment status like columns with the committed kind of weights", async () => {
    const next = sequence(7);
    const columns = Array.from({ length: 6 }, () =>
      Int16Array.from({ length: 3000 }, () => Math.floor(next() * 11 - 2) * 227),
    );
    const weights = Int32Array.of(81_000, 9_000, 7_001, -2, 3_333, 1);
    const run = await runScore(scoreContext({ features: 6, senderCapacity: 3283 }), weights, columns);
    expect(scoresOf(run)).toEqual(plainScores(weights, columns));
  });

  test("the model stays with the partner for the next partition", async () => {
    using model = await encryptWeights(WEIGHTS);
    const columns = randomColumns(2, 10, 3);
    const first = scoreContext({ partition: 0, senderCapacity: 16 });
    using opened = openBundle(scorePlatform.he, model.bundle, 2);
    const second = { ...first, partition: 1 };
    const answered = partner.start(scorePlatform, second, { rows: rowsOf(columns), model: opened });
    const asked = bank.start(scorePlatform, second, { model, announce: false });
    expect([...asked.send]).toEqual([]);
    if (answered.kind !== "done" || asked.kind !== "continue") throw new Error("another order of steps");
    const [answer] = [...answered.send];
    const done = bank.next(scorePlatform, asked.state, answer as NonNullable<typeof answer>);
    if (done.kind !== "done") throw new Error("the bank still waits");
    expect(answered.output.received).toBeUndefined();
    expect(scoresOf({ labels: answered.output.labels, masked: done.output.masked })).toEqual(
      plainScores(WEIGHTS, columns),
    );
  });

  test("a bundle that the partner kept is not sent again, and keys that the bank kept open its answers", async () => {
    const columns = randomColumns(2, 100, 4);
    const context = scoreContext();
    using model = await encryptWeights(WEIGHTS);
    const first = runScoreWith(context, { model, rows: rowsOf(columns) });
    expect(first.bankFrames.length).toBe(4);
    const weights = [...WEIGHTS].map((weight) => Int32Array.of(weight));
    const exported = exportModel(model);
    using again = (await importModel(scorePlatform, exported, weights)) as BankModel;
    const second = runScoreWith(context, { model: again, rows: rowsOf(columns), held: first.received as Uint8Array });
    expect(second.bankFrames.length).toBe(1);
    expect(second.received).toBeUndefined();
    expect(scoresOf(second)).toEqual(plainScores(WEIGHTS, columns));

    expect(await importModel(scorePlatform, exported, weights.toReversed())).toBeUndefined();
    expect(await importModel(scorePlatform, exported.subarray(1), weights)).toBeUndefined();
    const other = runScoreWith(context, {
      model,
      rows: rowsOf(columns),
      held: (first.received as Uint8Array).slice(0, -1),
    });
    expect(other.bankFrames.length).toBe(4);
  });
});

describe("what an answer shows", async () => {
  const context = scoreContext({ senderCapacity: 8192 });
  const columns = randomColumns(2, 4000, 5);
  const one = await runScore(context, WEIGHTS, columns);
  const two = await runScore(context, WEIGHTS, columns);

  test("slots are distinct, in range, and drawn anew in each run", () => {
    const slots = [one, two].map(({ labels }) =>
      Array.from({ length: 4000 }, (_, row) => readLabel(labels.subarray(8 * row, 8 * row + 8)).slot),
    );
    for (const of of slots) {
      expect(new Set(of).size).toBe(4000);
      expect(Math.max(...of)).toBeLessThan(8192);
    }
    // Two independent permutations agree in one position on average; 12 or more about once in 10^9.
    expect(slots[0]?.filter((slot, row) => slot === slots[1]?.[row]).length).toBeLessThan(12);
  });

  test("masks are drawn anew in each run", () => {
    expect(one.masked.filter((value, slot) => value === two.masked[slot]).length).toBeLessThan(4);
    const shares = (labels: Uint8Array) => new DataView(labels.buffer, labels.byteOffset);
    let equal = 0;
    for (let row = 0; row < 4000; row++)
      if (shares(one.labels).getUint32(8 * row + 4) === shares(two.labels).getUint32(8 * row + 4)) equal++;
    expect(equal).toBeLessThan(4);
  });

  test("masked scores are uniform, in padding slots too", async () => {
    const empty = await runScore(context, WEIGHTS, [new Int16Array(0), new Int16Array(0)]);
    for (const { masked } of [one, empty]) {
      const counts = new Array<number>(256).fill(0);
      for (const value of masked) counts[value >>> 24] = (counts[value >>> 24] ?? 0) + 1;
      const chiSquare = counts.reduce((sum, count) => sum + (count - 32) ** 2 / 32, 0);
      // 255 degrees of freedom: 400 is passed less than once in 10^7.
      expect(chiSquare).toBeLessThan(400);
    }
  });

  test("frames have the same number and lengths whatever the rows are", async () => {
    const empty = await runScore(context, Int32Array.of(0, 0), [new Int16Array(0), new Int16Array(0)]);
    const shape = (run: typeof one) =>
      [...run.bankFrames, ...run.partnerFrames].map(({ body, ...header }) => ({ ...header, bytes: body.length }));
    expect(shape(empty)).toEqual(shape(one));
  });
});
