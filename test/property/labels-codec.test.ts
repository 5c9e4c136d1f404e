import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LabelColumn, labelsBytes, labelWidth } from "../../proto/agreement/label-columns.ts";
import { type LabelValue, labelReader, writeBoolean, writeNumber, writeText } from "../../proto/codec/labels.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { codeOf } from "../support/code-of.ts";

/** A row's label, written column by column as the data layer does. */
function written(columns: readonly LabelColumn[], values: readonly LabelValue[]): Uint8Array {
  const label = new Uint8Array(labelsBytes(columns));
  let at = 0;
  for (const [i, column] of columns.entries()) {
    const value = values[i] as LabelValue;
    const view = new DataView(label.buffer);
    if (column.type === "text") writeText(label, at, value === null ? undefined : utf8(String(value)), column);
    else {
      const write = column.type === "number" ? writeNumber : writeBoolean;
      write(view, at, value === null ? Number.NaN : Number(value), column.name);
    }
    at += labelWidth(column);
  }
  return label;
}

const column = (i: number): fc.Arbitrary<{ column: LabelColumn; value: LabelValue }> =>
  fc.oneof(
    fc
      .option(fc.double({ noNaN: true, noDefaultInfinity: true }))
      .map((value) => ({ column: { name: `c${i}`, type: "number" } as const, value: value === 0 ? 0 : value })),
    fc.option(fc.boolean()).map((value) => ({ column: { name: `c${i}`, type: "boolean" } as const, value })),
    fc
      .tuple(
        fc.integer({ min: 1, max: 64 }),
        fc.option(fc.string({ unit: "grapheme", maxLength: 64 }).filter((text) => text.isWellFormed())),
      )
      .map(([maxBytes, text]) => {
        const value = text === null || utf8(text).length > maxBytes ? null : text;
        return { column: { name: `c${i}`, type: "text", maxBytes } as const, value };
      }),
  );

const row = fc.integer({ min: 1, max: 3 }).chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => column(i))));

describe("a row's label", () => {
  it("reads back what was written, in one length whatever the values", () => {
    fc.assert(
      fc.property(row, (cells) => {
        const columns = cells.map((cell) => cell.column);
        const values = cells.map(({ value }) => value);
        const label = written(columns, values);
        expect(label.length).toBe(labelsBytes(columns));
        expect(labelReader(columns)(label)).toEqual(values);
      }),
    );
  });

  it("has one encoding: other bytes are refused or are another value, and nothing but a typed error comes out", () => {
    fc.assert(
      fc.property(row, fc.infiniteStream(fc.nat(255)), fc.boolean(), (cells, noise, isNoiseOnly) => {
        const columns = cells.map((cell) => cell.column);
        const label = written(
          columns,
          cells.map(({ value }) => value),
        );
        // All noise, or one byte of it in what is valid.
        const changed = label.slice();
        if (isNoiseOnly) for (let i = 0; i < changed.length; i++) changed[i] = noise.next().value as number;
        else changed[(noise.next().value as number) % label.length] = noise.next().value as number;
        const read = labelReader(columns);
        const code = codeOf(() => read(changed));
        if (code === undefined) expect(written(columns, read(changed))).toEqual(changed);
        else expect(code).toBe("WIRE_INVALID");
      }),
    );
  });
});
