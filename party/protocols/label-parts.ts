/** A row's label is made of parts of fixed lengths, as a score's slot and share and then the job's label columns. */
import { EntenteError } from "../../proto/errors.ts";

/** One part of every row's label: `count * width` bytes. */
export interface LabelPart {
  readonly bytes: Uint8Array;
  readonly width: number;
}

/** Labels of `count` rows from their parts. Throws INTERNAL when a part is not of so many rows. */
export function joinLabels(parts: readonly LabelPart[], count: number): Uint8Array {
  if (parts.some(({ bytes, width }) => bytes.length !== count * width))
    throw new EntenteError("INTERNAL", { cause: new Error("a part of a label is not of every row") });
  const present = parts.filter(({ width }) => width > 0);
  if (present.length < 2) return present[0]?.bytes ?? new Uint8Array(0);
  const rowBytes = present.reduce((sum, { width }) => sum + width, 0);
  const labels = new Uint8Array(count * rowBytes);
  let at = 0;
  for (const { bytes, width } of present) {
    for (let row = 0; row < count; row++)
      labels.set(bytes.subarray(row * width, (row + 1) * width), row * rowBytes + at);
    at += width;
  }
  return labels;
}

/** The inverse of `joinLabels`: one part for each of `widths`, in memory of its own. */
export function splitLabels(labels: Uint8Array, widths: readonly number[], count: number): Uint8Array[] {
  const rowBytes = widths.reduce((sum, width) => sum + width, 0);
  if (labels.length !== count * rowBytes)
    throw new EntenteError("INTERNAL", { cause: new Error("labels of another length") });
  let at = 0;
  return widths.map((width) => {
    const part = new Uint8Array(count * width);
    for (let row = 0; row < count; row++) {
      const from = row * rowBytes + at;
      part.set(labels.subarray(from, from + width), row * width);
    }
    at += width;
    return part;
  });
}

/** The parts of some rows, in their order. */
export function gatherLabels({ bytes, width }: LabelPart, rows: Uint32Array): Uint8Array {
  const out = new Uint8Array(rows.length * width);
  for (const [i, row] of rows.entries()) out.set(bytes.subarray(row * width, (row + 1) * width), i * width);
  return out;
}
