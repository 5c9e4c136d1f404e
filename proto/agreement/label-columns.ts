/**
 * Columns that reach the receiver of a result in clear, for matched rows: what an agreement says of them, and what a job
 * names of it. All labels of a job are of one length, which follows from their types alone.
 */
import * as z from "zod";
import { equalBytes } from "../encoding/bytes.ts";
import { canonicalJson } from "../encoding/canonical-json.ts";
import { EntenteError } from "../errors.ts";
import { columnName, labelTextBytes } from "./fields.ts";
import { agreedDataset } from "./references.ts";
import type { AgreementDocument } from "./schema.ts";

/** Of a text when the agreement names no length. */
export const DEFAULT_LABEL_TEXT_BYTES = 32;
/** Of one job. */
export const MAX_LABELS = 16;
/** Of one job, all columns together: with a score's slot and share a row's label has 256. */
export const MAX_LABELS_BYTES = 248;

const labelColumn = z.discriminatedUnion("type", [
  z.strictObject({ name: columnName, type: z.enum(["number", "boolean"]) }),
  z.strictObject({ name: columnName, type: z.literal("text"), maxBytes: labelTextBytes }),
]);

export type LabelColumn = z.infer<typeof labelColumn>;

/** As they stand in a job spec, in the order of their bytes. */
export const labelColumnsField = z
  .array(labelColumn)
  .min(1)
  .max(MAX_LABELS)
  // Columns of a table are the same in any case to most tools that an export goes to.
  .refine((columns) => new Set(columns.map(({ name }) => name.toLowerCase())).size === columns.length, "a column twice")
  .refine((columns) => labelsBytes(columns) <= MAX_LABELS_BYTES, "more bytes than a row's label has");

const WIDTH = { number: 8, boolean: 1 } as const;

/** Bytes of one column's value: a double, one byte, or a length and room for the longest text. */
export function labelWidth(column: LabelColumn): number {
  return column.type === "text" ? 1 + column.maxBytes : WIDTH[column.type];
}

/** Bytes of a row's values together: the same for every row. */
export function labelsBytes(columns: readonly LabelColumn[]): number {
  return columns.reduce((sum, column) => sum + labelWidth(column), 0);
}

export interface LabelledDataset {
  readonly provider: string;
  readonly providerDataset: string;
}

/**
 * The named columns as the agreement describes them. Throws POLICY_OUTPUT for one that it does not give the role `label`,
 * BAD_REQUEST for too many, too long together, or one twice.
 */
export function agreedLabels(
  document: AgreementDocument,
  { provider, providerDataset }: LabelledDataset,
  names: readonly string[],
): readonly LabelColumn[] {
  if (names.length === 0) return [];
  const columns = agreedDataset(document, provider, providerDataset)?.columns ?? [];
  const labels = names.map((name): LabelColumn => {
    const agreed = columns.find((column) => column.name === name);
    if (agreed?.role !== "label") throw new EntenteError("POLICY_OUTPUT", { detail: `${name}: no label by agreement` });
    const { type = "text", maxBytes = DEFAULT_LABEL_TEXT_BYTES } = agreed;
    return type === "text" ? { name, type, maxBytes } : { name, type };
  });
  const parsed = labelColumnsField.safeParse(labels);
  if (!parsed.success) throw new EntenteError("BAD_REQUEST", { detail: `labels: ${parsed.error.issues[0]?.message}` });
  return parsed.data;
}

/** Throws POLICY_OUTPUT when a job's labels are not, in name and type, those of this node's own agreement. */
export function requireAgreedLabels(
  document: AgreementDocument,
  job: LabelledDataset & { readonly labels?: readonly LabelColumn[] | undefined },
): void {
  const { labels = [] } = job;
  const names = labels.map(({ name }) => name);
  const agreed = agreedLabels(document, job, names);
  if (!equalBytes(canonicalJson([...agreed]), canonicalJson([...labels])))
    throw new EntenteError("POLICY_OUTPUT", { detail: "labels: other types than agreed" });
}
