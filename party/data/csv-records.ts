/**
 * Finds the records of a CSV file (RFC 4180) without reading their fields, for two ends: to count them independently of
 * DuckDB, so that no row can vanish between "accepted" and "rejected", and to know the line on which each one begins.
 */
import { EntenteError } from "../../proto/errors.ts";
import type { CsvDialect } from "./csv-dialect.ts";

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

type Place = "field-start" | "plain" | "quoted" | "quote-seen";

/** Maps records to lines; kept as the points where one more record is not one more line. */
export class RecordMap {
  readonly #records: number[] = [];
  readonly #lines: number[] = [];
  readonly #readerLines: number[] = [];

  /** `readerLine` is DuckDB's: it counts records and blank lines, so a quoted line end does not raise it. */
  add(record: number, line: number, readerLine: number): void {
    const last = this.#records.length - 1;
    if (last >= 0) {
      const step = record - (this.#records[last] as number);
      const follows =
        line - (this.#lines[last] as number) === step && readerLine - (this.#readerLines[last] as number) === step;
      if (follows) return;
    }
    this.#records.push(record);
    this.#lines.push(line);
    this.#readerLines.push(readerLine);
  }

  /** The line, from 1, on which record `record` begins. Record 0 is the header. */
  lineOf(record: number): number {
    const at = lastAtMost(this.#records, record);
    return (this.#lines[at] ?? 1) + record - (this.#records[at] ?? 0);
  }

  /** The record that DuckDB reports under `readerLine`. */
  recordOf(readerLine: number): number {
    const at = lastAtMost(this.#readerLines, readerLine);
    return (this.#records[at] ?? 0) + readerLine - (this.#readerLines[at] ?? 1);
  }
}

/** Index of the last number that is not above `value`; -1 when there is none. */
export function lastAtMost(ascending: readonly number[], value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Physical lines of a file: `total` is all others and one for each record. */
export interface LineCounts {
  readonly total: number;
  readonly header: number;
  /** Passed over: they hold nothing. */
  readonly blank: number;
  /** Further lines of records with a line end in quotes. */
  readonly continued: number;
}

/** Takes a file's bytes in order, without its byte order mark. */
export class RecordScanner {
  readonly map = new RecordMap();
  /** Records begun so far, the header included. */
  records = 0;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #crlf: boolean;
  /** With one column a blank line is a row whose only cell is empty; with more it is nothing. */
  readonly #blankIsRecord: boolean;
  #place: Place = "field-start";
  #inRecord = false;
  #afterCr = false;
  #line = 1;
  #readerLine = 1;
  #quoteLine = 0;
  #blank = 0;
  #continued = 0;

  constructor(dialect: CsvDialect, columnCount: number) {
    this.#delimiter = dialect.delimiter.charCodeAt(0);
    this.#quote = dialect.quote.charCodeAt(0);
    this.#crlf = dialect.lineEnd === "\r\n";
    this.#blankIsRecord = columnCount === 1;
  }

  /** Throws DATASET_FORMAT on line ends of two kinds: the reader would take one of them for data. */
  update(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte === LF) this.#lineFeed();
      else if (byte === CR && this.#place !== "quoted") this.#carriageReturn();
      else this.#character(byte);
    }
  }

  /** Throws DATASET_FORMAT when a quote is open: all behind it would be one row. */
  finish(): void {
    if (this.#afterCr) throw this.#mixed();
    if (this.#place === "quoted")
      throw new EntenteError("DATASET_FORMAT", {
        detail: `the quote that opens on line ${this.#quoteLine} is never closed: close it, or double it if it is text`,
      });
  }

  /** After `finish`. The last line counts whether or not it ends. */
  get lines(): LineCounts {
    const total = this.#line - (this.#inRecord ? 0 : 1);
    return { total, header: Math.min(this.records, 1), blank: this.#blank, continued: this.#continued };
  }

  #lineFeed(): void {
    if (this.#place === "quoted") {
      this.#continued++;
      this.#line++;
      return;
    }
    if (this.#afterCr !== this.#crlf) throw this.#mixed();
    if (!this.#inRecord && this.#blankIsRecord && this.records > 0) this.#begin();
    if (!this.#inRecord) this.#blank++;
    this.#afterCr = false;
    this.#inRecord = false;
    this.#place = "field-start";
    this.#line++;
    this.#readerLine++;
  }

  #carriageReturn(): void {
    if (!this.#crlf || this.#afterCr) throw this.#mixed();
    this.#afterCr = true;
  }

  #character(byte: number): void {
    if (this.#afterCr) throw this.#mixed();
    if (!this.#inRecord) this.#begin();
    if (byte === this.#quote) this.#quoteMark();
    else if (this.#place === "quoted") return;
    else if (byte === this.#delimiter) this.#place = "field-start";
    // A space before an opening quote or after a closing one is passed over, as the reader does.
    else if (byte !== SPACE) this.#place = "plain";
  }

  #quoteMark(): void {
    if (this.#place === "plain") return;
    if (this.#place === "quoted") {
      this.#place = "quote-seen";
      return;
    }
    this.#place = "quoted";
    this.#quoteLine = this.#line;
  }

  #begin(): void {
    this.map.add(this.records, this.#line, this.#readerLine);
    this.records++;
    this.#inRecord = true;
  }

  #mixed(): EntenteError {
    return new EntenteError("DATASET_FORMAT", {
      detail: `line ${this.#line} ends unlike the header line: end all lines alike, with LF or with CRLF`,
    });
  }
}
