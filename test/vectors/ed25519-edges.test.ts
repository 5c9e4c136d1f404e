/** Verifiers of Ed25519 disagree on edge cases; two auditors must not. This pins what ours answers. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fromHex, utf8 } from "../../proto/encoding/bytes.ts";
import { verifyingKey } from "../../proto/encoding/ed25519.ts";

interface Row {
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

function load<T>(name: string): (Row & T)[] {
  return JSON.parse(readFileSync(new URL(`data/ed25519/${name}.json`, import.meta.url), "utf8")) as (Row & T)[];
}

function verifies({ publicKey, message, signature }: Row): boolean {
  return verifyingKey("a/b", fromHex(publicKey)).verify(fromHex(message), fromHex(signature));
}

test('the 12 vectors of "Taming the many EdDSAs": no small order, no non-canonical S, R or A, no cofactor', () => {
  const rows = load<{ case: number; what: string; verifies: boolean }>("speccheck");
  expect(rows.map((row) => [row.case, row.what, verifies(row)])).toEqual(
    rows.map((row) => [row.case, row.what, row.verifies]),
  );
  expect([rows.length, rows.filter((row) => row.verifies).map((row) => row.case)]).toEqual([12, [3]]);
});

test("all 151 Wycheproof cases", () => {
  const rows = load<{ tcId: number; result: "valid" | "invalid" }>("wycheproof");
  expect(rows.filter((row) => verifies(row) !== (row.result === "valid")).map((row) => row.tcId)).toEqual([]);
  expect([rows.length, rows.filter((row) => row.result === "valid").length]).toEqual([151, 88]);
});

/** The points of order 1, 2, 4 and 8, and their non-canonical encodings (Chalkias et al., table of section 3). */
const SMALL_ORDER = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

test("a key of small order verifies nothing: a lax verifier takes one message in eight, or all", () => {
  const accepted: string[] = [];
  for (const key of SMALL_ORDER) {
    const verifier = verifyingKey("a/b", fromHex(key));
    for (const r of SMALL_ORDER) {
      const signature = fromHex(`${r}${"00".repeat(32)}`);
      for (let i = 0; i < 8; i++) if (verifier.verify(utf8(`message ${i}`), signature)) accepted.push(`${key} ${r}`);
    }
  }
  expect(accepted).toEqual([]);
});
