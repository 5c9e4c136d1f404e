/** Files and rows that break such systems: each is accepted, set aside with a reason, or refused with what to do, in time. */
import { beforeAll, describe, expect, test } from "vitest";
import type { NormaliserName } from "../../proto/agreement/fields.ts";
import { DISGUISES, ENCODINGS } from "../support/bad-bytes.ts";
import { COLUMNS, NUMBERS, OTHER_IDS, PHONES } from "../support/bad-cells.ts";
import { accepted, type BadCell, type BadInput, tryBadInput, tryCells } from "../support/bad-input.ts";
import { PARQUET_BYTES, PARQUET_TYPES } from "../support/bad-parquet.ts";
import { CHANGES, FOLDERS, PLACES } from "../support/bad-places.ts";
import { DELIMITED, EMPTY_FILES, HEADERS, LINES, QUOTES } from "../support/bad-shapes.ts";

/** Of one entry, on a machine that does other things as well. */
const LIMIT_MS = 20_000;

const FILES: Readonly<Record<string, readonly BadInput[]>> = {
  "a file without rows": EMPTY_FILES,
  lines: LINES,
  "a header": HEADERS,
  "a quote": QUOTES,
  "a delimiter": DELIMITED,
  "a column": COLUMNS,
  "a text in": ENCODINGS,
  "what is named CSV and is": DISGUISES,
  "a Parquet file": PARQUET_BYTES,
  "a Parquet file with": PARQUET_TYPES,
  "where a file should be there is": PLACES,
  "a folder of": FOLDERS,
  "a file that": CHANGES,
};

describe.each(Object.entries(FILES))("%s", (_, entries) => {
  test.each(entries)("$name", (entry) => tryBadInput(entry), LIMIT_MS);
});

const CELLS = Object.entries({ "phone-e164": PHONES, ...OTHER_IDS }) as [NormaliserName, readonly BadCell[]][];

describe.each(CELLS)("an id of %s", (normaliser, cells) => {
  let found: readonly string[];
  beforeAll(async () => {
    found = await tryCells(cells, normaliser);
  }, LIMIT_MS);

  test.each(cells.map((one, index) => ({ ...one, index })))("$name", ({ becomes, index }) => {
    expect(found[index]).toBe(becomes);
  });
});

test("cells among numbers", async () => {
  const good = Array.from({ length: 20 * NUMBERS.length }, (_, i) => `${13800000000 + i},${i}\n`);
  const odd = NUMBERS.map(([, cell], i) => `${15000000000 + i},${cell}\n`);
  const ids = [
    ...good.map((_, i) => `+86${13800000000 + i}`),
    ...NUMBERS.flatMap(([, , isGood], i) => (isGood ? [`+86${15000000000 + i}`] : [])),
  ];
  const bad = NUMBERS.flatMap(([, , isGood], i) => (isGood ? [] : [`${good.length + i + 2} number-invalid`]));
  await tryBadInput({
    name: "numbers",
    content: `phone,x\n${good.join("")}${odd.join("")}`,
    outcome: accepted(ids, bad, "phone:id x:number"),
  });
});
