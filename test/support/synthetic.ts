/** Two synthetic Parquet files with the demo's columns, for runs larger than the real data. Deterministic. */
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

/** Of the people of each side, how many the other has too. */
const SHARED = 0.5;
const AMOUNTS = ["LIMIT_BAL", ...[1, 2, 3, 4, 5, 6].flatMap((i) => [`BILL_AMT${i}`, `PAY_AMT${i}`])];
const DELAYS = ["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"];

/** A permutation of 0 ... 2^30 - 1 (odd multiplier and xor-shift), so that numbers differ and are not in order. */
const SPREAD = "(i * 668265263) % 1073741824";
const PHONE = `'1' || (3000000000 + xor(${SPREAD}, (${SPREAD}) >> 11))`;
const draw = (salt: string, range: number) => `(hash(i, '${salt}') % ${range})`;

export async function makeSynthetic(folder: string, rows: number): Promise<{ bank: string; bureau: string }> {
  const db = await (await DuckDBInstance.create(":memory:")).connect();
  const write = async (name: string, columns: readonly string[], first: number): Promise<string> => {
    const path = join(folder, `${name}.parquet`);
    await db.run(
      `COPY (SELECT ${PHONE} AS phone, ${columns.join(", ")} FROM range(${first}, ${first + rows}) t(i)) TO '${path}' (FORMAT parquet)`,
    );
    return path;
  };
  try {
    const bank = await write(
      "bank",
      [
        "i AS customer_no",
        ...AMOUNTS.map((name) => `${draw(name, 500_000)}::DOUBLE AS "${name}"`),
        `${draw("SEX", 2)} + 1 AS SEX, ${draw("EDUCATION", 4)} + 1 AS EDUCATION, ${draw("MARRIAGE", 3)} + 1 AS MARRIAGE`,
        `${draw("AGE", 50)} + 21 AS AGE, (${draw("defaulted", 5)} = 0)::INTEGER AS defaulted`,
      ],
      0,
    );
    const delays = DELAYS.map((name) => `${draw(name, 11)}::INTEGER - 2 AS "${name}"`);
    const known = [...delays, `${draw("has_car", 100)} < 38 AS has_car`];
    return { bank, bureau: await write("bureau", known, Math.round(rows * (1 - SHARED))) };
  } finally {
    db.closeSync();
  }
}
