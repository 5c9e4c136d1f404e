/** Ids through a partition sink, without a dataset. */
import { randomBytes } from "node:crypto";
import type { BlockStore } from "../../party/data/blocks.ts";
import { idHasher } from "../../party/data/id-hash.ts";
import type { PackedText } from "../../party/data/packed-text.ts";
import type { PartitionReader } from "../../party/data/partition-reader.ts";
import { PartitionSink, type Quantiser } from "../../party/data/partition-sink.ts";
import { SpilledBlocks, type SpillPlace } from "../../party/data/spill.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";

export const runKey = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);

export function spillPlace(folder: string): SpillPlace {
  return { folder, key: new Uint8Array(32).fill(9), random: { bytes: (n) => new Uint8Array(randomBytes(n)) } };
}

export function spilled(folder: string): Promise<BlockStore> {
  return SpilledBlocks.create(spillPlace(folder));
}

export function packed(texts: readonly string[]): PackedText {
  const parts = texts.map(utf8);
  const offsets = new Uint32Array(texts.length + 1);
  for (const [i, part] of parts.entries()) offsets[i + 1] = (offsets[i] as number) + part.length;
  return { count: texts.length, bytes: Uint8Array.from(parts.flatMap((part) => [...part])), offsets };
}

export interface PartitionRun {
  readonly ids: readonly string[];
  /** One number per id for each feature. */
  readonly features?: readonly Float64Array[];
  readonly quantisers?: readonly (Quantiser | undefined)[];
  readonly partitions: number;
  readonly store: BlockStore;
  readonly batchRows?: number;
  readonly maxBlockBytes?: number;
}

/** Row numbers are 3 * position + 1, to tell them from positions. */
export async function runSink(run: PartitionRun): Promise<PartitionReader> {
  const { ids, partitions, store, batchRows = 100, features = [] } = run;
  const quantisers = run.quantisers ?? features.map(() => undefined);
  const limit = run.maxBlockBytes === undefined ? {} : { maxBlockBytes: run.maxBlockBytes };
  const sink = new PartitionSink({ partitions, quantisers, withSubjects: true, expected: ids.length, store, ...limit });
  const hasher = idHasher(runKey);
  for (let from = 0; from < ids.length; from += batchRows) {
    const texts = packed(ids.slice(from, from + batchRows));
    await sink.write({
      count: texts.count,
      rows: Uint32Array.from({ length: texts.count }, (_, i) => 3 * (from + i) + 1),
      hashes: hasher.hashAll(texts),
      ids: texts,
      features: features.map((values) => values.slice(from, from + batchRows)),
    });
  }
  return sink.finish();
}
