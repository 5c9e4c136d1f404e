import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Duplicates } from "../../party/data/duplicates.ts";
import { MEMORY_ROWS } from "../../party/data/limits.ts";
import type { RowBatch } from "../../party/data/rows.ts";
import { dataFolder } from "../support/data-folder.ts";
import { packed, spillPlace } from "../support/partition-run.ts";

function batch(firstRow: number, ids: readonly string[]): RowBatch {
  const rows = Uint32Array.from(ids, (_, i) => firstRow + 2 * i);
  const count = ids.length;
  return {
    part: 0,
    partStart: 0,
    read: 2 * count,
    good: count,
    count,
    rows,
    ids: packed(ids),
    features: [],
    setAside: [],
    rawId: () => "",
  };
}

describe("Duplicates", () => {
  it.each([10_000, MEMORY_ROWS + 1, 5_000_000])("counts exactly with room for %i rows", async (expected) => {
    await using folder = await dataFolder();
    const spill = spillPlace(join(folder.path, "spills"));
    const ids = Array.from({ length: 3000 }, (_, i) => `id ${(i * i) % 2003}`);
    const seen = new Set<string>();
    const repeated = ids.map((id) => seen.size === seen.add(id).size);
    {
      await using duplicates = await Duplicates.open({ expected, policy: { kind: "first" }, spill });
      for (let from = 0; from < 3000; from += 1000) await duplicates.add(batch(2 * from, ids.slice(from, from + 1000)));
      expect(await duplicates.find()).toBe(3000 - seen.size);
      expect(ids.map((_, i) => duplicates.has(2 * i))).toEqual(repeated);
      expect(ids.some((_, i) => duplicates.has(2 * i + 1))).toBe(false);
      const files = await readdir(folder.path, { recursive: true });
      expect(files.some((file) => file.includes("rows-"))).toBe(expected > MEMORY_ROWS);
    }
    expect(await readdir(spill.folder).catch(() => [])).toEqual([]);
  });

  it("needs no spill", async () => {
    await using duplicates = await Duplicates.open({ expected: MEMORY_ROWS + 1, policy: { kind: "first" } });
    await duplicates.add(batch(0, ["a", "b", "a"]));
    expect(await duplicates.find()).toBe(1);
    expect(duplicates.has(4)).toBe(true);
  });
});
