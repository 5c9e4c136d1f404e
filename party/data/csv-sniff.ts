/**
 * Proposes delimiter and quote from the header line and the rows behind it: those that give the header several columns, and
 * most rows as many. DuckDB's own sniffer is not asked: one ragged row or stray quote among the first thousands makes it fail
 * or see a single column, and after leading blank lines it takes the header for data.
 */
import { type CsvDialect, type CsvHeader, checkNames, invalidFile, QUOTES, type Quote } from "./csv-dialect.ts";
import type { Encoding } from "./csv-encoding.ts";
import { MAX_SNIFFED_RECORDS, SNIFFED_SHARE } from "./limits.ts";

/** Asked always, in this order where all else is equal. */
const USUAL = [",", ";", "\t", "|"] as const;
/** Signs that names and values hold too, so only where nearly every row agrees. \x01 is Hive's. */
const UNUSUAL = ["\x01", "^", "~", ":", "#"] as const;

interface Form {
  readonly delimiter: string;
  readonly quote: Quote;
}

interface SampleRecord {
  /** Undefined when its quotes do not balance. */
  readonly fields: readonly string[] | undefined;
  readonly enclosed: number;
  /** Where its line end begins, or the end of the text. */
  readonly end: number;
}

/** How a text looks in one form. */
interface Sample extends Form {
  readonly columns: readonly string[];
  readonly rows: number;
  /** Of the rows behind the header: how many have as many fields as it. */
  readonly share: number;
  /** Rows, the header among them, with fields in quotes. */
  readonly enclosed: number;
  readonly broken: number;
}

export interface SniffInput {
  /** A file's first characters. */
  readonly text: string;
  readonly isWhole: boolean;
  readonly encoding: Encoding;
  readonly delimiter?: string | undefined;
  readonly quote?: Quote | undefined;
}

/** Undefined when the text is blank. Throws DATASET_FORMAT when it has no header that can be told apart. */
export function proposeDialect(input: SniffInput): CsvHeader | undefined {
  const { text, isWhole, encoding } = input;
  const { start, skipLines } = firstLine(text);
  if (start >= text.length || (isWhole && text.trim() === "")) return undefined;
  if (/^sep=.?\r?\n/i.test(text.slice(start, start + 8)))
    throw invalidFile("the first line is the sep= line of a spreadsheet: delete it, the delimiter is found without it");
  const best = bestSample(input, start);
  if (best === undefined)
    throw invalidFile("the header's quotes do not balance: close them, or double those within a name");
  const { end } = recordAt(text, start, best);
  if (end >= text.length && !isWhole) throw invalidFile("the first line is too long for a header");
  if (best.columns.some((name) => name.includes("\ufffd")))
    throw invalidFile(`the header is not text in ${encoding === "utf-8" ? "UTF-8" : "GB18030"}`);
  checkNames(best.columns);
  const { delimiter, quote, columns } = best;
  const lineEnd = text[end - 1] === "\r" && end < text.length ? "\r\n" : "\n";
  const dialect: CsvDialect = { delimiter, quote, encoding, lineEnd, skipLines };
  return { dialect, columns };
}

/** The first line that is not blank. */
function firstLine(text: string): { readonly start: number; readonly skipLines: number } {
  let start = 0;
  let skipLines = 0;
  for (; ; skipLines++) {
    if (text[start] === "\n") start++;
    else if (text[start] === "\r" && text[start + 1] === "\n") start += 2;
    else return { start, skipLines };
  }
}

function bestSample(input: SniffInput, start: number): Sample | undefined {
  const { delimiter, quote } = input;
  const of = (one: Quote) => bestDelimiter(input, start, one, delimiter);
  if (quote !== undefined) return of(quote);
  const [double, single] = QUOTES.map(of);
  if (single === undefined) return double;
  if (double === undefined) return single.enclosed > 0 ? single : undefined;
  // An apostrophe is a letter of many names. It is the quote only where half of the rows use it as one, and none breaks.
  const encloses = double.enclosed === 0 && single.enclosed * 2 > single.rows && single.broken === 0;
  return encloses && single.share >= double.share ? single : double;
}

function bestDelimiter(input: SniffInput, start: number, quote: Quote, given: string | undefined): Sample | undefined {
  const sampled = (delimiter: string) => sampleOf(input, start, { delimiter, quote });
  if (given !== undefined) return sampled(given);
  const usual = USUAL.map(sampled);
  const unusual = UNUSUAL.map(sampled).filter((one) => one && one.rows > 0 && one.share >= SNIFFED_SHARE);
  let best: Sample | undefined;
  for (const one of [...usual, ...unusual]) {
    if (one === undefined || one.columns.length < 2) continue;
    const isBetter =
      best === undefined ||
      one.share > best.share ||
      (one.share === best.share && one.columns.length > best.columns.length);
    if (isBetter) best = one;
  }
  return best ?? usual[0];
}

/** Undefined when the header's quotes do not balance. */
function sampleOf({ text, isWhole }: SniffInput, start: number, form: Form): Sample | undefined {
  const header = recordAt(text, start, form);
  if (header.fields === undefined) return undefined;
  let rows = 0;
  let alike = 0;
  let broken = 0;
  let enclosed = Math.min(header.enclosed, 1);
  for (let at = header.end + 1; at < text.length && rows < MAX_SNIFFED_RECORDS; ) {
    const { fields, enclosed: quoted, end } = recordAt(text, at, form);
    // The last record may be cut short.
    if (end >= text.length && !isWhole) break;
    const isBlank = /^\r?$/.test(text.slice(at, Math.min(end, at + 2)));
    at = end + 1;
    if (isBlank) continue;
    rows++;
    if (fields === undefined) broken++;
    else if (isAsLong(fields, header.fields.length)) alike++;
    if (quoted > 0) enclosed++;
  }
  return { ...form, columns: header.fields, rows, share: rows === 0 ? 1 : alike / rows, enclosed, broken };
}

/** The reader passes over a delimiter behind the last cell. */
function isAsLong(fields: readonly string[], columns: number): boolean {
  return fields.length === columns || (fields.length === columns + 1 && fields.at(-1) === "");
}

/** Takes the record apart that begins at `start`; a line end inside quotes does not end it. */
function recordAt(text: string, start: number, { delimiter, quote }: Form): SampleRecord {
  const fields: string[] = [];
  let field = "";
  let enclosed = 0;
  let isQuoted = false;
  let isClosed = false;
  let isBroken = false;
  const push = () => {
    fields.push(isClosed ? field : field.trim());
    if (isClosed) enclosed++;
    field = "";
    isClosed = false;
  };
  let at = start;
  for (; at < text.length; at++) {
    const character = text[at] as string;
    if (isQuoted) {
      if (character === quote) {
        isQuoted = false;
        isClosed = true;
      } else field += character;
    } else if (character === "\n") break;
    else if (character === "\r" && text[at + 1] === "\n") continue;
    else if (character === delimiter) push();
    else if (character === quote && (isClosed || field.trim() === "")) {
      field = isClosed ? field + quote : "";
      isQuoted = true;
      isClosed = false;
    } else if (!isClosed) field += character;
    else if (character !== " ") isBroken = true;
  }
  isBroken ||= isQuoted;
  push();
  return { fields: isBroken ? undefined : fields, enclosed, end: at };
}
