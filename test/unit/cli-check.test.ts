import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RouteInput, RouteResponse } from "../../proto/http/routes.ts";
import { describeCheck } from "../../sdk/cli/dataset-check.ts";
import { ententeHere } from "../support/command-line.ts";
import { STUB_PROGRESS, STUB_TOKEN, type StubNode, startStubNode } from "../support/stub-node.ts";

const CHECK: RouteResponse<"checkDataset"> = {
  ...{ name: "people", format: "csv", rows: 1_234_567, accepted: 1_234_000, duplicates: 3, otherShapeRows: 7 },
  source: { kind: "files", from: "/data/people.csv", files: 1 },
  dialect: { delimiter: "\t", quote: '"', encoding: "gb18030", lineEnd: "\n", skipLines: 0 },
  ids: [{ column: "phone", normaliser: "phone-e164" }],
  lines: { total: 1_234_570, header: 1, blank: 2, continued: 0 },
  setAside: [
    { reason: "id-empty", rows: 564, first: [{ line: 9 }, { line: 12, column: "phone" }], fix: "Fill it." },
    { reason: "duplicate", rows: 3, first: [{ file: "a.csv", line: 5 }], fix: null },
  ],
  shapes: [{ shape: "9(11)", rows: 1_234_000, usable: 1_233_998, rejected: { "id-form": 2 } }],
  preview: [
    { place: { line: 2 }, written: "138****0001", normalised: "+86****0001", reason: null },
    { place: { line: 9 }, written: null, normalised: null, reason: "id-empty" },
  ],
  columns: [
    {
      ...{ name: "age", type: "number", filled: 1_234_000, nulls: 567, distinct: 98, isConstant: false },
      numbers: { min: 18, max: 99, mean: 41.23456789 },
    },
    { name: "flag", type: "text", filled: 0, nulls: 1_234_567, distinct: 0, isConstant: true, numbers: null },
  ],
  estimate: { cpuSeconds: 75.2, memoryMB: 445, diskMB: 1_100, partitions: 1 },
  quarantine: "/q/people.jsonl",
};

let folder: string;
let node: StubNode;
const seen: RouteInput<"checkDataset">[] = [];
beforeEach(async () => {
  seen.length = 0;
  folder = await mkdtemp(join(tmpdir(), "entente-cli-"));
  node = await startStubNode({
    checkDataset: async (input, _caller, { tell }) => {
      seen.push(input);
      tell(STUB_PROGRESS);
      return CHECK;
    },
  });
  await writeFile(join(folder, "api.json"), JSON.stringify({ url: node.url }));
  await writeFile(join(folder, "token"), `${STUB_TOKEN}\n`);
});
afterEach(async () => {
  await node.close();
  await rm(folder, { recursive: true });
});

test("dataset check asks as register does, and prints tables or, for programs, all of it", async () => {
  const line = "dataset check people --file people.csv --id-column phone --normaliser phone-e164".split(" ");
  const people = await ententeHere(line, { cwd: folder });
  expect([people.code, people.stdout]).toEqual([0, `${describeCheck(CHECK)}\n`]);
  const programs = await ententeHere([...line, "--show-ids", "--json"], { cwd: folder });
  const [event, answer] = programs.stdout
    .trimEnd()
    .split("\n")
    .map((text) => JSON.parse(text));
  expect([event.event, answer]).toEqual(["progress", CHECK]);
  const path = join(folder, "people.csv");
  const ids = [{ column: "phone", normaliser: "phone-e164" }];
  const request = { name: "people", path, ids, duplicatePolicy: { kind: "first" } };
  expect(seen).toEqual([
    { ...request, showIds: false },
    { ...request, showIds: true },
  ]);
});

test("the tables", () => {
  expect(describeCheck(CHECK)).toBe(
    [
      "id          phone by phone-e164",
      "source      /data/people.csv",
      "encoding    gb18030",
      'delimiter   "\\t"',
      "lines       1,234,570: 1 header, 2 blank, 0 inside quotes",
      "rows        1,234,567",
      "usable ids  1,234,000",
      "duplicates  3",
      "set aside   564",
      "quarantine  /q/people.jsonl",
      "",
      "Set aside",
      "reason     rows  first at                 what to do",
      "id-empty   564   line 9, 12 (phone), ...  Fill it.",
      "duplicate  3     line a.csv:5, ...",
      "",
      "Ids as written",
      "form           rows       usable     rejected",
      "9(11)          1,234,000  1,233,998  id-form 2",
      "(other forms)  7",
      "",
      "First rows",
      "line  as written   normalised",
      "2     138****0001  +86****0001",
      "9     (no value)   (id-empty)",
      "",
      "Columns",
      "column  type    filled     nulls      distinct, about  least  most  mean",
      "age     number  1,234,000  567        98               18     99    41.2346",
      "flag    text    0          1,234,567  0",
      "",
      "Nothing can be learnt from flag: one value in all rows, or none.",
      "",
      "An audience with a list as long takes about 1 min 16 s of one core, 445 MB of memory and 1,100 MB of disk here, in one partition. This is an estimate from another machine, without waiting for the peer.",
    ].join("\n"),
  );
});

test("without rows, ids or an estimate there are no empty tables", () => {
  const bare = { ...CHECK, setAside: [], shapes: [], preview: null, otherShapeRows: 0, estimate: null, lines: null };
  const text = describeCheck({ ...bare, columns: [] });
  expect(text).not.toMatch(/Set aside|Ids as written|First rows|Nothing can be/);
  expect(text).toContain("No job can run over it");
});
