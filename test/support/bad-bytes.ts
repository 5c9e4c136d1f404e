/** Files that are no UTF-8 CSV: other encodings, damaged text, archives and documents named as if they were. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { concat, utf8 } from "../../proto/encoding/bytes.ts";
import { A, a, accepted, B, type BadInput, b, C, refused } from "./bad-input.ts";

const text = `phone,x\n${a},1\n${b},2\n`;
const bigEndian = (value: string) => Buffer.from(value, "utf16le").swap16();
const utf32 = (value: string) => Buffer.from(Uint32Array.from([...value], (sign) => sign.codePointAt(0) ?? 0).buffer);
/** 中文 in GBK. */
const CHINESE = [0xd6, 0xd0, 0xce, 0xc4];

/** 40 people whose name is text beyond ASCII. */
const people = Array.from({ length: 40 }, (_, i) => `${13800000000 + i}`);
const ids = people.map((phone) => `+86${phone}`);
const names = `phone,name\n${people.map((phone) => `${phone},张三\n`).join("")}`;
/** One more row, the 42nd line, whose name are these bytes, which are not UTF-8. */
function amid(...bytes: number[]): Pick<BadInput, "content" | "outcome"> {
  return {
    content: concat(utf8(`${names}${b},`), Uint8Array.from(bytes), utf8(`\n${a},ok\n`)),
    outcome: accepted([...ids, A], ["42 row-encoding"]),
  };
}
/** A list in GBK. */
const gbk = (...rest: Uint8Array[]) =>
  concat(
    utf8("phone,"),
    Uint8Array.from(CHINESE),
    utf8(`\n${a},`),
    Uint8Array.from(CHINESE),
    utf8(`\n${b},2\n`),
    ...rest,
  );

export const ENCODINGS: readonly BadInput[] = [
  {
    name: "UTF-16 with its mark",
    content: Buffer.from(`\ufeff${text}`, "utf16le"),
    outcome: refused("DATASET_FORMAT", /UTF-16.*convert/),
  },
  {
    name: "UTF-16, big-endian, with its mark",
    content: bigEndian(`\ufeff${text}`),
    outcome: refused("DATASET_FORMAT", /UTF-16.*convert/),
  },
  {
    name: "UTF-16 without a mark",
    content: Buffer.from(text, "utf16le"),
    outcome: refused("DATASET_FORMAT", /not text in UTF-8/),
  },
  { name: "UTF-32 with its mark", content: utf32(`\ufeff${text}`), outcome: refused("DATASET_FORMAT", /UTF-32/) },
  {
    name: "EBCDIC",
    content: Uint8Array.of(0x97, 0x88, 0x96, 0x95, 0x85, 0x6b, 0xa7, 0x25, 0xf1, 0xf3),
    outcome: refused("DATASET_FORMAT"),
  },
  {
    name: "Latin-1",
    content: Buffer.from(`phone,café\n${a},é\n`, "latin1"),
    outcome: refused("DATASET_FORMAT", /convert/),
  },
  { name: "GB18030", content: gbk(), outcome: accepted([A, B], [], "phone:id 中文:text") },
  {
    name: "GB18030 with an id in full-width digits",
    content: gbk(Uint8Array.from([..."15012345678"].flatMap((digit) => [0xa3, 0xb0 + Number(digit)])), utf8(",x\n")),
    outcome: accepted([A, B, C]),
  },
  {
    name: "GB18030, told to be UTF-8",
    content: gbk(),
    register: { encoding: "utf-8" },
    outcome: refused("DATASET_FORMAT", /header is not text in UTF-8/),
  },
  { name: "UTF-8, told to be GB18030", content: names, register: { encoding: "gb18030" }, outcome: accepted(ids) },
  { name: "UTF-8 and in one row GBK", ...amid(...CHINESE) },
  { name: "UTF-8 and in one row Latin-1", ...amid(0x63, 0x61, 0x66, 0xe9) },
  { name: "UTF-8 and in one row a letter in too many bytes", ...amid(0xc1, 0xa1) },
  { name: "UTF-8 and in one row half of a surrogate pair", ...amid(0xed, 0xa0, 0x80) },
  { name: "UTF-8 and in one row a letter above U+10FFFF", ...amid(0xf7, 0xbf, 0xbf, 0xbf) },
  {
    name: "UTF-8, cut within a letter at its end",
    content: concat(utf8(`${names}${b},`), Uint8Array.of(0xe4, 0xb8)),
    outcome: accepted(ids, ["42 row-encoding"]),
  },
  {
    name: "UTF-8 and an id in GBK's full-width digits",
    content: concat(utf8(names), Uint8Array.of(0xa3, 0xb1), utf8(`${a.slice(1)},1\n`)),
    outcome: accepted(ids, ["42 row-encoding"]),
  },
  {
    name: "UTF-8 and a byte order mark in the middle",
    content: `phone,x\n${a},1\n\ufeff${b},2\n`,
    outcome: accepted([A, B]),
  },
  { name: "UTF-8 behind two byte order marks", content: `\ufeff\ufeffphone,x\n${a},1\n`, outcome: accepted([A]) },
  {
    name: "UTF-8 that was damaged before",
    content: `phone,x\n${a},\ufffd\ufffd\n${b},2\n`,
    outcome: accepted([A, B]),
  },
  {
    name: "UTF-8 and a NUL",
    content: `phone,x\n${a},\0\n${b},2\n`,
    outcome: refused("DATASET_FORMAT", /not text in UTF-8/),
  },
  {
    name: "UTF-8 and a NUL far behind",
    content: `phone,x\n${`${a},1\n`.repeat(90_000)}${b},\0\n`,
    outcome: refused("DATASET_FORMAT", /NUL/),
  },
  {
    name: "UTF-8 and NULs at its end, as after a crash",
    content: `${text}${"\0".repeat(4096)}`,
    outcome: refused("DATASET_FORMAT", /not text in UTF-8/),
  },
];

