/** How many people a job will work with, before it has a key to hash them under. */
import type { DatasetRegistration } from "./dataset.ts";
import { Duplicates } from "./duplicates.ts";
import type { DataLimits } from "./limits.ts";
import { readDataset } from "./read.ts";
import type { Selection } from "./selection.ts";
import type { SourceAccess } from "./source.ts";
import type { SpillPlace } from "./spill.ts";

export interface EffectiveOptions {
  /** Where hashes wait to be compared, when there are many; in memory without it, at some 30 bytes a row. */
  readonly spill?: SpillPlace;
  readonly access?: SourceAccess;
  readonly limits?: DataLimits;
  readonly onProgress?: (rowsDone: number) => void;
}

/** Distinct ids of the rows that are selected, without those that the policy for duplicates rejects, in one pass over the dataset. Throws as `readDataset`, and STORAGE_FAILED. */
export async function effectiveRows(
  registration: DatasetRegistration,
  selection: Selection | undefined,
  { spill, access, limits, onProgress }: EffectiveOptions = {},
): Promise<number> {
  if (selection === undefined && registration.optedOut === undefined) return registration.accepted;
  const { rows: expected, duplicatePolicy: policy } = registration;
  await using duplicates = await Duplicates.open({ expected, policy, ...(spill === undefined ? {} : { spill }) });
  let done = 0;
  let held = 0;
  const reading = {
    columns: [],
    ...(selection && { selection }),
    ...(access && { access }),
    ...(limits && { limits }),
  };
  for await (const batch of readDataset(registration, reading)) {
    await duplicates.add(batch);
    done += batch.good;
    held += batch.count;
    onProgress?.(done);
  }
  return held - (await duplicates.find());
}
