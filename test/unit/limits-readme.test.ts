/** The READMEs list every limit, as it is. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COORDINATOR_LIMITS } from "../../coordinator/limits.ts";
import { limitRows } from "../../proto/limits/limit.ts";
import { NODE_LIMITS } from "../../proto/limits/node-limits.ts";

test.each([
  ["party/limits/README.md", NODE_LIMITS],
  ["coordinator/README.md", COORDINATOR_LIMITS],
])("%s", async (path, table) => {
  const text = await readFile(join(import.meta.dirname, "../..", path), "utf8");
  expect(text.split("\n").filter((line) => /^\| `[a-zA-Z]+` \|/.test(line))).toEqual(limitRows(table));
});
