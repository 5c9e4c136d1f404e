/** Parquet files that are cut, that lie, or whose columns are of other types than they should be. */
import { readFile, writeFile } from "node:fs/promises";
import { A, a, accepted, B, type BadInput, b, C, c, refused } from "./bad-input.ts";
import { parquetBytes } from "./parquet-bytes.ts";

const file = "input.parquet";
const unreadable = refused("DATASET_FORMAT", /not a Parquet file, or/);

function bytes(name: string, content: Uint8Array, outcome: BadInput["outcome"]): BadInput {
  return { name, file, content, outcome };
}

/** The result of a query. */
function query(name: string, sql: string, outcome: BadInput["outcome"]): BadInput {
  return {
    name,
    file,
    async content(folder) {
      return folder.parquet(file, sql);
    },
    outcome,
  };
}

/** A good file with something done to its bytes. */
function damaged(name: string, change: (whole: Uint8Array) => Uint8Array, outcome = unreadable): BadInput {
  return {
    name,
    file,
    async content(folder, path) {
      await folder.parquet(file, "SELECT (13800000000 + i * 7919)::VARCHAR AS phone FROM range(20000) t(i)");
      await writeFile(path, change(Uint8Array.from(await readFile(path))));
      return undefined;
    },
    outcome,
  };
}

const ids = [a, b, c];

export const PARQUET_BYTES: readonly BadInput[] = [
  bytes("as it should be", parquetBytes(ids), accepted([A, B, C], [], "phone:id")),
  damaged("half", (whole) => whole.subarray(0, whole.length >> 1)),
  damaged("without its last byte", (whole) => whole.subarray(0, whole.length - 1)),
  damaged("its first bytes", (whole) => whole.subarray(0, 4)),
  damaged("without its start", (whole) => whole.subarray(100), refused("DATASET_FORMAT", /damaged/)),
  damaged("with a damaged footer", (whole) => whole.fill(0xff, whole.length - 200, whole.length - 8)),
  damaged(
    "with damaged pages",
    (whole) => whole.fill(0x55, whole.length >> 2, (whole.length >> 2) + 4000),
    refused("DATASET_FORMAT"),
  ),
  damaged("with bytes behind it", (whole) => Uint8Array.from([...whole, 10, 10])),
  bytes("of no byte", new Uint8Array(), refused("DATASET_EMPTY")),
  bytes("of CSV", Buffer.from(`phone,x\n${a},1\n`), unreadable),
  bytes("with too long a footer", parquetBytes(ids, { footerBytes: 0x7fffffff }), unreadable),
  bytes("with too short a footer", parquetBytes(ids, { footerBytes: 3 }), unreadable),
  bytes("with a footer of no length", parquetBytes(ids, { footerBytes: 0 }), unreadable),
  bytes("encrypted", parquetBytes(ids, { magic: "PARE" }), refused("DATASET_FORMAT", /encrypted/)),
  bytes("with a codec that nobody knows", parquetBytes(ids, { codec: 77 }), refused("DATASET_FORMAT")),
  bytes("with LZO", parquetBytes(ids, { codec: 3 }), refused("DATASET_FORMAT")),
  bytes("that says ZSTD and is not", parquetBytes(ids, { codec: 6 }), refused("DATASET_FORMAT")),
  bytes("with an encoding that nobody knows", parquetBytes(ids, { encoding: 99 }), refused("DATASET_FORMAT")),
  bytes("without row groups", parquetBytes(ids, { rowGroups: 0 }), refused("DATASET_EMPTY")),
  bytes("without row groups or rows", parquetBytes([], { rowGroups: 0 }), refused("DATASET_EMPTY")),
  bytes("with rows of which it has no values", parquetBytes(ids, { rows: 5n }), refused("DATASET_FORMAT")),
  bytes("that says 2^62 rows", parquetBytes(ids, { rows: 2n ** 62n }), refused("DATASET_FORMAT")),
  bytes("that says 2 billion rows", parquetBytes(ids, { rows: 2_000_000_000n }), refused("DATASET_FORMAT")),
  bytes("that says -1 rows", parquetBytes(ids, { rows: -1n }), refused("DATASET_FORMAT")),
  bytes(
    "that says 2 billion values",
    parquetBytes(ids, { values: 2_000_000_000, rows: 2_000_000_000n }),
    refused("DATASET_FORMAT"),
  ),
  bytes("with a page of 2 GB", parquetBytes(ids, { pageBytes: 2_147_483_647 }), refused("DATASET_FORMAT")),
  bytes("with a page behind the file's end", parquetBytes(ids, { pageOffset: 2n ** 40n }), refused("DATASET_FORMAT")),
  bytes("with a page before the file", parquetBytes(ids, { pageOffset: -5n }), refused("DATASET_FORMAT")),
  bytes("with text that is not UTF-8", parquetBytes([a, Uint8Array.of(0xd6, 0xd0), b]), refused("DATASET_FORMAT")),
  bytes("with an id of NUL bytes", parquetBytes([a, "\0\0", b]), accepted([A, B], ["2 id-characters"])),
  bytes("with an id of 3 MB", parquetBytes(["1".repeat(3_000_000), b]), accepted([B], ["1 id-not-mainland-mobile"])),
  bytes(
    "with a column twice",
    parquetBytes(ids, { columns: ["phone", "phone"] }),
    accepted([A, B, C], [], "phone:id phone_1:text"),
  ),
  bytes(
    "with a column without a name",
    parquetBytes(ids, { columns: ["phone", ""] }),
    accepted([A, B, C], [], "phone:id C1:text"),
  ),
  bytes(
    "with a name that is SQL",
    parquetBytes(ids, { columns: ["phone", `x"); DROP TABLE t; --`] }),
    accepted([A, B, C], [], `phone:id x"); DROP TABLE t; --:text`),
  ),
];

