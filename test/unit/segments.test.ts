/** Segments of a node's own datasets: six kinds, versions, and what is kept of them. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Datasets } from "../../party/data/datasets.ts";
import { segmentHandlers } from "../../party/segments/handlers.ts";
import { Segments } from "../../party/segments/segments.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { Store } from "../../party/store/store.ts";
import { ROUTES } from "../../proto/http/routes.ts";
import type { SegmentDefinitionInput } from "../../proto/http/segment-routes.ts";
import { jobId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { type DataFolder, dataFolder, failure } from "../support/data-folder.ts";
import { NOBODY_LISTENS } from "../support/stub-node.ts";

const AT = Date.parse("2026-05-01T10:00:00.000Z");
const phone = (person: number) => `+86${13_900_000_000 + person}`;

let folder: DataFolder;
let store: Store;
let datasets: Datasets;
let segments: Segments;

function open(): void {
  store = openSqliteStore(join(folder.path, "node.db"));
  const clock = { nowMs: () => AT, monotonicMs: () => 0 };
  datasets = new Datasets({ store, clock, quarantineFolder: join(folder.path, "quarantine") });
  segments = new Segments({
    ...{ store, datasets, clock, files: nodePorts.files, random: nodePorts.random },
    key: new Uint8Array(32).fill(5),
    folder: join(folder.path, "segments"),
  });
}

beforeEach(async () => {
  folder = await dataFolder();
  open();
  // Person i has n = i, and every tenth a second row with n = 1000.
  const rows = Array.from({ length: 100 }, (_, i) => [i, i % 3 === 0 ? "上海" : "O'Hara; DROP", i]);
  const again = rows.filter((_, i) => i % 10 === 0).map(([person, city]) => [person, city, 1000]);
  const lines = [...rows, ...again].map(([person, city, n]) => `${phone(person as number)},${city},${n}`);
  const path = await folder.write("people.csv", `phone,city,n\n${lines.join("\n")}\n`);
  const { registration } = await datasets.register({
    name: "people",
    path,
    ids: [{ column: "phone", normaliser: "phone-e164" }],
  });
  const others = JSON.stringify({ ...registration, name: "others" });
  await store.putDataset({ name: "others", version: registration.version, registration: others, registeredAt: "" });
});
afterEach(async () => {
  await store.close();
  await folder[Symbol.asyncDispose]();
});

function define(name: string, definition: SegmentDefinitionInput, dataset = "people") {
  return segments.define({ name, dataset, definition }, "Ada");
}

async function peopleIn(name: string): Promise<number> {
  return (await segments.count(name)).people;
}

const list = (...people: number[]): SegmentDefinitionInput => ({ kind: "list", ids: people.map(phone) });
const sql = (expression: string): SegmentDefinitionInput => ({ kind: "sql", expression });
const derived = (expression: string): SegmentDefinitionInput => ({ kind: "derived", expression });

/** One job's tags, by person. */
async function tag(values: Readonly<Record<number, string>>, key: string, jobId: string, expiresAt = AT + 1000) {
  const times = { issuedAt: new Date(AT - 1).toISOString(), expiresAt: new Date(expiresAt).toISOString() };
  const common = { key, score: null, jobId, model: null, scoredAt: null, agreement: "5f".repeat(32), ...times };
  const tags = Object.entries(values).map(([person, value]) => ({ ...common, subject: phone(Number(person)), value }));
  await store.putTags(jobId, 0, tags);
  await store.publishTags(jobId, times.issuedAt, null);
}

