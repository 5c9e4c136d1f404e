/** An export in one file: what was written is read, however it is cut, and nothing else is. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toBase64, utf8 } from "../../proto/encoding/bytes.ts";
import { encodeBundle, readBundle } from "../../proto/evidence/bundle.ts";

const files = fc.uniqueArray(
  fc.record({ path: fc.string({ maxLength: 20 }).filter((path) => path.isWellFormed()), bytes: fc.uint8Array() }),
  { selector: ({ path }) => path, maxLength: 6 },
);

test("is read as it was written, in pieces of any size", async () => {
  await fc.assert(
    fc.asyncProperty(files, fc.integer({ min: 1, max: 40 }), async (written, size) => {
      const bytes = concat(...encodeBundle(written));
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const read = await readBundle(pieces);
      expect([...read].map(([path, content]) => [path, toBase64(content)])).toEqual(
        written.map(({ path, bytes: content }) => [path, toBase64(content)]),
      );
    }),
    { numRuns: 60 },
  );
});

test("one that is cut off anywhere is refused, or lacks a file that its manifest lists", async () => {
  const written = ["a", "b"].map((path) => ({ path, bytes: utf8(path) }));
  const bytes = concat(...encodeBundle(written));
  for (let length = 0; length < bytes.length; length++) {
    const read = await readBundle([bytes.subarray(0, length)]).catch(({ code }) => code);
    if (read !== "WIRE_INVALID") expect(read.size).toBeLessThan(written.length);
  }
});

describe("what it would not have written is WIRE_INVALID", () => {
  const head = '{"format":"entente-evidence-bundle/1"}\n';
  test.each([
    ["nothing", ""],
    ["another format", '{"format":"entente-evidence-bundle/2"}\n'],
    ["more in the first line", '{"files":1,"format":"entente-evidence-bundle/1"}\n'],
    ["no first line", '{"base64":"YQ==","path":"a"}\n'],
    ["a path twice", `${head}{"base64":"YQ==","path":"a"}\n{"base64":"Yg==","path":"a"}\n`],
    ["another member", `${head}{"base64":"YQ==","mode":7,"path":"a"}\n`],
    ["a list", `${head}["a"]\n`],
    ["no text", `${head}{"base64":1,"path":"a"}\n`],
    ["spaces", `${head}{"base64":"YQ==", "path":"a"}\n`],
    ["bits after the last byte", `${head}{"base64":"YR==","path":"a"}\n`],
    ["an empty line", `${head}\n`],
  ])("%s", async (_, text) => {
    await expect(readBundle([utf8(text)])).rejects.toMatchObject({ code: "WIRE_INVALID" });
  });
});
