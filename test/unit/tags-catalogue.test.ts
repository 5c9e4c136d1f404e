/** What the catalogue lets a job issue. */
import { expect, test } from "vitest";
import type { Caller } from "../../party/access/tokens.ts";
import type { Node } from "../../party/node.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import { TagCatalogue, type TagDefinition } from "../../party/tags/catalogue.ts";
import { tagHandlers } from "../../party/tags/handlers.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Role } from "../../proto/http/route.ts";
import type { Digest } from "../../proto/ids.ts";

const AGREEMENT = "5f".repeat(32) as Digest;
const clock = { nowMs: () => Date.parse("2026-05-01T00:00:00.000Z"), monotonicMs: () => 0 };
const ADA = { person: "Ada", mayReplace: false };
/** A steward. */
const BO = { person: "Bo", mayReplace: true };
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
  await catalogue.define(definition(changes), ADA);
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
  await catalogue.define(definition({ valueType: "number", ttlDays: 30 }), ADA);
  await catalogue.define(definition({ key: "marketing:hot", kind: "marketing", ttlDays: 7 }), ADA);
  expect(await catalogue.check(keys, AGREEMENT, 90)).toBe(7);
  expect(await catalogue.check(keys, AGREEMENT, 3)).toBe(3);
  await catalogue.define(definition({ key: "marketing:hot", kind: "marketing" }), BO);
  expect(await catalogue.check(keys, AGREEMENT, 90)).toBe(30);
  expect((await catalogue.list()).find(({ key }) => key === "marketing:hot")).toMatchObject({
    definedBy: "Bo",
    isDeclared: true,
  });
});

test("a key whose prefix says one kind is not defined as the other", async () => {
  await expect(open().define(definition({ kind: "marketing" }), ADA)).rejects.toMatchObject({ code: "BAD_REQUEST" });
});

test("what somebody has defined stands until a steward defines it anew, and is kept with who had made it", async () => {
  const catalogue = open();
  await catalogue.note(["risk:default"], { purpose: "credit-review", agreement: AGREEMENT, person: "Ada" });
  const first = definition({ valueType: ["A", "B"], ttlDays: 30 });
  await catalogue.define(first, ADA);
  const undone = catalogue.define(definition({ ttlDays: 3650 }), ADA);
  await expect(undone).rejects.toMatchObject({ code: "NOT_ALLOWED", detail: expect.stringContaining("steward") });
  expect(await catalogue.list()).toMatchObject([{ ...first, definedBy: "Ada", earlier: [] }]);
  await catalogue.define(definition({ ttlDays: 60 }), BO);
  await catalogue.define(definition({ ttlDays: 7 }), BO);
  expect(await catalogue.list()).toMatchObject([
    {
      ...{ ttlDays: 7, definedBy: "Bo" },
      earlier: [
        { ttlDays: 60, definedBy: "Bo" },
        { ...first, definedBy: "Ada", definedAt: "2026-05-01T00:00:00.000Z" },
      ],
    },
  ]);
});

test("of two who define a key at once one is refused, and a job that issues it meanwhile does not undo it", async () => {
  const catalogue = open();
  const outcomes = await Promise.allSettled([
    catalogue.define(definition({ ttlDays: 1 }), ADA),
    catalogue.define(definition({ ttlDays: 2 }), ADA),
    catalogue.note(["risk:default"], { purpose: "credit-review", agreement: AGREEMENT, person: "Ada" }),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(await catalogue.list()).toMatchObject([{ ttlDays: 1, isDeclared: true }]);
});

test.each([
  ["analyst", false],
  ["steward", true],
] as const)("through the API the role %s decides", async (role, mayReplace) => {
  const catalogue = open();
  const { defineTag } = tagHandlers({ catalogue } as Node);
  const by = (person: string, roles: readonly Role[]) => ({ person, roles }) as Caller;
  await defineTag(definition({}), by("Bo", ["steward"]), {} as never);
  const again = defineTag(definition({ ttlDays: 3 }), by("Ada", [role]), {} as never);
  expect(
    await again.then(
      () => "replaced",
      (error) => toEntenteError(error).code,
    ),
  ).toBe(mayReplace ? "replaced" : "NOT_ALLOWED");
  expect((await catalogue.list())[0]?.ttlDays).toBe(mayReplace ? 3 : null);
});
