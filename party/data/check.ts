/** Looks at a source as registration would, and registers nothing: what is in it, what is not usable, and why. */

import { type ColumnStatistics, columnStatistics } from "./column-statistics.ts";
import type { RawId } from "./composite-id.ts";
import type { DatasetRegistration } from "./dataset.ts";
import { estimateJob, type JobEstimate } from "./estimate.ts";
import { idShape } from "./id-shape.ts";
import { type InspectInput, inspectSource, type Onlooker, type RowPlace } from "./inspect.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { textAt } from "./packed-text.ts";
import type { QuarantineEntry } from "./quarantine.ts";
import type { RowBatch } from "./rows.ts";

/** Lines that are named of each reason, rows of each kind in the preview, shapes that are told apart, and those that are shown. */
const FIRST_LINES = 5;
const PREVIEWED = 5;
const MAX_SHAPES = 4096;
const TOP_SHAPES = 20;

type Reason = QuarantineEntry["reason"];
export type Place = RowPlace & Pick<QuarantineEntry, "column">;

export interface ReasonCount {
  readonly reason: Reason;
  readonly rows: number;
  readonly first: readonly Place[];
}

/** Rows whose id is written in one form, duplicates among the usable ones. */
export interface ShapeCount {
  readonly shape: string;
  readonly rows: number;
  readonly usable: number;
  readonly rejected: Readonly<Partial<Record<Reason, number>>>;
}

/** A row as an example: values of the data. */
export interface PreviewRow {
  readonly place: RowPlace;
  readonly written: RawId;
  /** What the peer's normalised id must be equal to; null when there is none, for `reason`. */
  readonly normalised: string | null;
  readonly reason: Reason | null;
}

export interface DatasetCheck {
  readonly registration: DatasetRegistration;
  readonly reasons: readonly ReasonCount[];
  /** Most rows first. Of records that cannot be taken apart there is no id. */
  readonly shapes: readonly ShapeCount[];
  /** Rows of shapes that are not shown. */
  readonly otherShapeRows: number;
  /** The first usable rows, then the first that are not. */
  readonly preview: readonly PreviewRow[];
  readonly columns: readonly ColumnStatistics[];
  readonly estimate: JobEstimate | undefined;
}

/** Memory does not grow with the rows. Throws as `inspectDataset`, but not for want of a good id. */
export async function checkDataset(input: InspectInput): Promise<DatasetCheck> {
  const onlooker = new Looking(input);
  const registration = await inspectSource({ ...input, onlooker });
  const { format, rows, accepted, columns } = registration;
  const cells = format === "csv" || format === "postgres" ? "text" : "typed";
  const form = {
    rows,
    accepted,
    columns: columns.length - input.ids.length,
    cells,
    idBytes: onlooker.idBytes,
  } as const;
  return {
    registration,
    reasons: onlooker.reasons(),
    ...onlooker.shapes(),
    preview: onlooker.preview(),
    columns: onlooker.columns,
    estimate: estimateJob(form),
  };
}

interface Shape {
  usable: number;
  rows: number;
  readonly rejected: Map<Reason, number>;
}

class Looking implements Onlooker {
  columns: readonly ColumnStatistics[] = [];
  idBytes = 0;
  readonly #input: InspectInput;
  readonly #reasons = new Map<Reason, { rows: number; readonly first: Place[] }>();
  readonly #shapes = new Map<string, Shape>();
  readonly #good: PreviewRow[] = [];
  readonly #bad: PreviewRow[] = [];
  #untoldRows = 0;

  constructor(input: InspectInput) {
    this.#input = input;
  }

  async surveyed(survey: Parameters<Onlooker["surveyed"]>[0]): Promise<void> {
    this.#input.onProgress?.({ step: "surveying-columns", done: 0, total: null, unit: "steps" });
    this.columns = await columnStatistics(survey, this.#input.limits ?? DEFAULT_LIMITS);
  }

  rows(batch: RowBatch, placeOf: (row: number) => RowPlace): void {
    const { count, ids } = batch;
    this.idBytes += ids.offsets[count] ?? 0;
    for (let i = 0; i < count; i++) {
      const written = batch.rawId(i);
      const shape = this.#shape(written);
      if (shape !== undefined) {
        shape.rows++;
        shape.usable++;
      }
      if (this.#good.length < PREVIEWED)
        this.#good.push({
          ...{ place: placeOf(batch.rows[i] as number), written },
          ...{ normalised: textAt(ids, i), reason: null },
        });
    }
  }

  setAside({ file, line, column, reason, id }: QuarantineEntry): void {
    const place = { line, ...(file === undefined ? {} : { file }) };
    const known = this.#reasons.get(reason) ?? { rows: 0, first: [] };
    this.#reasons.set(reason, known);
    known.rows++;
    if (known.first.length < FIRST_LINES) known.first.push({ ...place, ...(column === undefined ? {} : { column }) });
    // A duplicate was a usable row; a broken record has no id.
    if (reason === "duplicate" || id === undefined) return;
    const shape = this.#shape(id);
    if (shape !== undefined) {
      shape.rows++;
      shape.rejected.set(reason, (shape.rejected.get(reason) ?? 0) + 1);
    }
    if (this.#bad.length < PREVIEWED) this.#bad.push({ place, written: id, normalised: null, reason });
  }

  reasons(): ReasonCount[] {
    return [...this.#reasons].map(([reason, counted]) => ({ reason, ...counted })).sort((a, b) => b.rows - a.rows);
  }

  shapes(): Pick<DatasetCheck, "shapes" | "otherShapeRows"> {
    const all = [...this.#shapes]
      .map(([shape, { rows, usable, rejected }]) => ({ shape, rows, usable, rejected: Object.fromEntries(rejected) }))
      .sort((a, b) => b.rows - a.rows || (a.shape < b.shape ? -1 : 1));
    const left = all.slice(TOP_SHAPES).reduce((sum, { rows }) => sum + rows, this.#untoldRows);
    return { shapes: all.slice(0, TOP_SHAPES), otherShapeRows: left };
  }

  preview(): PreviewRow[] {
    return [...this.#good, ...this.#bad];
  }

  /** Undefined when there are too many shapes to tell this one apart. */
  #shape(written: RawId): Shape | undefined {
    const name = idShape(written);
    const known = this.#shapes.get(name);
    if (known !== undefined) return known;
    if (this.#shapes.size >= MAX_SHAPES) {
      this.#untoldRows++;
      return undefined;
    }
    const shape = { usable: 0, rows: 0, rejected: new Map() };
    this.#shapes.set(name, shape);
    return shape;
  }
}
