/** What the catalogue lets a job issue. */
import { expect, test } from "vitest";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import { TagCatalogue, type TagDefinition } from "../../party/tags/catalogue.ts";
import type { Digest } from "../../proto/ids.ts";

const AGREEMENT = "5f".repeat(32) as Digest;
const clock = { nowMs: () => Date.parse("2026-05-01T00:00:00.000Z"), monotonicMs: () => 0 };
const open = () => new TagCatalogue({ store: openSqliteStore(":memory:"), clock });

function definition(changes: Partial<TagDefinition>): TagDefinition {
  const none = { owner: null, purpose: null, ttlDays: null, agreement: null, description: null };
  return { key: "risk:default", kind: "risk", valueType: "text", ...none, ...changes };
}

test("what nobody has defined may be issued, and is then shown as undeclared with its first job's purpose", async () => {
  const catalogue = open();
  expect(await catalogue.check([{ key: "risk:default", values: ["A"] }], AGREEMENT, 90)).toBe(90);
  await catalogue.note(["risk:default", "segment"], { purpose: "credit-review", agreement: AGREEMENT, person: "Ada" });
  await catalogue.note(["risk:default"], { purpose: "other", agreement: AGREEMENT, person: "Bo" });
  expect(await catalogue.list()).toMatchObject([
    { key: "risk:default", kind: "risk", isDeclared: false, purpose: "credit-review", definedBy: "Ada" },
    { key: "segment", kind: null, isDeclared: false },
  ]);
  // It binds nobody.
  expect(await catalogue.check([{ key: "risk:default", values: ["B"] }], "6a".repeat(32), 90)).toBe(90);
});

test.each<[string, Partial<TagDefinition>, readonly string[]]>([
  ["a value that is not of the list", { valueType: ["A", "B"] }, ["A", "C"]],
  ["a text for a number", { valueType: "number" }, ["1.5", "high"]],
  ["nothing for a number", { valueType: "number" }, [" "]],
  ["another agreement", { agreement: "6a".repeat(32) as Digest }, ["A"]],
])("a definition refuses %s", async (_what, changes, values) => {
  const catalogue = open();
  await catalogue.define(definition(changes), "Ada");
  const refused = catalogue.check([{ key: "risk:default", values }], AGREEMENT, 90);
  await expect(refused).rejects.toMatchObject({
    code: "TAG_CATALOGUE",
    detail: expect.stringContaining("risk:default"),
  });
});

test("tags live no longer than the shortest time of their keys, and a definition can be changed", async () => {
  const catalogue = open();
  const keys = [
    { key: "risk:default", values: ["1", "-2.5e3"] },
    { key: "marketing:hot", values: ["yes"] },
  ];
  await catalogue.define(definition({ valueType: "number", ttlDays: 30 }), "Ada");
  await catalogue.define(definition({ key: "marketing:hot", kind: "marketing", ttlDays: 7 }), "Ada");
  expect(await catalogue.check(keys, AGREEMENT, 90)).toBe(7);
  expect(await catalogue.check(keys, AGREEMENT, 3)).toBe(3);
  await catalogue.define(definition({ key: "marketing:hot", kind: "marketing" }), "Bo");
  expect(await catalogue.check(keys, AGREEMENT, 90)).toBe(30);
  expect((await catalogue.list()).find(({ key }) => key === "marketing:hot")).toMatchObject({
    definedBy: "Bo",
    isDeclared: true,
  });
});

test("a key whose prefix says one kind is not defined as the other", async () => {
  await expect(open().define(definition({ kind: "marketing" }), "Ada")).rejects.toMatchObject({ code: "BAD_REQUEST" });
});
