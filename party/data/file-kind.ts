/** What a file is that is not what its name says, by its first bytes, and what to do about it. */
import { invalidFile } from "./csv-dialect.ts";
import { readHead } from "./file.ts";

/** Long enough for each sign below. */
const SIGN_BYTES = 16;

const EXCEL = "save the sheet as CSV in UTF-8";
const UNPACK = "unpack it first";
const UTF_16 = "text in UTF-16 or UTF-32: convert it to UTF-8";

/** In Latin-1, so that each character is a byte. */
const SIGNS: readonly (readonly [string, string])[] = [
  ["PAR1", "a Parquet file: name it .parquet"],
  ["PARE", "a Parquet file with an encrypted footer: write it without encryption"],
  ["PK\x03\x04", `a ZIP archive or an Excel workbook: unpack it, or ${EXCEL}`],
  ["\xd0\xcf\x11\xe0", `an Excel workbook of the old kind: ${EXCEL}`],
  ["\x1f\x8b", `compressed with gzip: ${UNPACK}`],
  ["\x28\xb5\x2f\xfd", `compressed with zstd: ${UNPACK}`],
  ["\xfd7zXZ\0", `compressed with xz: ${UNPACK}`],
  ["BZh91AY&SY", `compressed with bzip2: ${UNPACK}`],
  ["7z\xbc\xaf\x27\x1c", `a 7-Zip archive: ${UNPACK}`],
  ["\xff\xfe", UTF_16],
  ["\xfe\xff", UTF_16],
  ["\0\0\xfe\xff", UTF_16],
  ["%PDF-", "a PDF document: export the table as CSV"],
  ["SQLite format 3\0", "an SQLite database: export the table as CSV"],
  ["Obj\x01", "an Avro file: write it as Parquet"],
];

/** Throws DATASET_FORMAT that says what the file is and what to do, where its first bytes tell. */
export async function refuseForeign(path: string, expected: "csv" | "parquet"): Promise<void> {
  const head = Buffer.from(await readHead(path, SIGN_BYTES)).toString("latin1");
  if (expected === "parquet" && head.startsWith("PAR1")) return;
  const [, kind] = SIGNS.find(([sign]) => head.startsWith(sign)) ?? [];
  if (kind !== undefined) throw invalidFile(`the file is ${kind}`);
}
