/** JSON Merge Patch against the examples that its specification gives. */
import { expect, test } from "vitest";
import { mergePatch } from "../../proto/encoding/merge-patch.ts";

/** RFC 7396 appendix A, whole: original, patch, result. */
const EXAMPLES: readonly (readonly [string, string, string])[] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', "null", "null"],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

test.each(EXAMPLES)("%s with %s is %s", (original, patch, result) => {
  const target: unknown = JSON.parse(original);
  expect(mergePatch(target, JSON.parse(patch))).toEqual(JSON.parse(result));
  expect(JSON.stringify(target)).toBe(original);
});

test("a member named __proto__ changes no prototype", () => {
  const merged = mergePatch({}, JSON.parse('{"__proto__": {"isAdmin": true}}')) as { readonly isAdmin?: boolean };
  expect(merged.isAdmin).toBeUndefined();
  expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
});