const FORMS = (id: string) => `SELECT ${id} AS phone, 1 AS x`;

export const PARQUET_TYPES: readonly BadInput[] = [
  query("BIGINT ids", FORMS(`${a}::BIGINT`), accepted([A])),
  query("UBIGINT ids", FORMS(`${a}::UBIGINT`), accepted([A])),
  query("DOUBLE ids", FORMS(`${a}::DOUBLE`), refused("DATASET_COLUMN_TYPE", /phone/)),
  query("FLOAT ids", FORMS(`${a}::FLOAT`), refused("DATASET_COLUMN_TYPE", /phone/)),
  query("DECIMAL ids", FORMS(`${a}::DECIMAL(18, 2)`), refused("DATASET_COLUMN_TYPE", /phone/)),
  query("DATE ids", FORMS("DATE '2026-01-31'"), refused("DATASET_COLUMN_TYPE", /phone/)),
  query("BOOLEAN ids", FORMS("true"), refused("DATASET_COLUMN_TYPE", /phone/)),
  query("BLOB ids", FORMS(`'${a}'::BLOB`), refused("DATASET_COLUMN_TYPE", /phone/)),
  query("ids in a list", FORMS(`['${a}']`), refused("DATASET_COLUMN_TYPE", /phone/)),
  query("ids in a struct", FORMS(`{'mobile': '${a}'}`), refused("DATASET_COLUMN_TYPE", /phone/)),
  query("text of doubles", FORMS(`${a}::DOUBLE::VARCHAR`), refused("DATASET_ID_EMPTY", /phone/)),
  query(
    "NULL, blank and negative ids",
    `SELECT * FROM (VALUES (NULL), (''), ('  '), ('-1'), ('${a}')) t(phone)`,
    accepted([A], ["1 id-empty", "2 id-empty", "3 id-empty", "4 id-not-mainland-mobile"]),
  ),
  query("ids of NULL", "SELECT NULL::VARCHAR AS phone FROM range(3)", refused("DATASET_ID_EMPTY", /phone/)),
  query("no rows", "SELECT '1' AS phone WHERE false", refused("DATASET_EMPTY")),
  query("no such column", `SELECT '${a}' AS mobile`, refused("DATASET_COLUMN_UNKNOWN", /phone/)),
  query("a column in another case", `SELECT '${a}' AS "Phone"`, refused("DATASET_COLUMN_UNKNOWN", /phone/)),
  query(
    "the same person in every row",
    `SELECT '${a}' AS phone FROM range(3)`,
    accepted([A], ["2 duplicate", "3 duplicate"]),
  ),
  query(
    "NaN, infinity and NULL among numbers",
    `SELECT * FROM (VALUES ('${a}', 'nan'::DOUBLE), ('${b}', NULL), ('${c}', 'inf'), ('${c}', '-inf')) t(phone, x)`,
    accepted([A, B], ["3 number-invalid", "4 number-invalid"], "phone:id x:number"),
  ),
  query(
    "columns of every other kind",
    `SELECT '${a}' AS phone, 1.5::DECIMAL(38, 9) AS d, true AS f, DATE '2026-01-31' AS day, now() AS t, [1, 2] AS l,
      {'a': 1} AS s, MAP {'k': 1} AS m, 'x'::BLOB AS b, INTERVAL 1 DAY AS i, uuid() AS u, 170141183460469231731687303715884105727::HUGEINT AS h`,
    accepted(
      [A],
      [],
      "phone:id d:number f:number day:other t:other l:other s:other m:other b:other i:other u:text h:number",
    ),
  ),
  query(
    "1,000 columns",
    `SELECT '${a}' AS phone, ${Array.from({ length: 999 }, (_, i) => `${i} AS x${i}`).join(", ")}`,
    accepted([A]),
  ),
];
