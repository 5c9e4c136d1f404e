/** The texts of a column, for a report that is to be broken down by all of them. */
import { labelReader } from "../../proto/codec/labels.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import { readDataset } from "../data/read.ts";
import type { Selection } from "../data/selection.ts";
import type { SourceAccess } from "../data/source.ts";

/** Of UTF-8: a column of longer texts is no grouping. */
const MAX_BYTES = 64;
const MAX_DISTINCT = 10_000;

function unfit(column: string, why: string): EntenteError {
  return new EntenteError("BAD_REQUEST", { detail: `by: ${column}: ${why}; name the values that matter` });
}

/**
 * At most `most` texts of the rows that are selected, those of most rows first. Throws as `readDataset`, and BAD_REQUEST for
 * a column of longer texts, or of more than so many, than groups are called by.
 */
export async function columnValues(
  registration: DatasetRegistration,
  {
    column,
    selection,
    most,
    access,
  }: {
    readonly column: string;
    readonly selection: Selection | undefined;
    readonly most: number;
    readonly access: SourceAccess;
  },
): Promise<string[]> {
  const label = { name: column, type: "text", maxBytes: MAX_BYTES } as const;
  const width = 1 + MAX_BYTES;
  const read = labelReader([label]);
  const rowsOf = new Map<string, number>();
  try {
    for await (const { count, labels } of readDataset(registration, {
      columns: [],
      labels: [label],
      access,
      ...(selection && { selection }),
    })) {
      for (let i = 0; i < count && labels !== undefined; i++) {
        const [value] = read(labels.subarray(i * width, (i + 1) * width));
        if (typeof value !== "string" || value === "") continue;
        const rows = rowsOf.get(value) ?? 0;
        if (rows === 0 && rowsOf.size === MAX_DISTINCT) throw unfit(column, `more than ${MAX_DISTINCT} texts`);
        rowsOf.set(value, rows + 1);
      }
    }
  } catch (error) {
    if (error instanceof EntenteError && error.code === "LABEL_UNFIT")
      throw unfit(column, `texts of more than ${MAX_BYTES} bytes`);
    throw error;
  }
  const ordered = [...rowsOf].sort(([a, rowsA], [b, rowsB]) => rowsB - rowsA || (a < b ? -1 : 1));
  return ordered.slice(0, most).map(([value]) => value);
}
