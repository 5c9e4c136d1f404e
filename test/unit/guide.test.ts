/** How the tests of guides read their blocks and run their lines. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { brokenLinks, GuideShell, parseGuide } from "../support/guide.ts";

function echoing() {
  const ran: (readonly string[])[] = [];
  const shell = new GuideShell({
    echo: async (args) => {
      ran.push(args);
      return { stdout: `${args.join(" ")}\n` };
    },
    "echo badly": async () => ({ code: 3, stderr: "no" }),
  });
  return { ran, shell };
}

test("a guide's blocks come with their section and words, its lines whole", () => {
  const guide = parseGuide(
    "# One\n```sh\n# a remark\na \\\n  b\n\nc\n```\n## Two, too\n```json\nx\n```\n```sh stopped\nd\n```\n[1](#two-too) [2](#three)\n",
  );
  expect(guide.blocks).toEqual([
    { section: "One", words: [], lines: ["a b", "c"] },
    { section: "Two, too", words: ["stopped"], lines: ["d"] },
  ]);
  expect(brokenLinks(guide)).toEqual(["three"]);
});

test.each<[string, string[]]>([
  ['echo a "b  c"   # d', ["a", "b  c"]],
  ["echo 'x $NAME' \"$NAME\" pre$NAME", ["x $NAME", "v w", "prev w"]],
  ['echo "$(echo in ner)" $(echo two)', ["in ner", "two"]],
  ["echo tier=A '>' x", ["tier=A", ">", "x"]],
  ["echo on &", ["on"]],
])("%s", async (line, words) => {
  const { ran, shell } = echoing();
  await shell.run("NAME='v w'");
  await shell.expect(line);
  expect(ran.at(-1)).toEqual(words);
});

test("a line ends at the first command that fails, and only then", async () => {
  const { ran, shell } = echoing();
  expect(await shell.run("echo a && echo b")).toMatchObject({ code: 0, stdout: "a\nb\n" });
  expect(await shell.run("echo badly && echo c")).toMatchObject({ code: 3 });
  expect(ran).toEqual([["a"], ["b"]]);
  await expect(shell.expect("echo badly now")).rejects.toThrow("exit 3, not 0\nno");
  await expect(shell.run("echo $UNSET")).rejects.toThrow("$UNSET");
  await expect(shell.run("rm -rf /")).rejects.toThrow("'rm'");
});

test("output goes where it is sent", async () => {
  const { shell } = echoing();
  const folder = await mkdtemp(join(tmpdir(), "entente-guide-"));
  shell.names.OUT = join(folder, "file");
  expect((await shell.run("echo into > $OUT")).stdout).toBe("");
  expect(await readFile(join(folder, "file"), "utf8")).toBe("into\n");
  await rm(folder, { recursive: true });
});

test("the command line runs in this process and tells its exit code", async () => {
  const before = process.exitCode;
  const shell = new GuideShell();
  expect((await shell.run("entente --version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect((await shell.run("entente nonsense")).code).toBe(64);
  expect(process.exitCode).toBe(before);
});
