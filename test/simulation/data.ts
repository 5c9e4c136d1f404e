/** The parties' lists: made-up people, read from memory instead of through DuckDB. */
import type { DatasetRegistration } from "../../party/data/dataset.ts";
import { ID_HASH_BYTES, idHasher } from "../../party/data/id-hash.ts";
import { TextPacker } from "../../party/data/packed-text.ts";
import type { prepareInput } from "../../party/data/prepare.ts";
import { partitionOf } from "../../party/protocols/plan.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { datasetName } from "../../proto/ids.ts";

/** Begins every id, so that one can be found wherever it should not be. */
export const MARK = "planted-person-";
export const ID_COLUMN = "customer";

export function personOf(number: number): string {
  return `${MARK}${String(number).padStart(4, "0")}`;
}

export function registrationOf(name: string, people: readonly string[]): DatasetRegistration {
  return {
    name: datasetName(name),
    format: "csv",
    source: { kind: "files", path: `/data/${name}.csv`, parts: [] },
    ids: [{ column: ID_COLUMN, normaliser: "opaque" }],
    columns: [{ name: ID_COLUMN, type: "id" }],
    version: digestOf(utf8(people.join("\n"))),
    rows: people.length,
    accepted: people.length,
    rejectedByReason: {},
    duplicatePolicy: { kind: "first" },
    duplicates: 0,
  };
}

function packed(texts: readonly string[]) {
  const packer = new TextPacker();
  for (const text of texts) packer.add(text);
  return packer.packed();
}

/** `peopleOf`: of a dataset by its name. Only what an audience asks for is there: no columns, no segments. */
export function readerOf(peopleOf: (dataset: string) => readonly string[]): typeof prepareInput {
  const prepare = async (
    registration: DatasetRegistration,
    { jobKey, partitions, columns }: Parameters<typeof prepareInput>[1],
  ) => {
    if (columns.length > 0) throw new EntenteError("INTERNAL", { detail: "no columns are simulated" });
    const people = peopleOf(registration.name);
    const hasher = idHasher(jobKey);
    const hashes = hasher.hashAll(packed(people));
    hasher.destroy();
    const rowsOf = (partition: number) =>
      people.flatMap((_, row) => (partitionOf(hashes, row, partitions) === partition ? [row] : []));
    return {
      partitions,
      count: people.length,
      async rows(partition: number) {
        const rows = rowsOf(partition);
        const ids = new Uint8Array(rows.length * ID_HASH_BYTES);
        for (const [i, row] of rows.entries())
          ids.set(hashes.subarray(row * ID_HASH_BYTES, (row + 1) * ID_HASH_BYTES), i * ID_HASH_BYTES);
        return { ids, rowIndex: Uint32Array.from(rows), features: [], labels: new Uint8Array(0) };
      },
      subjects: async (partition: number) => packed(rowsOf(partition).map((row) => people[row] as string)),
      async destroy() {},
    };
  };
  return prepare as typeof prepareInput;
}
