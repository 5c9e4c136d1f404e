/** `entente dataset check`: what a registration would find. */
import type { RouteResponse } from "../../proto/http/routes.ts";
import { fields, table } from "./output.ts";
import { duration } from "./progress.ts";

type Check = RouteResponse<"checkDataset">;

const COUNT = new Intl.NumberFormat("en");
const NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });

export function describeCheck(check: Check): string {
  const { setAside, shapes, otherShapeRows, preview, columns } = check;
  const flat = columns.filter(({ isConstant }) => isConstant);
  const sections: (string | undefined)[] = [
    summary(check),
    setAside.length === 0
      ? undefined
      : `Set aside\n${table(["reason", "rows", "first at", "what to do"], setAside.map(reasonCells), "")}`,
    shapes.length === 0
      ? undefined
      : `Ids as written\n${table(["form", "rows", "usable", "rejected"], shapeRows(shapes, otherShapeRows), "")}`,
    preview === null || preview.length === 0
      ? undefined
      : `First rows\n${table(["line", "as written", "normalised"], preview.map(previewCells), "")}`,
    `Columns\n${table(["column", "type", "filled", "nulls", "distinct, about", "least", "most", "mean"], columns.map(columnCells), "")}`,
    flat.length === 0
      ? undefined
      : `Nothing can be learnt from ${flat.map(({ name }) => name).join(", ")}: one value in all rows, or none.`,
    estimateText(check),
  ];
  return sections.filter((section) => section !== undefined).join("\n\n");
}

function summary({ ids, source, dialect, rows, accepted, duplicates, lines, setAside, quarantine }: Check): string {
  const rejected = setAside.filter(({ reason }) => reason !== "duplicate").reduce((sum, item) => sum + item.rows, 0);
  return fields({
    id: ids.map(({ column, normaliser }) => `${column} by ${normaliser}`).join(", "),
    source: source.from,
    files: source.files > 1 ? source.files : undefined,
    encoding: dialect?.encoding,
    delimiter: dialect === null ? undefined : JSON.stringify(dialect.delimiter),
    lines:
      lines === null
        ? undefined
        : `${COUNT.format(lines.total)}: ${lines.header} header, ${lines.blank} blank, ${lines.continued} inside quotes`,
    rows: COUNT.format(rows),
    "usable ids": COUNT.format(accepted),
    duplicates: COUNT.format(duplicates),
    "set aside": COUNT.format(rejected),
    quarantine: quarantine ?? undefined,
  });
}

function reasonCells({ reason, rows, first, fix }: Check["setAside"][number]): string[] {
  const places = first.map(
    ({ file, line, column }) =>
      `${file === undefined ? "" : `${file}:`}${line}${column === undefined ? "" : ` (${column})`}`,
  );
  const more = rows > first.length ? ", ..." : "";
  return [reason, COUNT.format(rows), `line ${places.join(", ")}${more}`, fix ?? ""];
}

function shapeRows(shapes: Check["shapes"], otherRows: number): string[][] {
  const rows = shapes.map(({ shape, rows, usable, rejected }) => [
    shape,
    COUNT.format(rows),
    COUNT.format(usable),
    Object.entries(rejected)
      .map(([reason, count]) => `${reason} ${COUNT.format(count)}`)
      .join(", "),
  ]);
  return otherRows === 0 ? rows : [...rows, ["(other forms)", COUNT.format(otherRows), "", ""]];
}

function previewCells({ place, written, normalised, reason }: NonNullable<Check["preview"]>[number]): string[] {
  const show = (id: typeof written): string => {
    if (id === null) return "(no value)";
    return typeof id === "string" ? id : id.map((part) => part ?? "(no value)").join(" | ");
  };
  return [
    `${place.file === undefined ? "" : `${place.file}:`}${place.line}`,
    show(written),
    normalised ?? `(${reason})`,
  ];
}

function columnCells({ name, type, filled, nulls, distinct, numbers }: Check["columns"][number]): string[] {
  const figures =
    numbers === null ? ["", "", ""] : [numbers.min, numbers.max, numbers.mean].map((n) => NUMBER.format(n));
  return [name, type, COUNT.format(filled), COUNT.format(nulls), COUNT.format(distinct), ...figures];
}

function estimateText({ estimate }: Check): string {
  if (estimate === null) return "No job can run over it: it has no usable id, or more than a job takes.";
  const { cpuSeconds, memoryMB, diskMB, partitions } = estimate;
  const parts = partitions === 1 ? "one partition" : `${partitions} partitions`;
  return `An audience with a list as long takes about ${duration(cpuSeconds)} of one core, ${COUNT.format(memoryMB)} MB of memory and ${COUNT.format(diskMB)} MB of disk here, in ${parts}. This is an estimate from another machine, without waiting for the peer.`;
}
