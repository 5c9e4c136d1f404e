import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { effectiveRows } from "../../party/data/effective.ts";
import { parseFilter } from "../../party/data/filter.ts";
import { normaliserOf } from "../../party/data/normalise.ts";
import { textAt } from "../../party/data/packed-text.ts";
import { prepareInput, type QuantisedColumn, type RawColumn } from "../../party/data/prepare.ts";
import { labelReader } from "../../proto/codec/labels.ts";
import { AGGREGATES, type DuplicatePolicy } from "../../proto/duplicate-policy.ts";
import { dataFolder } from "../support/data-folder.ts";

interface TableRow {
  readonly id: string;
  readonly amount: number | null;
  readonly balance: number | null;
  readonly city: string;
}

interface Person {
  readonly id: string;
  readonly row: number;
  readonly amount: number;
  readonly balance: number;
  readonly city: number;
  readonly labels: readonly (number | string | null)[];
}

const CITIES = ["x", "y"];
const FILTERS: Readonly<Record<string, (row: TableRow) => boolean>> = {
  "": () => true,
  "amount > 0": ({ amount }) => amount !== null && amount > 0,
  "city = 'x' OR balance IS NULL": ({ city, balance }) => city === "x" || balance === null,
  "amount > 1000000": () => false,
};
const LABELS = [
  { name: "city", type: "text", maxBytes: 4 },
  { name: "balance", type: "number" },
] as const;

/** Two columns' values in rows of one id as one, NaN for none. */
function combined(how: string, values: readonly (number | null)[]): number {
  const filled = values.filter((value) => value !== null);
  if (filled.length === 0) return Number.NaN;
  const sum = filled.reduce((a, b) => a + b);
  const results: Record<string, number> = { sum, mean: sum / filled.length };
  return results[how] ?? (how === "min" ? Math.min(...filled) : Math.max(...filled));
}

/** What a job must get, by Maps of strings, in the file's order. */
function peopleOf(table: readonly TableRow[], policy: DuplicatePolicy, filter: (row: TableRow) => boolean): Person[] {
  const rowsOf = new Map<string, { readonly at: number; readonly row: TableRow }[]>();
  for (const [at, row] of table.entries()) {
    const id = normaliserOf("phone-e164")(row.id);
    if (id.ok && filter(row)) rowsOf.set(id.id, [...(rowsOf.get(id.id) ?? []), { at, row }]);
  }
  return [...rowsOf].flatMap(([id, rows]): Person[] => {
    const [first] = rows;
    if (first === undefined || (policy.kind === "reject" && rows.length > 1)) return [];
    const value = (name: "amount" | "balance") => {
      if (policy.kind !== "aggregate") return first.row[name] ?? Number.NaN;
      return combined(
        policy.columns[name] ?? policy.others ?? "",
        rows.map(({ row }) => row[name]),
      );
    };
    const { city } = first.row;
    const balance = value("balance");
    const labels = [city === "" ? null : city, Number.isNaN(balance) ? null : balance];
    const place = city === "" ? Number.NaN : CITIES.indexOf(city);
    return [{ id, row: first.at, amount: value("amount"), balance, city: place, labels }];
  });
}

const cell = fc.option(
  fc.integer({ min: -40, max: 60 }).map((n) => n / 4),
  { freq: 4, nil: null },
);
const id = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 30 }).map((n) => `1380000${String(n).padStart(4, "0")}`) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 30 }).map((n) => `+86 1380000 ${String(n).padStart(4, "0")}`) },
  { weight: 1, arbitrary: fc.constantFrom("", "n/a", "01065432100") },
);
const tableRow = fc.record({ id, amount: cell, balance: cell, city: fc.constantFrom("x", "y", "z", "") });
const how = fc.constantFrom(...AGGREGATES);
const POLICIES: Readonly<Record<DuplicatePolicy["kind"], fc.Arbitrary<DuplicatePolicy>>> = {
  first: fc.constant({ kind: "first" }),
  reject: fc.constant({ kind: "reject" }),
  aggregate: fc.oneof(
    fc.record({ kind: fc.constant("aggregate"), columns: fc.record({ amount: how }), others: how }),
    fc.record({ kind: fc.constant("aggregate"), columns: fc.record({ amount: how, balance: how }) }),
  ),
};
const filter = fc.oneof(fc.constant(""), fc.constantFrom(...Object.keys(FILTERS).slice(1)));
const quantise = (value: number) => (Number.isNaN(value) ? -32_768 : Math.round(value * 8));

