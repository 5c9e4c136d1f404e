/** The one form that all files of a CSV dataset have: the first file's, from its first bytes; the others must agree. */
import { EntenteError } from "../../proto/errors.ts";
import { type CsvHeader, type GivenDialect, invalidFile } from "./csv-dialect.ts";
import { type Encoding, proposeEncoding } from "./csv-encoding.ts";
import { proposeDialect } from "./csv-sniff.ts";
import { readHead } from "./file.ts";
import { refuseForeign } from "./file-kind.ts";
import type { FoundFile } from "./find-files.ts";
import { MAX_HEADER_BYTES } from "./limits.ts";
import { aboutPart } from "./survey.ts";

/** Throws DATASET_FORMAT naming the file, DATASET_EMPTY when a single file is blank. */
export async function readHeader(files: readonly FoundFile[], given: GivenDialect): Promise<CsvHeader> {
  const encoding = given.encoding ?? (await encodingOf(files));
  let common: CsvHeader | undefined;
  for (const { name, path } of files)
    await aboutPart(name, files.length > 1, async () => {
      await refuseForeign(path, "csv");
      const { delimiter, quote } = common?.dialect ?? given;
      const { text, isWhole } = await headText(path, encoding);
      const header = proposeDialect({ text, isWhole, encoding, delimiter, quote });
      if (header === undefined && files.length > 1) throw invalidFile("the file is blank, without a header");
      if (header === undefined) throw new EntenteError("DATASET_EMPTY");
      common ??= header;
      checkAlike(header, common);
    });
  if (common === undefined) throw new EntenteError("DATASET_EMPTY");
  return common;
}

function checkAlike(header: CsvHeader, common: CsvHeader): void {
  if (header.columns.join("\0") !== common.columns.join("\0"))
    throw invalidFile("its columns are not those of the first file, in that order");
  if (header.dialect.lineEnd !== common.dialect.lineEnd)
    throw invalidFile("its lines end unlike those of the first file");
  if (header.dialect.skipLines !== common.dialect.skipLines)
    throw invalidFile("it has another number of blank lines before the header than the first file");
}

async function headText(path: string, encoding: Encoding): Promise<{ text: string; isWhole: boolean }> {
  const head = await readHead(path, MAX_HEADER_BYTES);
  // A character may be cut at the end.
  const text = new TextDecoder(encoding).decode(head, { stream: true });
  return { text, isWhole: head.length < MAX_HEADER_BYTES };
}

async function encodingOf(files: readonly FoundFile[]): Promise<Encoding> {
  let first: { readonly name: string; readonly encoding: Encoding } | undefined;
  for (const { name, path } of files)
    await aboutPart(name, files.length > 1, async () => {
      await refuseForeign(path, "csv");
      const head = await readHead(path, MAX_HEADER_BYTES);
      // A NUL byte is in no text: this is a Parquet file, a workbook, an archive, or UTF-16.
      if (head.includes(0)) throw invalidFile("the file is binary, not text in UTF-8 or GB18030");
      const encoding = proposeEncoding(head, head.length < MAX_HEADER_BYTES);
      if (encoding === "ascii") return;
      first ??= { name, encoding };
      if (encoding !== first.encoding) throw invalidFile(`its encoding is not that of ${first.name}`);
    });
  return first?.encoding ?? "utf-8";
}