describe("six ways to build one", () => {
  test("a list says what became of each id, and keeps none in clear", async () => {
    const ids = ["139 0000 0001", phone(1), phone(2), "nobody", "", phone(500)];
    const { definition, version } = await define("some", { kind: "list", ids });
    expect(version).toBe(1);
    expect(definition).toMatchObject({
      counts: { given: 6, accepted: 3, duplicates: 1, rejected: { "id-empty": 1, "id-characters": 1 } },
    });
    expect(await peopleIn("some")).toBe(2);
    await define("one", sql("city = 'O''Hara; DROP' and n = 424242"));
    await store.close();
    for (const file of await readdir(folder.path, { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || file.name === "people.csv") continue;
      const bytes = await readFile(join(file.parentPath, file.name));
      for (const secret of ["13900000001", "13900000500", "424242", "O'Hara; DROP"])
        expect([file.name, bytes.includes(secret)]).toEqual([file.name, false]);
    }
    open();
    expect(await peopleIn("some")).toBe(2);
  });

  test("an import is read once", async () => {
    const path = await folder.write("vip.csv", `n,mobile\n1,13900000003\n2,13900000003\n3,bad\n4,${phone(4)}\n`);
    const { definition } = await define("vip", { kind: "import", path, idColumns: ["mobile"] });
    expect(definition).toMatchObject({ file: "vip.csv", counts: { given: 4, accepted: 2, duplicates: 1 } });
    await folder.write("vip.csv", "n,mobile\n1,13900000009\n");
    expect(await peopleIn("vip")).toBe(2);
    await folder.parquet("vip.parquet", "SELECT '13900000005' AS mobile UNION ALL SELECT NULL");
    await define("vip", { kind: "import", path: join(folder.path, "vip.parquet"), idColumns: ["mobile"] });
    expect(await peopleIn("vip")).toBe(1);
  });

  test.each<[string, SegmentDefinitionInput, number]>([
    ["a number", { kind: "rule", rule: { column: "n", op: "<", value: 10 } }, 10],
    ["a text that is SQL", { kind: "rule", rule: { column: "city", op: "=", value: "O'Hara; DROP" } }, 66],
    ["a list", { kind: "rule", rule: { column: "n", op: "in", value: [1, 2, 1000] } }, 12],
    ["none of", { kind: "rule", rule: { column: "n", op: "not in", value: [1, 1000] } }, 99],
    ["a range", { kind: "rule", rule: { column: "n", op: "between", value: [5, 7] } }, 3],
    ["a part", { kind: "rule", rule: { column: "city", op: "starts with", value: "上" } }, 34],
    ["a blank", { kind: "rule", rule: { column: "city", op: "is empty" } }, 0],
    [
      "all, any, not",
      {
        kind: "rule",
        rule: {
          all: [
            {
              any: [
                { column: "n", op: "<", value: 20 },
                { column: "n", op: "=", value: 1000 },
              ],
            },
            { not: { column: "city", op: "!=", value: "上海" } },
          ],
        },
      },
      // 0, 3, ..., 18, and of the second rows those of 30, 60 and 90: 0 is there already.
      10,
    ],
  ])("a rule over %s", async (_, definition, people) => {
    await define("rule", definition);
    expect(await peopleIn("rule")).toBe(people);
  });

  test("a tier is who holds the tag now", async () => {
    await tag({ 1: "A", 2: "A", 3: "C", 4: "C" }, "risk:default", "0a".repeat(16));
    await tag({ 5: "A" }, "risk:default", "0b".repeat(16));
    await tag({ 6: "A" }, "risk:default", "0c".repeat(16), AT);
    await tag({ 7: "A" }, "marketing:x", "0d".repeat(16));
    await define("safe", { kind: "tier", key: "risk:default", values: ["A", "B"] });
    expect(await peopleIn("safe")).toBe(3);
    await define("scored", { kind: "tier", key: "risk:default" });
    expect(await peopleIn("scored")).toBe(5);
    await define("job", { kind: "tier", job: jobId("0a".repeat(16)) });
    expect(await peopleIn("job")).toBe(4);
    const registration = await datasets.require("people");
    const before = await segments.resolve({ name: "safe", version: 1 }, registration);
    expect(await segments.resolve({ name: "safe", version: 1 }, registration)).toEqual(before);
    await tag({ 8: "B" }, "risk:default", "0e".repeat(16));
    const after = await segments.resolve({ name: "safe", version: 1 }, registration);
    expect([after.definition, after.content === before.content]).toEqual([before.definition, false]);
  });

  test("derived from others, which are pinned", async () => {
    await define("low", sql("n < 10"));
    await define("odd", sql("n - 2 * floor(n / 2) = 1"));
    await define("few", list(1, 3, 4, 500));
    await define("mix", derived("low and (odd or few) minus few"));
    expect(await peopleIn("mix")).toBe(3);
    await define("low", sql("n < 1"));
    expect(await peopleIn("mix")).toBe(3);
    await define("mix2", derived("mix or low"));
    expect(await peopleIn("mix2")).toBe(4);
    await define("mix3", derived("low@1 minus odd"));
    expect(await peopleIn("mix3")).toBe(5);
    const { versions } = await segments.require("mix");
    expect(versions.map(({ definition }) => definition)).toMatchObject([
      { operands: { low: { version: 1 }, odd: { version: 1 }, few: { version: 1 } }, leaves: 4 },
    ]);
  });

  test("a segment of itself is one of its version before", async () => {
    await define("a", sql("n < 10"));
    await define("b", derived("a"));
    await define("a", derived("a minus b"));
    expect(await peopleIn("a")).toBe(0);
  });
});

describe("what is refused", () => {
  test.each<[string, SegmentDefinitionInput, string]>([
    ["SQL that is more than a condition", sql("n < 1); DROP TABLE x --"), "FILTER_INVALID"],
    ["a column that there is not", { kind: "rule", rule: { column: "x", op: "=", value: 1 } }, "FILTER_INVALID"],
    [
      "a column named to break out",
      { kind: "rule", rule: { column: 'n" = 1 OR 1 = 1 --', op: "=", value: 1 } },
      "FILTER_INVALID",
    ],
    ["a list without a good id", { kind: "list", ids: ["x"] }, "SEGMENT_INVALID"],
    ["an import of nothing", { kind: "import", path: "/no/such.csv", idColumns: ["x"] }, "DATASET_FILE_MISSING"],
    ["a tier of nothing", { kind: "tier" }, "SEGMENT_INVALID"],
    ["values of no key", { kind: "tier", values: ["A"], job: jobId("0a".repeat(16)) }, "SEGMENT_INVALID"],
    ["a derived one of nobody", derived("nobody"), "NOT_FOUND"],
    ["of a version that there is not", derived("known@2"), "NOT_FOUND"],
    ["of another dataset", derived("known and foreign"), "SEGMENT_INVALID"],
    ["of itself, as the first", derived("new"), "NOT_FOUND"],
    ["or beside minus", derived("known or known minus known"), "SEGMENT_INVALID"],
  ])("%s", async (_, definition, code) => {
    await define("known", sql("n < 10"));
    await define("foreign", sql("n < 10"), "others");
    expect((await failure(define("new", definition))).code).toBe(code);
    expect((await segments.list()).map(({ newest }) => newest.name)).toEqual(["foreign", "known"]);
  });

  test("a name of another dataset, a dataset that is none, and what has grown too large", async () => {
    await define("a", sql("n < 10"));
    expect((await failure(define("a", sql("n < 10"), "others"))).code).toBe("SEGMENT_INVALID");
    expect((await failure(define("b", sql("n < 10"), "none"))).code).toBe("NOT_FOUND");
    for (let i = 0; i < 7; i++) await define("a", derived(`a and a@${i + 1}`));
    expect((await failure(define("a", derived("a and a@8")))).code).toBe("SEGMENT_INVALID");
  });

  test("what is short to write and long to compute: parts count each time that they stand there", async () => {
    const often = (name: string, count: number) => derived(Array(count).fill(name).join(" or "));
    await define("f", sql("n < 10"));
    const outright = await failure(define("g", often("f", 400)));
    expect(outright).toEqual({ code: "SEGMENT_INVALID", detail: "it comes to 400 parts, of 200 at most" });
    await define("g", often("f", 100));
    expect((await failure(define("h", often("g", 400)))).detail).toBe("it comes to 40000 parts, of 200 at most");
    expect((await failure(define("h", derived("(g and g) minus (f and f@1)")))).code).toBe("SEGMENT_INVALID");
    await define("h", derived("(g and f) minus f"));
    expect(await peopleIn("h")).toBe(0);
    await define("h", often("g", 2));
    expect(await peopleIn("h")).toBe(10);
  });

  test("a list whose dataset has another form of ids by now", async () => {
    await define("some", list(1, 2));
    const path = join(folder.path, "people.csv");
    await datasets.register({ name: "people", path, ids: [{ column: "phone", normaliser: "opaque" }] });
    expect((await failure(segments.count("some"))).code).toBe("SEGMENT_INVALID");
    await define("some", list(1, 2));
    expect(await peopleIn("some")).toBe(2);
  });
});

describe("versions", () => {
  test("stay as they were, whoever asks at once", async () => {
    const made = await Promise.all([10, 20, 30].map((limit) => define("a", sql(`n < ${limit}`))));
    expect(made.map(({ version }) => version)).toEqual([1, 2, 3]);
    await store.close();
    open();
    expect((await segments.require("a")).versions).toEqual(made.toReversed());
    for (const [i, limit] of [10, 20, 30].entries()) expect((await segments.count("a", i + 1)).people).toBe(limit);
    expect((await failure(segments.count("a", 4))).code).toBe("NOT_FOUND");
  });

  test("a retired one is not used, and what was derived from it is", async () => {
    await define("a", sql("n < 10"));
    await define("b", derived("a"));
    await segments.publish({ name: "a", version: 1 }, { description: "Low ones", to: ["bank"] });
    const { published, retiredAt } = await segments.retire("a");
    expect([published, retiredAt]).toEqual([undefined, new Date(AT).toISOString()]);
    for (const refused of [
      segments.count("a"),
      define("c", derived("a")),
      segments.publish({ name: "a", version: 1 }, { description: "x", to: ["bank"] }),
    ])
      expect((await failure(refused)).code).toBe("SEGMENT_INVALID");
    expect(await peopleIn("b")).toBe(10);
    await define("a", sql("n < 20"));
    expect(await peopleIn("a")).toBe(20);
  });
});

describe("publishing", () => {
  test("tells name, version and description of one version, until it ends", async () => {
    await define("a", sql("n < 10"));
    await define("b", sql("n < 10"));
    expect(await segments.publishedTo("bank")).toEqual([]);
    await segments.publish({ name: "a", version: 1 }, { description: "Low ones", to: ["bank"] });
    await define("a", sql("n < 20"));
    const told = { name: "a", dataset: "people", version: 1, description: "Low ones" };
    expect(await segments.publishedTo("bank")).toEqual([told]);
    await segments.requirePublished({ name: "a", version: 1 }, "people", "bank");
    const asked = (name: string, version: number, dataset = "people", peer = "bank") =>
      failure(segments.requirePublished({ name, version }, dataset, peer)).then(({ code }) => code);
    expect(await asked("a", 2)).toBe("SEGMENT_VERSION");
    expect(await asked("a", 1, "others")).toBe("SEGMENT_UNPUBLISHED");
    expect(await asked("b", 1)).toBe("SEGMENT_UNPUBLISHED");
    expect(await segments.publishedTo("shop")).toEqual([]);
    // Whether there is one, or in which version, is nothing that another peer is told.
    expect([await asked("a", 1, "people", "shop"), await asked("a", 2, "people", "shop")]).toEqual([
      "SEGMENT_UNPUBLISHED",
      "SEGMENT_UNPUBLISHED",
    ]);
    await segments.publish({ name: "a", version: 2 }, { description: "Lower ones", to: ["bank", "shop", "bank"] });
    expect(await segments.publishedTo("bank")).toEqual([{ ...told, version: 2, description: "Lower ones" }]);
    expect(await segments.publishedTo("shop")).toHaveLength(1);
    await segments.unpublish("a");
    expect(await asked("a", 2)).toBe("SEGMENT_UNPUBLISHED");
  });

  test("is of the version that was looked at, also when a newer one has come meanwhile", async () => {
    const { version } = await define("a", sql("n < 10"));
    await define("a", sql("n < 1000"));
    const { published } = await segments.publish({ name: "a", version }, { description: "Low ones", to: ["bank"] });
    expect(published).toMatchObject({ version: 1 });
    const request = { name: "a", description: "Low ones", to: ["bank"] };
    expect(ROUTES.publishSegment.request.safeParse(request).success).toBe(false);
    expect(ROUTES.publishSegment.request.parse({ ...request, version })).toEqual({ ...request, version });
    for (const to of [undefined, []])
      expect(ROUTES.publishSegment.request.safeParse({ ...request, version, to }).success).toBe(false);
    expect((await failure(segments.publish({ name: "a", version: 3 }, { description: "x", to: ["bank"] }))).code).toBe(
      "NOT_FOUND",
    );
  });

  test("no answer of the API holds an id", async () => {
    await define("a", list(1, 2));
    const handlers = segmentHandlers({ segments });
    const caller = { person: "Ada" } as never;
    const answers = [
      await handlers.segments({}, caller, NOBODY_LISTENS),
      await handlers.segment({ name: "a" }, caller, NOBODY_LISTENS),
      await handlers.countSegment({ name: "a" }, caller, NOBODY_LISTENS),
      await handlers.defineSegment(
        { name: "a", dataset: "people" as never, definition: list(3) },
        caller,
        NOBODY_LISTENS,
      ),
    ];
    expect(JSON.stringify(answers)).not.toContain("139000");
  });
});
