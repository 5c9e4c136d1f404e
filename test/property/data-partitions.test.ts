import { readdir } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BlockStore, MemoryBlocks } from "../../party/data/blocks.ts";
import { idHasher } from "../../party/data/id-hash.ts";
import { textAt } from "../../party/data/packed-text.ts";
import type { PartitionReader } from "../../party/data/partition-reader.ts";
import { partitionOf } from "../../party/protocols/plan.ts";
import { dataFolder } from "../support/data-folder.ts";
import { type PartitionRun, packed, runKey, runSink, spilled } from "../support/partition-run.ts";

interface Row {
  readonly id: string;
  readonly row: number;
  readonly features: readonly number[];
}

/** What each partition must be, with a Map of strings. */
function expectedOf({ ids, features = [], quantisers = [], partitions }: Omit<PartitionRun, "store">): Row[][] {
  const seen = new Set<string>();
  const expected: Row[][] = Array.from({ length: partitions }, () => []);
  const hashes = idHasher(runKey).hashAll(packed(ids));
  for (const [i, id] of ids.entries()) {
    if (seen.has(id)) continue;
    seen.add(id);
    const values = features.map((column, j) => (quantisers[j] ?? ((value: number) => value))(column[i] as number));
    expected[partitionOf(hashes, i, partitions)]?.push({ id, row: 3 * i + 1, features: values });
  }
  return expected;
}

async function rowsOf(reader: PartitionReader, partitions: number): Promise<Row[][]> {
  const found: Row[][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const { ids, rowIndex, features } = await reader.rows(partition);
    const subjects = await reader.subjects(partition);
    expect(ids).toEqual(idHasher(runKey).hashAll(subjects));
    found.push(
      Array.from(rowIndex, (row, i) => ({
        id: textAt(subjects, i),
        row,
        features: features.map((values) => values[i] as number),
      })),
    );
  }
  return found;
}

const id = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }).map((n) => `+86138000000${n}`) },
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 20, size: "max" }).filter((text) => text.isWellFormed()),
  fc.tuple(fc.nat(3), fc.integer({ min: 60, max: 256 })).map(([n, length]) => `${n}`.padEnd(length, "z")),
);

const double = fc.double({ noDefaultInfinity: true });
const halves = (value: number) => (Number.isNaN(value) ? -32768 : Math.abs(Math.trunc(value % 32767)));

describe("partitions", () => {
  it.each(["in memory", "on disk"])("%s: hold what a Map of strings holds, the first row of each id", async (where) => {
    await using folder = await dataFolder();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(id, double, double), { maxLength: 300, size: "max" }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 300, max: 2000 }),
        async (table, partitions, batchRows, maxBlockBytes) => {
          const store: BlockStore = where === "on disk" ? await spilled(folder.path) : new MemoryBlocks();
          const run = {
            ids: table.map(([text]) => text),
            features: [Float64Array.from(table, (row) => row[1]), Float64Array.from(table, (row) => row[2])],
            quantisers: [undefined, halves],
            partitions,
            batchRows,
            maxBlockBytes,
          };
          const reader = await runSink({ ...run, store });
          const expected = expectedOf(run);
          expect(await rowsOf(reader, partitions)).toEqual(expected);
          expect(reader.written).toBe(table.length);
          const duplicates: number[] = [];
          for (let p = 0; p < partitions; p++) duplicates.push(...(await reader.duplicates(p)));
          const firsts = new Set(expected.flat().map(({ row }) => row));
          const others = run.ids.map((_, i) => 3 * i + 1).filter((row) => !firsts.has(row));
          expect(duplicates.toSorted((a, b) => a - b)).toEqual(others);
          await reader.destroy();
        },
      ),
      { numRuns: where === "on disk" ? 40 : 100 },
    );
    expect(await readdir(folder.path)).toEqual([]);
  });

  it.each([0, 1, 2, 10, 999])("of %i rows", async (count) => {
    await using folder = await dataFolder();
    const ids = Array.from({ length: count }, (_, i) => `id ${i}`);
    for (const partitions of [1, 4]) {
      const reader = await runSink({ ids, partitions, store: await spilled(folder.path) });
      expect(await rowsOf(reader, partitions)).toEqual(expectedOf({ ids, partitions }));
      await reader.destroy();
    }
  });

  it("gives a partition that repeats one id many times as one row", async () => {
    await using folder = await dataFolder();
    const ids = new Array<string>(5000).fill("the same");
    const reader = await runSink({ ids, partitions: 2, store: await spilled(folder.path), maxBlockBytes: 1000 });
    const found = await rowsOf(reader, 2);
    expect(found.flat()).toEqual([{ id: "the same", row: 1, features: [] }]);
    await reader.destroy();
  });
});
