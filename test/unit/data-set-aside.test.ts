import { expect, test } from "vitest";
import { ID_REASONS, ROW_REASONS } from "../../party/data/rejection.ts";
import { SET_ASIDE, setAsideFix } from "../../proto/set-aside.ts";

test("every reason has a sentence that says what it is, and one that says what to do", () => {
  expect(Object.keys(SET_ASIDE).sort()).toEqual([...ID_REASONS, ...ROW_REASONS, "duplicate"].sort());
  for (const text of Object.values(SET_ASIDE)) expect(text).toMatch(/^[A-Z].+[a-z0-9]\. [A-Z].+\.$/);
  expect(setAsideFix("id-empty")).toBe(SET_ASIDE["id-empty"]);
});

test("a reason of another version of the node has none", () => {
  for (const reason of ["id-unheard-of", "constructor", ""]) expect(setAsideFix(reason)).toBe(undefined);
});
