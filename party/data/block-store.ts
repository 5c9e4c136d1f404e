/** Chooses between memory and disk. */
import { type BlockStore, MemoryBlocks } from "./blocks.ts";
import { MEMORY_ROWS } from "./limits.ts";
import { SpilledBlocks, type SpillPlace } from "./spill.ts";

/** Throws STORAGE_FAILED. */
export async function blockStore(input: {
  readonly partitions: number;
  /** Rows that will come at most. */
  readonly expected: number;
  readonly spill?: SpillPlace;
}): Promise<BlockStore> {
  const { partitions, expected, spill } = input;
  const isSmall = partitions === 1 && expected <= MEMORY_ROWS;
  return spill === undefined || isSmall ? new MemoryBlocks() : SpilledBlocks.create(spill);
}