/** What is at the start of a file of each kind, and some more that is no text. */
function kind(...start: (string | number)[]): Uint8Array {
  const bytes = start.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Uint8Array.of(part)));
  return concat(
    ...bytes,
    Uint8Array.from({ length: 3000 }, (_, i) => (i * i * 7 + 13 * i) & 0xff),
  );
}

export const DISGUISES: readonly BadInput[] = [
  { name: "gzip", content: gzipSync(text), outcome: refused("DATASET_FORMAT", /gzip.*unpack/i) },
  { name: "zstd", content: zstdCompressSync(text), outcome: refused("DATASET_FORMAT", /zstd.*unpack/i) },
  { name: "a ZIP or a workbook", content: kind("PK", 3, 4, 20, 0), outcome: refused("DATASET_FORMAT", /ZIP|Excel/) },
  {
    name: "an old workbook",
    content: kind(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1),
    outcome: refused("DATASET_FORMAT", /Excel/),
  },
  { name: "bzip2", content: kind("BZh91AY&SY"), outcome: refused("DATASET_FORMAT", /bzip2.*unpack/i) },
  { name: "xz", content: kind(0xfd, "7zXZ", 0), outcome: refused("DATASET_FORMAT", /xz.*unpack/i) },
  { name: "Parquet", content: kind("PAR1"), outcome: refused("DATASET_FORMAT", /Parquet/) },
  { name: "SQLite", content: kind("SQLite format 3\0"), outcome: refused("DATASET_FORMAT", /SQLite/) },
  { name: "PDF", content: kind("%PDF-1.7\n"), outcome: refused("DATASET_FORMAT") },
  {
    name: "a web page",
    content: "<!DOCTYPE html>\n<html><body>Please log in</body></html>\n",
    outcome: refused("DATASET_COLUMN_UNKNOWN", /phone/),
  },
  { name: "JSON", content: `[{"phone":"${a}","x":1}]\n`, outcome: refused("DATASET_FORMAT", /quotes/) },
  {
    name: "JSON lines",
    content: `{"phone":"${a}","x":1}\n{"phone":"${b}","x":1}\n`,
    outcome: refused("DATASET_FORMAT", /quotes/),
  },
  {
    name: "a workbook by its name",
    file: "input.xlsx",
    content: text,
    outcome: refused("DATASET_FORMAT", /\.csv.*\.parquet/),
  },
  { name: "no ending", file: "input", content: text, outcome: refused("DATASET_FORMAT", /\.csv.*\.parquet/) },
  { name: "an ending in capitals", file: "INPUT.CSV", content: text, outcome: accepted([A, B]) },
  {
    name: "compressed by its name",
    file: "input.csv.gz",
    content: gzipSync(text),
    outcome: refused("DATASET_FORMAT", /\.csv.*\.parquet/),
  },
];
