/** The form of a CSV file: proposed once, at registration, and passed to the reader in full ever after. */
import { EntenteError } from "../../proto/errors.ts";
import type { Encoding } from "./csv-encoding.ts";
import { MAX_COLUMNS } from "./limits.ts";

export const QUOTES = ['"', "'"] as const;
export type Quote = (typeof QUOTES)[number];

export interface CsvDialect {
  /** One ASCII character. */
  readonly delimiter: string;
  /** Doubled inside a quoted field. */
  readonly quote: Quote;
  readonly encoding: Encoding;
  readonly lineEnd: "\n" | "\r\n";
  /** Blank lines before the header. */
  readonly skipLines: number;
}

/** What a caller says of the dialect instead of having it proposed. */
export type GivenDialect = Partial<Pick<CsvDialect, "delimiter" | "quote" | "encoding">>;

export interface CsvHeader {
  readonly dialect: CsvDialect;
  readonly columns: readonly string[];
}

/** Any ASCII character but NUL, the ends of lines and the quotes. */
export function isDelimiter(text: string): boolean {
  return text.length === 1 && text > "\0" && text < "\x80" && !["\n", "\r", ...QUOTES].includes(text);
}

export function invalidFile(detail: string, cause?: unknown): EntenteError {
  return new EntenteError("DATASET_FORMAT", { detail, cause });
}

/** Names must tell columns apart: a job names them, and a model refers to them. */
export function checkNames(columns: readonly string[]): void {
  if (columns.length > MAX_COLUMNS)
    throw invalidFile(`${columns.length} columns, of ${MAX_COLUMNS} at most: leave out those that no job needs`);
  const seen = new Map<string, number>();
  for (const [index, name] of columns.entries()) {
    if (name === "")
      throw invalidFile(`column ${index + 1} has no name: name it, or take away the delimiter before or behind it`);
    // Not the name: under a delimiter of the caller's choice it may be anything that is in the file.
    const before = seen.get(name);
    if (before !== undefined)
      throw invalidFile(`columns ${before + 1} and ${index + 1} have one name: rename one of them`);
    seen.set(name, index);
  }
}
