/** What a report reads of the own dataset, and each person's groups from it. */
import { type Grouping, groupOf } from "../../proto/report/grouping.ts";
import type { FileColumn, ReadColumn } from "../data/read.ts";
import type { Selection } from "../data/selection.ts";

export interface GroupColumns {
  readonly columns: readonly ReadColumn[];
  /** Numbers of a row's groups, by grouping; `values`: of `columns`. */
  groupsAt(values: readonly Float64Array[], row: number): number[];
}

/** `segments`: of the groupings that are by one, in order. A column is read once, whatever names it. */
export function groupColumns(groupings: readonly Grouping[], segments: readonly Selection[]): GroupColumns {
  const texts = new Map<string, string[] | undefined>();
  for (const grouping of groupings) {
    if (grouping.kind === "segment") continue;
    const known = texts.get(grouping.column) ?? [];
    const { column } = grouping;
    texts.set(column, grouping.kind === "ranges" ? undefined : [...new Set([...known, ...grouping.values])]);
  }
  const named = [...texts].map(
    ([name, known]): FileColumn => (known === undefined ? { name } : { name, texts: known }),
  );
  const columns: ReadColumn[] = segments.length === 0 ? named : [...named, { inside: segments }];
  let segment = 0;
  const cells = groupings.map((grouping) => {
    if (grouping.kind === "segment") {
      const bit = 2 ** segment++;
      return (values: readonly Float64Array[], row: number) =>
        Math.floor(((values[named.length] as Float64Array)[row] as number) / bit) % 2;
    }
    const place = named.findIndex(({ name }) => name === grouping.column);
    const own = grouping.kind === "values" ? placesIn(texts.get(grouping.column) ?? [], grouping.values) : undefined;
    return (values: readonly Float64Array[], row: number) => {
      const cell = (values[place] as Float64Array)[row] as number;
      return own === undefined || Number.isNaN(cell) ? cell : (own[cell] ?? -1);
    };
  });
  return {
    columns,
    groupsAt: (values, row) =>
      groupings.map((grouping, i) => groupOf(grouping, (cells[i] as (typeof cells)[number])(values, row))),
  };
}

/** For each of all texts its place among a grouping's own, -1 where it is none of them. */
function placesIn(all: readonly string[], values: readonly string[]): number[] {
  return all.map((text) => values.indexOf(text));
}
