/**
 * A guide's commands, as they stand in it. A block of a guide is fenced as `sh`, and words after it say where it is run:
 * a test takes the blocks that are its own. What a shell line may have here is what a guide needs: quotes, `$NAME`,
 * `$(command)`, `NAME=value`, `> file`, `command && command`, a trailing `&` or `\`, and a comment.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type EndedHere, ententeHere } from "./command-line.ts";

export interface GuideBlock {
  /** The heading that it is under. */
  readonly section: string;
  /** The words after `sh`. */
  readonly words: readonly string[];
  /** Whole commands: without comments alone and empty lines, continued lines joined. */
  readonly lines: readonly string[];
}

export interface Guide {
  readonly text: string;
  readonly headings: readonly string[];
  readonly blocks: readonly GuideBlock[];
}

/** A guide of `sdk/guides` by its name, without `.md`. */
export async function readGuide(name: string): Promise<Guide> {
  return parseGuide(await readFile(new URL(`../../sdk/guides/${name}.md`, import.meta.url), "utf8"));
}

export function parseGuide(text: string): Guide {
  const headings: string[] = [];
  const blocks: GuideBlock[] = [];
  for (const [, heading, words, body] of text.matchAll(/^#+ (.*)$|^```sh([^\n]*)\n([\s\S]*?)^```$/gm)) {
    if (heading !== undefined) headings.push(heading);
    else blocks.push({ section: headings.at(-1) ?? "", words: wordsIn(words), lines: linesOf(body ?? "") });
  }
  return { text, headings, blocks };
}

/** Links within the guide that lead to no heading. */
export function brokenLinks({ text, headings }: Guide): string[] {
  const anchors = headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, "")
      .replaceAll(" ", "-"),
  );
  return [...text.matchAll(/\]\(#([^)]*)\)/g)].map(([, link]) => link as string).filter((to) => !anchors.includes(to));
}

function wordsIn(text = ""): string[] {
  return text.split(" ").filter((word) => word !== "");
}

function linesOf(body: string): string[] {
  const lines = body.replaceAll(/\\\n\s*/g, "").split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
}

/** What is run in the place of a program, given the words after its name; what it leaves out is "" and 0. */
export type Program = (args: readonly string[], command: readonly string[]) => Promise<Partial<EndedHere> | undefined>;

/** Runs lines of guides in this process; paths are of the process's current folder. */
export class GuideShell {
  /** What a guide's `$NAME` stands for: of lines that set one, and of a test for what a reader gets from elsewhere. */
  readonly names: Record<string, string> = {};
  readonly #programs: ReadonlyMap<string, Program>;

  /** `programs` by the words that a command begins with; the longest that fits is run. `entente` is there already. */
  constructor(programs: Readonly<Record<string, Program>> = {}) {
    this.#programs = new Map(
      Object.entries({ entente: (args: readonly string[]) => ententeHere(args), mkdir: makeFolder, ...programs }),
    );
  }

  /** Runs one line to its end, or up to the first command that fails. Throws for a program or a name that it does not know. */
  async run(line: string): Promise<EndedHere> {
    let [stdout, stderr] = ["", ""];
    let code = 0;
    for (const command of line.split(" && ")) {
      const ran = await this.#runOne(command);
      stdout += ran.stdout;
      stderr += ran.stderr;
      code = ran.code;
      if (code !== 0) break;
    }
    return { code, stdout, stderr };
  }

  /** The same; throws for any other exit code than `code`, with what the line printed. */
  async expect(line: string, code = 0): Promise<EndedHere> {
    const ran = await this.run(line);
    if (ran.code !== code) throw new Error(`${line}\nexit ${ran.code}, not ${code}\n${ran.stdout}${ran.stderr}`);
    return ran;
  }

  async #runOne(line: string): Promise<EndedHere> {
    const words = await this.#words(line);
    const setting = /^([A-Z][A-Z_]*)=(.*)$/s.exec(words[0]?.text ?? "");
    if (setting !== null && words.length === 1) {
      this.names[setting[1] as string] = setting[2] as string;
      return { code: 0, stdout: "", stderr: "" };
    }
    const redirect = words.findIndex(({ text, isQuoted }) => text === ">" && !isQuoted);
    const command = words.slice(0, redirect < 0 ? undefined : redirect).map(({ text }) => text);
    if (command.at(-1) === "&") command.pop();
    const ran = { code: 0, stdout: "", stderr: "", ...(await this.#programOf(command)) };
    if (redirect < 0 || ran.code !== 0) return ran;
    await writeFile(resolve(words[redirect + 1]?.text as string), ran.stdout);
    return { ...ran, stdout: "" };
  }

  #programOf(command: readonly string[]): ReturnType<Program> {
    for (let length = command.length; length > 0; length--) {
      const program = this.#programs.get(command.slice(0, length).join(" "));
      if (program !== undefined) return program(command.slice(length), command);
    }
    throw new Error(`a guide's test does not know what '${command[0]}' is`);
  }

  async #words(line: string): Promise<{ text: string; isQuoted: boolean }[]> {
    const words: { text: string; isQuoted: boolean }[] = [];
    // A word is parts that follow one another without a blank.
    for (const [word] of line.matchAll(/(?:"(?:\$\([^)]*\)|[^"])*"|'[^']*'|\$\([^)]*\)|[^\s"'])+/g)) {
      if (word.startsWith("#")) break;
      let text = "";
      for (const [part, double, single, plain] of word.matchAll(
        /"((?:\$\([^)]*\)|[^"])*)"|'([^']*)'|((?:\$\([^)]*\)|[^"'])+)/g,
      ))
        text += single ?? (await this.#filled(double ?? plain ?? part));
      words.push({ text, isQuoted: /["']/.test(word) });
    }
    return words;
  }

  /** With the values of `$NAME` and `$(command)`. */
  async #filled(text: string): Promise<string> {
    let filled = "";
    let at = 0;
    for (const match of text.matchAll(/\$\(([^)]*)\)|\$([A-Z][A-Z_]*)/g)) {
      const [whole, command, name = ""] = match;
      const value = command === undefined ? this.names[name] : (await this.expect(command)).stdout.trimEnd();
      if (value === undefined) throw new Error(`a guide's line has $${name}, which nothing has set`);
      filled += text.slice(at, match.index) + value;
      at = match.index + whole.length;
    }
    return filled + text.slice(at);
  }
}

const makeFolder: Program = async (args) => {
  for (const path of args.filter((arg) => arg !== "-p")) await mkdir(join(process.cwd(), path), { recursive: true });
  return undefined;
};
