/** A check as the node's own users see it. */
import type { RouteResponse } from "../../proto/http/routes.ts";
import { setAsideFix } from "../../proto/set-aside.ts";
import type { DatasetCheck, PreviewRow } from "./check.ts";
import { PART_SEPARATOR, type RawId } from "./composite-id.ts";
import { maskId } from "./mask-id.ts";
import { viewSource } from "./view.ts";

type View = RouteResponse<"checkDataset">;

export interface CheckShown {
  readonly quarantinePath: string;
  /** What of the rows is shown: counts alone, ids' forms with figures of the columns, or the ids, too. */
  readonly ids: "none" | "masked" | "shown";
}

export function viewCheck(check: DatasetCheck, { quarantinePath, ids: shown }: CheckShown): View {
  const { registration, reasons, shapes, otherShapeRows, preview, columns, estimate } = check;
  const { name, format, source, dialect, ids, rows, accepted, duplicates, lines } = registration;
  return {
    ...{ name, format, rows, accepted, duplicates, otherShapeRows },
    source: viewSource(source),
    dialect: dialect === undefined ? null : { ...dialect },
    ids: ids.map((id) => ({ ...id })),
    lines: lines === undefined ? null : { ...lines },
    setAside: reasons.map(({ reason, rows: count, first }) => ({
      ...{ reason, rows: count, first: [...first] },
      fix: setAsideFix(reason) ?? null,
    })),
    shapes: shapes.map((shape) => ({ ...shape, rejected: { ...shape.rejected } })),
    preview: shown === "none" ? null : preview.map((row) => viewRow(row, shown === "masked")),
    columns: columns.map(({ numbers, ...column }) => ({
      ...column,
      numbers: shown === "none" ? null : (numbers ?? null),
    })),
    estimate: estimate ?? null,
    quarantine: reasons.length > 0 ? quarantinePath : null,
  };
}

function viewRow({ place, written, normalised, reason }: PreviewRow, isMasked: boolean) {
  const show = (id: RawId) => (isMasked ? maskId(id) : id);
  // Parts are masked each by itself, as those that were written are.
  const parts = normalised === null ? null : [show(normalised.split(PART_SEPARATOR))].flat();
  const form = show(written);
  return {
    place,
    written: form === null || typeof form === "string" ? form : [...form],
    normalised: parts === null ? null : parts.join(" | "),
    reason,
  };
}
