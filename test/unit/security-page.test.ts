/** SECURITY.md names the test of every attack: the file is there, and holds the test. */
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("SECURITY.md", root), "utf8");
/** `| attack | what happens | [file](path): words of the test's name |` */
const rows = [...page.matchAll(/^\| .* \| \[[^\]]+\]\(([^)]+)\): (.+) \|$/gm)].map(([, path = "", words = ""]) => ({
  path,
  words: words.split("; "),
}));

it("names tests that there are", () => {
  expect(rows.length).toBeGreaterThan(40);
  const missing = rows.flatMap(({ path, words }) => {
    const file = new URL(path, root);
    if (!existsSync(file)) return [path];
    const text = readFileSync(file, "utf8");
    return words.filter((part) => !text.includes(part)).map((part) => `${path}: ${part}`);
  });
  expect(missing).toEqual([]);
});
