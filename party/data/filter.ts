/** A filter: which rows of its owner's dataset a job takes, by one SQL expression over the dataset's own columns. */
import { isDeepStrictEqual } from "node:util";
import { EntenteError } from "../../proto/errors.ts";
import { type DatasetRegistration, tableOf } from "./dataset.ts";
import { printFilter } from "./filter-print.ts";
import { parseTree } from "./filter-tree.ts";
import type { RowCondition } from "./table.ts";

export interface Filter {
  readonly kind: "filter";
  /** As its author wrote it. */
  readonly text: string;
  /** In SQL, for a dataset whose columns are those it was checked against; DATASET_CHANGED for another. */
  conditionFor(registration: DatasetRegistration): RowCondition;
}

/** The README has the language. Throws FILTER_INVALID with the part that is not of it, never with its text. */
export async function parseFilter(registration: DatasetRegistration, text: string): Promise<Filter> {
  const table = tableOf(registration);
  const condition = printFilter(await parseTree(text), table);
  return {
    kind: "filter",
    text,
    conditionFor(other) {
      if (!isDeepStrictEqual(tableOf(other), table)) throw new EntenteError("DATASET_CHANGED", { detail: other.name });
      return condition;
    },
  };
}
