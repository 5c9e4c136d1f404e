/** Small made-up lists of people as CSV files. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Mainland mobile number of the n-th person. */
export function phoneOf(person: number): string {
  return `139${String(person).padStart(8, "0")}`;
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** `phone` and then the given columns; returns the path. */
export async function writePeople(
  path: string,
  people: readonly number[],
  columns: Readonly<Record<string, (person: number) => string | number>> = {},
): Promise<string> {
  const header = ["phone", ...Object.keys(columns)].join(",");
  const rows = people.map((person) =>
    [phoneOf(person), ...Object.values(columns).map((value) => value(person))].join(","),
  );
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${[header, ...rows].join("\n")}\n`);
  return path;
}

/** The columns that the demo's agreement names, each with small whole numbers. */
export const REPAYMENTS = Object.fromEntries(
  ["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"].map((name, i) => [
    name,
    (person: number) => ((person * (i + 3)) % 9) - 2,
  ]),
);
