import { resolve } from "node:path";
import { Command } from "commander";
import { expect, it } from "vitest";
import { ROUTES } from "../../proto/http/routes.ts";
import { addSourceOptions, type SourceFlags, sourceOf } from "../../sdk/cli/dataset-source.ts";

function parsed(...args: readonly string[]) {
  const command = addSourceOptions(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  return sourceOf(command.parse(args, { from: "user" }).opts<SourceFlags>());
}

it.each([
  [["--file", "a.csv"], { path: resolve("a.csv") }],
  [["--file", "/data/2026-*.csv", "--delimiter", "tab"], { path: "/data/2026-*.csv", delimiter: "\t" }],
  [
    ["--file", "/a", "--quote", "'", "--encoding", "gb18030", "--text-column", "a", "--text-column", "b"],
    { path: "/a", quote: "'", encoding: "gb18030", columnTypes: { a: "text", b: "text" } },
  ],
  [["--file", "/a", "--number-column", "n"], { path: "/a", columnTypes: { n: "number" } }],
  [["--duckdb", "/d", "--table", "s.t"], { duckdb: { path: "/d", table: "s.t" } }],
  [["--database", "w", "--table", "t"], { postgres: { database: "w", table: "t" } }],
  [["--database", "w", "--query", "SELECT 1"], { postgres: { database: "w", query: "SELECT 1" } }],
])("%j", (args, source) => {
  expect(parsed(...args)).toEqual(source);
  const request = { name: "a", ids: [{ column: "p", normaliser: "opaque" }], ...source };
  expect(ROUTES.registerDataset.request.parse(request)).toEqual(request);
});

it.each([
  [["--file", "a", "--table", "t"]],
  [["--file", "a", "--database", "w"]],
  [["--duckdb", "a", "--query", "q"]],
  [["--file", "a", "--delimiter", ",,"]],
  [["--file", "a", "--encoding", "latin1"]],
])("%j is wrong usage", (args) => {
  expect(() => parsed(...args)).toThrow();
});
