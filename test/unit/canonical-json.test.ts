import { expect, test } from "vitest";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";

const refused = expect.objectContaining({ code: "WIRE_INVALID" });

test("a member __proto__ is refused, wherever it stands: schemas drop it from open records without a word", () => {
  for (const text of ['{"__proto__":1}', '{"a":[{"__proto__":{"b":1},"c":1}]}'])
    expect(() => parseCanonicalJson(utf8(text)), text).toThrow(refused);
  expect(() => canonicalJson({ ["__proto__"]: "free text" } as Json)).toThrow(refused);
  expect(parseCanonicalJson(utf8('{"constructor":1,"prototype":2}'))).toEqual({ constructor: 1, prototype: 2 });
});

test("JSON is at most 32 levels deep, however deep it comes", () => {
  const nested = (depth: number) => utf8(`${"[".repeat(depth)}${"]".repeat(depth)}`);
  expect(parseCanonicalJson(nested(33))).toBeInstanceOf(Array);
  for (const depth of [34, 1_000, 500_000])
    expect(() => parseCanonicalJson(nested(depth)), `${depth}`).toThrow(refused);
});
