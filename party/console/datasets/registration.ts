/** The form of a registration as a request to the node. */
import type { NormaliserName } from "../../../proto/agreement/fields.ts";
import type { Aggregate } from "../../../proto/duplicate-policy.ts";
import type { RouteRequest, RouteResponse } from "../../../proto/http/routes.ts";

type Dataset = RouteResponse<"datasets">["datasets"][number];

export const SOURCE_KINDS = ["files", "duckdb", "postgres"] as const;

export interface WrittenId {
  readonly column: string;
  readonly normaliser: NormaliserName;
}

export interface RegistrationForm {
  readonly name: string;
  readonly kind: (typeof SOURCE_KINDS)[number];
  readonly path: string;
  readonly table: string;
  readonly database: string;
  readonly ids: readonly WrittenId[];
  readonly duplicates: "first" | "reject" | Aggregate;
}

export const EMPTY_REGISTRATION: RegistrationForm = {
  name: "",
  kind: "files",
  path: "",
  table: "",
  database: "",
  ids: [{ column: "", normaliser: "phone-e164" }],
  duplicates: "first",
};

/** A new version of a dataset: as it was registered, as far as the node tells. */
export function registrationLike({ name, source, ids, duplicatePolicy }: Dataset): RegistrationForm {
  const place = source.kind === "files" ? { path: source.from } : {};
  const { kind } = duplicatePolicy;
  return {
    ...EMPTY_REGISTRATION,
    ...{ name, kind: source.kind, ...place },
    ids: ids.map(({ column, normaliser }) => ({ column, normaliser: normaliser as NormaliserName })),
    duplicates: kind === "aggregate" ? (duplicatePolicy.others ?? "sum") : kind,
  };
}

export function registrationOf(form: RegistrationForm): RouteRequest<"registerDataset"> {
  const { name, kind, path, table, database, ids, duplicates } = form;
  const place = {
    files: { path: path.trim() },
    duckdb: { duckdb: { path: path.trim(), table: table.trim() } },
    postgres: { postgres: { database: database.trim(), table: table.trim() } },
  }[kind];
  const policy =
    duplicates === "first" || duplicates === "reject"
      ? ({ kind: duplicates } as const)
      : ({ kind: "aggregate", columns: {}, others: duplicates } as const);
  return {
    name: name.trim(),
    ...place,
    ids: ids.map(({ column, normaliser }) => ({ column: column.trim(), normaliser })),
    duplicatePolicy: policy,
  };
}
