/** Oracle: a segment derived by a random expression from segments of every kind has the people that plain sets have. */
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Datasets } from "../../party/data/datasets.ts";
import { textAt } from "../../party/data/packed-text.ts";
import { readDataset } from "../../party/data/read.ts";
import { Segments } from "../../party/segments/segments.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { Store } from "../../party/store/store.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { SegmentDefinitionInput } from "../../proto/http/segment-routes.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { MAX_EXPRESSION_CHARACTERS, parseSegmentExpression } from "../../proto/segments/expression.ts";
import { type DataFolder, dataFolder } from "../support/data-folder.ts";

const ROWS = 240;
const PEOPLE = 150;
/** A member of a club is of two columns. */
const personOf = (row: number) => (row * 101) % PEOPLE;
const clubOf = (person: number) => `C${person % 4}`;
const memberOf = (person: number) => `M-${person}`;
const idOf = (person: number) => [clubOf(person), memberOf(person)];
const numberOf = (row: number) => row % 50;

let folder: DataFolder;
let store: Store;
let segments: Segments;
let datasets: Datasets;

beforeAll(async () => {
  folder = await dataFolder();
  store = openSqliteStore(join(folder.path, "node.db"));
  datasets = new Datasets({ store, clock: nodePorts.clock, quarantineFolder: join(folder.path, "quarantine") });
  const { clock, files, random } = nodePorts;
  const key = new Uint8Array(32).fill(3);
  segments = new Segments({ store, datasets, clock, files, random, key, folder: join(folder.path, "segments") });
  const lines = Array.from({ length: ROWS }, (_, row) => [...idOf(personOf(row)), numberOf(row)].join(","));
  const path = await folder.write("people.csv", `club,member,n\n${lines.join("\n")}\n`);
  const ids = ["club", "member"].map((column) => ({ column, normaliser: "opaque" as const }));
  await datasets.register({ name: "people", path, ids });
  for (const [name, { definition }] of Object.entries(LEAVES))
    await segments.define({ name, dataset: "people", definition: await definition() }, "Ada");
});
afterAll(async () => {
  await store.close();
  await folder[Symbol.asyncDispose]();
});

interface Leaf {
  readonly definition: () => Promise<SegmentDefinitionInput>;
  readonly holds: (row: number) => boolean;
}

const everyFifth = (person: number) => person % 5 === 0;
const JOB = "0a".repeat(16);

const LEAVES: Readonly<Record<string, Leaf>> = {
  listed: {
    definition: async () => ({
      kind: "list",
      // Somebody twice, somebody who is not there, and a blank.
      ids: [...people().filter((person) => person % 3 === 0), 3, 900].map(idOf).concat([["C1", " "]]),
    }),
    holds: (row) => personOf(row) % 3 === 0,
  },
  imported: {
    definition: async () => {
      const lines = people().filter((person) => person < 40);
      const path = await folder.write(
        "import.csv",
        `k,c\n${lines.map((p) => `${memberOf(p)},${clubOf(p)}`).join("\n")}\n`,
      );
      return { kind: "import", path, idColumns: ["c", "k"] };
    },
    holds: (row) => personOf(row) < 40,
  },
  ruled: {
    definition: async () => ({
      kind: "rule",
      rule: {
        any: [
          { column: "n", op: "<", value: 9 },
          { column: "n", op: "in", value: [20, 31] },
        ],
      },
    }),
    holds: (row) => numberOf(row) < 9 || [20, 31].includes(numberOf(row)),
  },
  typed: {
    definition: async () => ({ kind: "sql", expression: "club = 'C2' or n between 30 and 44" }),
    holds: (row) => clubOf(personOf(row)) === "C2" || (numberOf(row) >= 30 && numberOf(row) <= 44),
  },
  tagged: {
    definition: async () => {
      await tagAll(
        people()
          .filter(everyFifth)
          .map((person) => idOf(person).join("\u001f")),
      );
      return { kind: "tier", key: "risk:default", values: ["A"] };
    },
    holds: (row) => everyFifth(personOf(row)),
  },
  derived: {
    definition: async () => ({ kind: "derived", expression: "(listed or typed) and ruled" }),
    holds: (row) => ["listed", "typed"].some((name) => LEAVES[name]?.holds(row)) && LEAVES.ruled?.holds(row) === true,
  },
};

function people(): number[] {
  return Array.from({ length: PEOPLE }, (_, person) => person);
}

async function tagAll(subjects: readonly string[]): Promise<void> {
  const now = Date.now();
  const times = { issuedAt: new Date(now - 1000).toISOString(), expiresAt: new Date(now + 86_400_000).toISOString() };
  const common = {
    key: "risk:default",
    score: null,
    jobId: JOB,
    model: null,
    scoredAt: null,
    agreement: "5f".repeat(32),
  };
  const tags = subjects.map((subject) => ({ ...common, ...times, subject, value: "A" }));
  await store.putTags(JOB, 0, tags);
  await store.publishTags(JOB, times.issuedAt, null);
}

interface Made {
  readonly text: string;
  readonly holds: (row: number) => boolean;
}

const { tree: anyExpression } = fc.letrec<{ tree: Made }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc
      .constantFrom(...Object.keys(LEAVES))
      .map((text) => ({ text, holds: (row: number) => LEAVES[text]?.holds(row) === true })),
    fc.tuple(tie("tree"), fc.constantFrom("and", "or", "MINUS"), tie("tree")).map(([left, word, right]) => ({
      text: `(${left.text})${word === "or" ? "\n" : " "}${word} ( ${right.text} )`,
      holds: (row: number) => {
        if (word === "and") return left.holds(row) && right.holds(row);
        return word === "or" ? left.holds(row) || right.holds(row) : left.holds(row) && !right.holds(row);
      },
    })),
  ),
}));

describe("a derived segment", () => {
  it("has the people that plain sets have", async () => {
    const sizes = new Set<number>();
    await fc.assert(
      fc.asyncProperty(anyExpression, async ({ text, holds }) => {
        fc.pre(text.length <= MAX_EXPRESSION_CHARACTERS);
        const definition = { kind: "derived", expression: text } as const;
        const made = await segments.define({ name: "made", dataset: "people", definition }, "Ada");
        const registration = await datasets.require("people");
        const { selection } = await segments.resolve(made, registration);
        const found: [number, string][] = [];
        for await (const { rows, count, ids } of readDataset(registration, { columns: [], selection }))
          for (let i = 0; i < count; i++) found.push([rows[i] as number, textAt(ids, i)]);
        const rows = Array.from({ length: ROWS }, (_, row) => row).filter(holds);
        expect(found).toEqual(rows.map((row) => [row, idOf(personOf(row)).join("\u001f")]));
        const distinct = new Set(rows.map(personOf)).size;
        expect((await segments.count("made")).people).toBe(distinct);
        sizes.add(distinct);
      }),
      { numRuns: 25 },
    );
    expect(sizes.size).toBeGreaterThan(5);
  }, 90_000);
});

it("any text is an expression or SEGMENT_INVALID", () => {
  const word = fc.constantFrom(
    "and",
    "or",
    "minus",
    "(",
    ")",
    "a",
    "b@2",
    "c-d",
    "a@0",
    "@",
    "\u0000",
    "é",
    " ",
    "A",
    "1",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
      ),
      (text) => {
        try {
          parseSegmentExpression(text);
        } catch (error) {
          expect(error).toBeInstanceOf(EntenteError);
          expect((error as EntenteError).code).toBe("SEGMENT_INVALID");
        }
      },
    ),
    { numRuns: 2000 },
  );
});