describe("the policy for duplicates", () => {
  it.each(["first", "reject", "aggregate"] as const)(
    "%s is the same in registration, counts and reads",
    async (kind) => {
      const seen = new Set<string>();
      await fc.assert(
        fc.asyncProperty(
          fc.array(tableRow, { minLength: 20, maxLength: 60, size: "max" }),
          POLICIES[kind],
          filter,
          fc.integer({ min: 1, max: 5 }),
          async (table, duplicatePolicy, text, partitions) => {
            await using folder = await dataFolder();
            const passes = FILTERS[text] as (row: TableRow) => boolean;
            const all = peopleOf(table, duplicatePolicy, () => true);
            const lines = table.map((row) => [row.id, row.amount ?? "", row.balance ?? "", row.city].join(","));
            // Columns without a filled cell would be text.
            const whole = ["13900000000,1,1,x", ...lines];
            await folder.write("a.csv", `phone,amount,balance,city\n${whole.join("\n")}\n`);
            const added = { id: "+8613900000000", row: 0, amount: 1, balance: 1, city: 0, labels: ["x", 1] };
            const registration = await folder.inspect("a.csv", { duplicatePolicy });
            const good = table.filter((row) => normaliserOf("phone-e164")(row.id).ok).length;
            expect(registration.accepted).toBe(all.length + 1);
            expect(registration.duplicates).toBe(good - all.length);
            const setAside = (await folder.quarantine()).filter(({ reason }) => reason === "duplicate").length;
            expect(setAside).toBe(duplicatePolicy.kind === "aggregate" ? 0 : registration.duplicates);

            const chosen = peopleOf(table, duplicatePolicy, passes).map((person) => ({
              ...person,
              row: person.row + 1,
            }));
            const isAdded = passes({ id: "", amount: 1, balance: 1, city: "x" });
            const expected = isAdded ? [added, ...chosen] : chosen;
            const selection = text === "" ? undefined : await parseFilter(registration, text);
            expect(await effectiveRows(registration, selection)).toBe(expected.length);
            const columns: RawColumn[] = [{ name: "amount" }, { name: "balance" }, { name: "city", texts: CITIES }];
            const reading = {
              jobKey: new Uint8Array(32),
              partitions,
              withSubjects: true,
              ...(selection && { selection }),
            };
            const raw = await prepareInput(registration, { ...reading, columns, labels: LABELS });
            const small = await prepareInput(registration, {
              ...reading,
              columns: columns.map((column): QuantisedColumn => ({ ...column, quantise })),
            });
            expect([raw.count, small.count]).toEqual([expected.length, expected.length]);
            const found: Person[] = [];
            const read = labelReader(LABELS);
            for (let partition = 0; partition < partitions; partition++) {
              const { rowIndex, features, labels } = await raw.rows(partition);
              const subjects = await raw.subjects(partition);
              const quantised = await small.rows(partition);
              expect(quantised.rowIndex).toEqual(rowIndex);
              expect(await small.subjects(partition)).toEqual(subjects);
              for (const [j, values] of quantised.features.entries()) {
                expect(values).toBeInstanceOf(Int16Array);
                expect([...values]).toEqual(Array.from(features[j] as Float64Array, quantise));
              }
              const width = labels.length / rowIndex.length;
              for (const [i, row] of rowIndex.entries()) {
                const [amount = 0, balance = 0, city = 0] = features.map((values) => values[i]);
                const label = read(labels.subarray(i * width, (i + 1) * width)) as (number | string | null)[];
                found.push({ id: textAt(subjects, i), row, amount, balance, city, labels: label });
              }
            }
            expect(found.toSorted((a, b) => a.row - b.row)).toEqual(expected);
            await raw.destroy();
            await small.destroy();
            if (registration.duplicates > 0) seen.add(text === "" ? "all" : "part");
          },
        ),
        { numRuns: 18 },
      );
      expect([...seen].sort()).toEqual(["all", "part"]);
    },
  );
});
