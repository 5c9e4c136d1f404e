/** What a command prints: one JSON document for programs, or lines and aligned tables for people. */
import pc from "picocolors";
import { actorText } from "../../proto/errors/text.ts";
import type { PublicError } from "../../proto/errors.ts";

/** On a terminal that can, unless its owner wants none (https://no-color.org). */
export function isColourful(
  { isTTY }: { readonly isTTY?: boolean },
  { NO_COLOR = "", TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTTY === true && NO_COLOR === "" && TERM !== "dumb";
}

const onStdout = pc.createColors(isColourful(process.stdout, process.env));
const onStderr = pc.createColors(isColourful(process.stderr, process.env));

/** East Asian wide characters take two columns of a terminal (Unicode UAX #11, the blocks that names are written in). */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/gu;

function columnsOf(text: string): number {
  return [...text].length + (text.match(WIDE)?.length ?? 0);
}

/** Titles and names come from other parties: a control character in one could write anything to the terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, "\ufffd");
}

/** A finding's state, four columns wide. */
export function coloured(state: "ok" | "warn" | "fail"): string {
  const colour = { ok: onStdout.green, warn: onStdout.yellow, fail: onStdout.red }[state];
  return colour(state.padEnd(4));
}

/** Columns aligned to the left, two spaces apart; `none` stands for an empty table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], none: string): string {
  if (rows.length === 0) return none;
  const cells = rows.map((row) => row.map(printable));
  const widths = head.map((name, i) => Math.max(name.length, ...cells.map((row) => columnsOf(row[i] ?? ""))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell + " ".repeat((widths[i] ?? 0) - columnsOf(cell)))
      .join("  ")
      .trimEnd();
  return [onStdout.dim(line(head)), ...cells.map(line)].join("\n");
}

/** One `name  value` line for each field; a field without a value is left out. */
export function fields(entries: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(entries).filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...given.map(([name]) => name.length));
  return given.map(([name, value]) => `${onStdout.dim(name.padEnd(width))}  ${printable(String(value))}`).join("\n");
}

/** How progress is shown. `silent`: not at all, where one document was asked for at a terminal. */
export type ProgressStyle = "bars" | "lines" | "json" | "silent";

export class Output {
  readonly isJson: boolean;
  #isLines = false;

  constructor(isJson: boolean) {
    this.isJson = isJson;
  }

  /** The command's answer, once: `document` for programs, or `text` for people. */
  answer(document: unknown, text: string): void {
    process.stdout.write(`${this.isJson ? JSON.stringify(document, null, this.#isLines ? 0 : 2) : text}\n`);
  }

  /** A remark for people, beside the answer. */
  note(text: string): void {
    if (!this.isJson) process.stderr.write(`${onStderr.dim(printable(text))}\n`);
  }

  /** What happened, why, and who must act. `context` is added to the JSON document. */
  failure(error: PublicError, context: Readonly<Record<string, unknown>> = {}): void {
    if (this.isJson) {
      // In one line: it may follow those of progress.
      process.stdout.write(`${JSON.stringify({ error, ...context })}\n`);
      return;
    }
    const lines = [`${onStderr.red(`error ${error.code}`)}: ${error.message}`];
    if (error.detail !== undefined) lines.push(`  why: ${printable(error.detail)}`);
    lines.push(`  who must act: ${actorText(error.who, "en")}${error.retryable ? " (trying again may help)" : ""}`);
    process.stderr.write(`${lines.join("\n")}\n`);
  }

  /** Of work that is shown while it is done. For programs that are not at a terminal each event is a line, and so is the answer. */
  progressStyle(): ProgressStyle {
    if (!this.isJson) return process.stderr.isTTY === true ? "bars" : "lines";
    if (process.stdout.isTTY === true) return "silent";
    this.#isLines = true;
    return "json";
  }
}
