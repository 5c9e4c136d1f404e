import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { totalRejected } from "../../party/data/rejection.ts";
import { dataFolder, failure } from "../support/data-folder.ts";

/** Rows of a table of three columns; `#` stands for an id that is good and new, `~` for the line end. */
const ROWS = {
  good: [
    "#,x,y",
    "#,x,y,",
    '"#","a,b",',
    '#,"a~b",""',
    '#,"say ""hi""", y',
    ' # ,"x" ,z',
    '"#" ,,',
    "#,a\"b,' ",
    '#,"~~",\u4e2d\u6587',
  ],
  "row-too-few-columns": ["#", "#,x", '"#~",x', " "],
  "row-too-many-columns": ["#,x,y,z", '#,"a~b",y,z'],
  "row-quote-broken": ['#,"a"b,y', '"#"1,x,y', '#,x,"a~b" c'],
  "id-empty": [",x,y", '"",x,y', "  ,x,y", ",,,"],
  blank: [""],
} as const;
type Kind = keyof typeof ROWS;

const row = fc
  .constantFrom<Kind>("good", "good", "good", ...(Object.keys(ROWS) as Kind[]))
  .chain((kind) => fc.record({ kind: fc.constant(kind), text: fc.constantFrom(...ROWS[kind]) }));

const document = fc.record({
  rows: fc.array(row, { minLength: 1, maxLength: 40 }),
  lineEnd: fc.constantFrom("\n", "\r\n"),
  mark: fc.constantFrom("", "\ufeff"),
  leading: fc.nat(2),
  endsOpen: fc.boolean(),
});

describe("a CSV of any mixture of rows", () => {
  it("has every row accepted or set aside, with the line on which it begins", async () => {
    await using folder = await dataFolder();
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(document, async ({ rows, lineEnd, mark, leading, endsOpen }) => {
        let text = `${mark}${lineEnd.repeat(leading)}phone,b,c${lineEnd}`;
        let line = leading + 2;
        const expected: string[] = [];
        let good = 0;
        for (const [index, { kind, text: pattern }] of rows.entries()) {
          // A row that is blank but for spaces ends the file as a row only with its line end.
          const last = index === rows.length - 1 && endsOpen && pattern.trim() !== "";
          text += pattern.replaceAll("#", `id${index}`).replaceAll("~", lineEnd) + (last ? "" : lineEnd);
          if (kind === "good") good++;
          else if (kind !== "blank") expected.push(`${line} ${kind}`);
          line += 1 + (pattern.match(/~/g)?.length ?? 0);
        }
        await folder.write("a.csv", text);
        const options = { ids: [{ column: "phone", normaliser: "opaque" }] } as const;
        if (good === 0) {
          const code = expected.length === 0 ? "DATASET_EMPTY" : "DATASET_ID_EMPTY";
          expect((await failure(folder.inspect("a.csv", options))).code).toBe(code);
          return;
        }
        const registration = await folder.inspect("a.csv", options);
        const found = (await folder.quarantine()).map((entry) => `${entry.line} ${entry.reason}`);
        expect(found.sort()).toEqual(expected.sort());
        expect(registration.accepted).toBe(good);
        expect(registration.rows).toBe(good + expected.length);
        for (const { kind } of rows) seen.add(kind);
      }),
      { numRuns: 25 },
    );
    expect([...seen].sort()).toEqual(Object.keys(ROWS).sort());
  });

  it("of any characters is accounted for or refused with a typed error", async () => {
    await using folder = await dataFolder();
    const soup = fc.string({
      unit: fc.constantFrom("a", "b", "1", ",", '"', "\n", " ", "\r\n", "\u4e2d"),
      maxLength: 60,
    });
    let read = 0;
    await fc.assert(
      fc.asyncProperty(soup, async (text) => {
        await folder.write("a.csv", `phone,x\nid,1\n${text}`);
        const { code } = await failure(
          folder.inspect("a.csv", { ids: [{ column: "phone", normaliser: "opaque" }] }).then((found) => {
            read++;
            expect(found.accepted + found.duplicates + totalRejected(found.rejectedByReason)).toBe(found.rows);
            expect(found.accepted).toBeGreaterThan(0);
          }),
        );
        expect(["none", "DATASET_FORMAT"]).toContain(code);
      }),
      { numRuns: 25 },
    );
    expect(read).toBeGreaterThan(0);
  });
});
