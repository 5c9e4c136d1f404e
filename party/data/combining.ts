/** What a read needs so that rows of one id become one: raw values to combine, and how they become what was asked for. */
import { type LabelColumn, labelWidth } from "../../proto/agreement/label-columns.ts";
import { writeNumber } from "../../proto/codec/labels.ts";
import { type Combine, combineOf } from "./aggregate.ts";
import type { DatasetRegistration } from "./dataset.ts";
import type { DuplicateRule, PartitionedRows } from "./partition-reader.ts";
import type { Quantiser } from "./partition-sink.ts";
import type { ReadColumn } from "./read.ts";

export interface Combining {
  /** To be read: those asked for, and behind them the numbers among the labels. */
  readonly columns: readonly ReadColumn[];
  readonly rule: DuplicateRule;
}

/** Numbers are combined before they are quantised, and labels of numbers are written anew. */
export function combining(
  { duplicatePolicy: policy }: DatasetRegistration,
  asked: readonly (ReadColumn & { readonly quantise?: Quantiser })[],
  labels: readonly LabelColumn[],
): Combining {
  const numbers = numberLabels(labels);
  const columns = [...asked, ...numbers.map(({ name }) => ({ name }))];
  const combines = columns.map((column): Combine => {
    return "name" in column && !("texts" in column && column.texts) ? combineOf(policy, column.name) : "first";
  });
  const width = labels.reduce((sum, label) => sum + labelWidth(label), 0);
  const finish = ({ ids, rowIndex, features, labels: written }: PartitionedRows): PartitionedRows => {
    const view = new DataView(written.buffer, written.byteOffset, written.length);
    for (const [k, { name, at }] of numbers.entries()) {
      const values = features[asked.length + k] as Float64Array;
      for (let i = 0; i < values.length; i++) writeNumber(view, i * width + at, values[i] as number, name);
    }
    const wanted = asked.map(({ quantise }, j) => {
      const values = features[j] as Float64Array<ArrayBuffer>;
      return quantise === undefined ? values : Int16Array.from(values, (value) => quantise(value));
    });
    return { ids, rowIndex, features: wanted, labels: written };
  };
  return { columns, rule: { kind: "combine", combines, finish } };
}

function numberLabels(labels: readonly LabelColumn[]): { readonly name: string; readonly at: number }[] {
  let end = 0;
  return labels.flatMap((label) => {
    const at = end;
    end += labelWidth(label);
    return label.type === "number" ? [{ name: label.name, at }] : [];
  });
}
