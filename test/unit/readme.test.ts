/** That what the README and the guides point at is there, and that the README says the same in both languages. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (name: string) => readFileSync(join(root, name), "utf8");

/** Relative targets of a page's links, without their fragments. */
function links(name: string): string[] {
  return [...read(name).matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, target]) => target as string);
}

/** What stands outside of code blocks. */
function prose(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, "");
}

/** Code blocks without their comments, which are in the page's language. */
function code(text: string): string[] {
  return [...text.matchAll(/^```[\s\S]*?^```$/gm)].map(([block]) => block.replaceAll(/\s+# .*$/gm, ""));
}

const pages = globSync(["*.md", "{proto,coordinator,party,sdk,test}/**/*.md"], { cwd: root });

test("every link of every page leads somewhere", () => {
  expect(pages.length).toBeGreaterThan(30);
  const broken = pages.flatMap((page) =>
    links(page)
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test("the README has the same commands, links, tables, figures and code words in both languages", () => {
  const [english, chinese] = [read("README.md"), read("README.zh-CN.md")];
  expect(code(chinese)).toEqual(code(english));
  const other = (target: string) => !/^README/.test(target);
  expect(links("README.zh-CN.md").filter(other).sort()).toEqual(links("README.md").filter(other).sort());
  const rows = (text: string) =>
    prose(text)
      .match(/^\|.*\|$/gm)
      ?.map((row) => row.split("|").length);
  expect(rows(chinese)).toEqual(rows(english));
  const headings = (text: string) => prose(text).match(/^#+ /gm);
  expect(headings(chinese)).toEqual(headings(english));
  const figures = (text: string) => [...(prose(text).match(/\d+(?:[.^-]\d+)*/g) ?? [])].sort();
  expect(figures(chinese)).toEqual(figures(english));
  const words = (text: string) => [...new Set(prose(text).match(/`[^`]+`/g))].sort();
  expect(words(chinese)).toEqual(words(english));
});
