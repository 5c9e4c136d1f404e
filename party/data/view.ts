/** A registered dataset as the node's own users see it. */
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { RegisteredDataset } from "./datasets.ts";
import type { DatasetSource } from "./source.ts";

type View = RouteResponse<"registerDataset">;

export function viewDataset({ registration, registeredAt, quarantinePath }: RegisteredDataset): View {
  const { name, version, format, ids, duplicatePolicy, columns, rows, accepted, duplicates, rejectedByReason } =
    registration;
  const { source, dialect, lines } = registration;
  const rejected = Object.fromEntries(Object.entries(rejectedByReason).filter(([, count]) => count > 0));
  const hasQuarantine = (duplicates > 0 && duplicatePolicy.kind !== "aggregate") || Object.keys(rejected).length > 0;
  return {
    ...{ name, version, format, rows, accepted, duplicates, rejected, registeredAt },
    ids: ids.map((id) => ({ ...id })),
    duplicatePolicy,
    source: viewSource(source),
    dialect: dialect === undefined ? null : { ...dialect },
    lines: lines === undefined ? null : { total: lines.total, swallowed: lines.header + lines.blank + lines.continued },
    columns: columns.map((column) => ({ name: column.name, type: column.type })),
    quarantine: hasQuarantine ? quarantinePath : null,
  };
}

/** In one line. A query may name people, and is its author's: it is not shown. */
export function viewSource(source: DatasetSource): View["source"] {
  const { kind } = source;
  switch (source.kind) {
    case "files":
      return { kind, from: source.path, files: source.parts.length };
    case "duckdb":
      return { kind, from: `${source.table.schema}.${source.table.name} in ${source.file.path}`, files: 1 };
    case "postgres": {
      const { from, database } = source;
      const what = "query" in from ? "a query" : `${from.table.schema}.${from.table.name}`;
      return { kind, from: `${what} in ${database}`, files: 0 };
    }
  }
}
