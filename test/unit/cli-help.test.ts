/** Every command teaches by an example, and every example is one. */
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { EXIT } from "../../sdk/cli/exit-code.ts";
import { examplesOf, withDescendants, wordsOf } from "../../sdk/cli/help.ts";
import { ententeProgram } from "../../sdk/cli/program.ts";
import { GuideShell } from "../support/guide.ts";

const README = await readFile(new URL("../../sdk/cli/README.md", import.meta.url), "utf8");
const COMMANDS = withDescendants(ententeProgram()).map((command) => ({ command, words: wordsOf(command) }));
const isGroup = ({ commands }: Command) => commands.length > 0;
const LEAVES = COMMANDS.filter(({ command }) => !isGroup(command));

/** Says which command a line would have run: the program, with nothing behind it. Throws for a line that it refuses. */
function idleProgram(): (line: string) => Promise<string> {
  let ran = "";
  const root = ententeProgram();
  for (const command of withDescendants(root).slice(1))
    if (!isGroup(command) || command.name() === "node")
      command.action(() => {
        ran = wordsOf(command).join(" ");
      });
  const entente = async (args: readonly string[]) => void (await root.parseAsync(args, { from: "user" }));
  const shell = new GuideShell({ entente });
  return async (line) => {
    ran = "";
    // Where its output goes is the shell's.
    await shell.run(line.replace(/ > \S+$/, ""));
    return ran;
  };
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (more) => (text += more) });
  command.outputHelp();
  return text;
}

test("every command says what it does, and has examples that run it", async () => {
  expect(LEAVES.length).toBeGreaterThan(80);
  const wouldRun = idleProgram();
  const wrong: string[] = [];
  for (const { command, words } of LEAVES) {
    const examples = examplesOf(command);
    if (command.description() === "" || examples.length === 0) wrong.push(words.join(" "));
    for (const line of examples) {
      const ran = await wouldRun(line).catch((error: Error) => error.message);
      if (ran !== words.join(" ")) wrong.push(`${line}: ${ran}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("a group shows an example of each of its commands", () => {
  const silent = LEAVES.filter(({ command: { parent } }) => parent?.parent !== null).flatMap(({ command }) => {
    const help = helpOf(command.parent as Command);
    return help.includes(`  $ ${examplesOf(command)[0]}\n`) ? [] : [wordsOf(command)];
  });
  expect(silent).toEqual([]);
});

test("every command is in the README's table, in the row of its group", () => {
  const rows = README.split("\n").filter((line) => line.startsWith("| `"));
  const missing = LEAVES.filter(({ words: [group, ...rest] }) => {
    const cells = rows.filter((row) => row.startsWith(`| \`${group}`)).map((row) => row.split(" | ")[0] as string);
    const named = cells.flatMap((cell) => [...cell.matchAll(/`([^`]*)`/g)].map(([, text]) => text as string));
    return !named.some((text) => `${text} `.replace(`${group} `, "").startsWith(`${rest.join(" ")}`));
  });
  expect(missing.map(({ words }) => words.join(" "))).toEqual([]);
});

test("the exit codes are those of the README", () => {
  const [, table = ""] = /\| exit code \|[^\n]*\n\|[-|]*\n((?:\|[^\n]*\n)*)/.exec(README) ?? [];
  const codes = [...table.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(codes).toEqual(Object.values(EXIT));
});

test("a usage error ends with the command's example, and 64", async () => {
  const shell = new GuideShell();
  const { stdout, stderr } = await shell.expect("entente job result --out a.csv", EXIT.usage);
  expect(stdout).toBe("");
  expect(stderr).toContain("error: missing required argument 'id'");
  expect(stderr).toContain("$ entente job result 0b7e... --out matched.parquet");
  expect((await shell.expect("entente jobb", EXIT.usage)).stderr).toContain("Did you mean job?");
  const asked = await shell.expect("entente job result --out a.csv --json", EXIT.usage);
  expect([JSON.parse(asked.stdout), asked.stderr]).toMatchObject([{ error: { code: "BAD_REQUEST" } }, ""]);
});

/** Words that a description of a command begins with: what it does, not what it is about. */
const VERBS =
  /^(accept|approve|ask|begin|bring|check|commit|confirm|copy|count|decline|define|deliver|encrypt|end|enrol|find|forget|let|list|look|make|name|put|read|refuse|revoke|run|say|score|serve|show|sign|take|verify|write)\b/;

test("every command's description says what it does to what", () => {
  const nameless = LEAVES.map(({ command, words }) => `${words.join(" ")}: ${command.description()}`).filter(
    (text) => !VERBS.test(text.split(": ").slice(1).join(": ")) || text.endsWith(": list them"),
  );
  expect(nameless).toEqual([]);
});
