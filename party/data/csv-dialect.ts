/**
 * The form of a CSV file, proposed from its header line at registration and never guessed again. DuckDB's own sniffer is
 * not asked: one ragged row or stray quote among the first thousands makes it fail or see a single column, and after
 * leading blank lines it takes the header for data. A header line is short, always there, and its author's own.
 */
import { fromUtf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { MAX_HEADER_BYTES } from "./limits.ts";

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;

export const DELIMITERS = [",", ";", "\t", "|"] as const;
export type Delimiter = (typeof DELIMITERS)[number];

/** Encoding is UTF-8, with or without byte order mark; the quote is '"', doubled inside a quoted field. */
export interface CsvDialect {
  readonly delimiter: Delimiter;
  readonly lineEnd: "\n" | "\r\n";
  /** Blank lines before the header. */
  readonly skipLines: number;
}

export interface CsvHeader {
  readonly dialect: CsvDialect;
  readonly columns: readonly string[];
}

function invalid(detail: string, cause?: unknown): EntenteError {
  return new EntenteError("DATASET_FORMAT", { detail, cause });
}

/** Splits one record; undefined when its quotes do not balance. */
function fieldsOf(record: string, delimiter: string): string[] | undefined {
  const fields: string[] = [];
  let field = "";
  let quoted = false;
  let closed = false;
  for (const character of record) {
    if (quoted && character === '"') {
      quoted = false;
      closed = true;
    } else if (quoted) field += character;
    else if (character === '"' && (closed || field.trim() === "")) {
      field = closed ? `${field}"` : "";
      quoted = true;
      closed = false;
    } else if (character === delimiter) {
      fields.push(closed ? field : field.trim());
      field = "";
      closed = false;
    } else if (closed && character === " ") continue;
    else if (closed) return undefined;
    else field += character;
  }
  if (quoted) return undefined;
  fields.push(closed ? field : field.trim());
  return fields;
}

interface HeaderRange {
  readonly start: number;
  /** Where its line end begins, or the end of the bytes. */
  readonly end: number;
  readonly skipLines: number;
  readonly lineEnd: "\n" | "\r\n";
}

/** The first line that is not blank; a line end inside quotes does not end it. Undefined when there is none. */
function headerRange(head: Uint8Array): HeaderRange | undefined {
  let start = 0;
  let skipLines = 0;
  let quoted = false;
  for (let i = 0; i < head.length; i++) {
    if (head[i] === QUOTE) quoted = !quoted;
    if (head[i] !== LF || quoted) continue;
    const crlf = i > start && head[i - 1] === CR;
    const end = crlf ? i - 1 : i;
    if (end > start) return { start, end, skipLines, lineEnd: crlf ? "\r\n" : "\n" };
    start = i + 1;
    skipLines++;
  }
  if (head.length >= MAX_HEADER_BYTES) throw invalid("the first line is too long for a header");
  return start < head.length ? { start, end: head.length, skipLines, lineEnd: "\n" } : undefined;
}

/**
 * `head`: the file's first MAX_HEADER_BYTES, or all of it when shorter, without the byte order mark. The delimiter is the
 * candidate that makes most columns, unless given. Undefined when the file is blank. Throws DATASET_FORMAT.
 */
export function proposeDialect(head: Uint8Array, given?: Delimiter): CsvHeader | undefined {
  const range = headerRange(head);
  if (range === undefined) return undefined;
  let record: string;
  try {
    record = fromUtf8(head.subarray(range.start, range.end));
  } catch (cause) {
    throw invalid("the header is not UTF-8 text", cause);
  }
  let best: { readonly delimiter: Delimiter; readonly columns: readonly string[] } | undefined;
  for (const delimiter of given === undefined ? DELIMITERS : [given]) {
    const columns = fieldsOf(record, delimiter);
    if (columns !== undefined && columns.length > (best?.columns.length ?? 0)) best = { delimiter, columns };
  }
  if (best === undefined) throw invalid("the header's quotes do not balance");
  checkNames(best.columns);
  const { lineEnd, skipLines } = range;
  return { dialect: { delimiter: best.delimiter, lineEnd, skipLines }, columns: best.columns };
}

/** Names must tell columns apart: a job names them, and a model refers to them. */
export function checkNames(columns: readonly string[]): void {
  const seen = new Set<string>();
  for (const [index, name] of columns.entries()) {
    if (name === "") throw invalid(`column ${index + 1} has no name`);
    if (seen.has(name)) throw invalid(`two columns are named ${name}`);
    seen.add(name);
  }
}
