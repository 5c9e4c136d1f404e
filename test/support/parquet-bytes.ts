/**
 * Parquet files with one required text column, written byte by byte (Apache parquet-format 2.x, Thrift compact protocol), so
 * that a test can make each number in them a lie.
 */
import { concat, utf8 } from "../../proto/encoding/bytes.ts";

export interface ParquetLies {
  /** Of the footer: rows of the file and of its row group. */
  readonly rows?: bigint;
  /** Of the column chunk and its page. */
  readonly values?: number;
  readonly codec?: number;
  readonly encoding?: number;
  /** Of the page's header. */
  readonly pageBytes?: number;
  readonly pageOffset?: bigint;
  readonly magic?: string;
  /** Instead of the footer's own length. */
  readonly footerBytes?: number;
  readonly rowGroups?: number;
  readonly columns?: readonly string[];
}

const STOP = Uint8Array.of(0);
type Part = Uint8Array;

function varint(value: bigint): Part {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.of(...bytes, Number(rest));
}

function int(value: number | bigint): Part {
  const wide = BigInt(value);
  return varint(wide >= 0n ? wide * 2n : -wide * 2n - 1n);
}

const i32 = (value: number) => ({ type: 5, bytes: int(value) });
const i64 = (value: bigint) => ({ type: 6, bytes: int(value) });
const text = (value: string) => ({ type: 8, bytes: concat(varint(BigInt(utf8(value).length)), utf8(value)) });
const struct = (bytes: Part) => ({ type: 12, bytes });

function list(elements: readonly { type: number; bytes: Part }[], type = elements[0]?.type ?? 12) {
  const head = elements.length < 15 ? Uint8Array.of((elements.length << 4) | type) : Uint8Array.of(0xf0 | type);
  const length = elements.length < 15 ? new Uint8Array() : varint(BigInt(elements.length));
  return { type: 9, bytes: concat(head, length, ...elements.map(({ bytes }) => bytes)) };
}

/** Fields by number, ascending. */
function fields(values: Readonly<Record<number, { type: number; bytes: Part }>>): Part {
  let last = 0;
  const parts = Object.entries(values).map(([number, { type, bytes }]) => {
    const step = Number(number) - last;
    last = Number(number);
    return concat(Uint8Array.of((step << 4) | type), bytes);
  });
  return concat(...parts, STOP);
}

const BYTE_ARRAY = 6;
const REQUIRED = 0;
const RLE = 3;

/** `cells` are the bytes of column `phone`, and of each further column. */
export function parquetBytes(cells: readonly (string | Uint8Array)[], lies: ParquetLies = {}): Uint8Array {
  const names = lies.columns ?? ["phone"];
  const page = concat(
    ...cells.flatMap((cell) => {
      const bytes = typeof cell === "string" ? utf8(cell) : cell;
      return [new Uint8Array(Uint32Array.of(bytes.length).buffer), bytes];
    }),
  );
  const values = lies.values ?? cells.length;
  const encoding = lies.encoding ?? 0;
  const header = fields({
    1: i32(0),
    2: i32(lies.pageBytes ?? page.length),
    3: i32(lies.pageBytes ?? page.length),
    5: struct(fields({ 1: i32(values), 2: i32(encoding), 3: i32(RLE), 4: i32(RLE) })),
  });
  const magic = utf8(lies.magic ?? "PAR1");
  const chunkBytes = BigInt(header.length + page.length);
  const chunk = (name: string, index: number) => {
    const offset = lies.pageOffset ?? BigInt(magic.length) + chunkBytes * BigInt(index);
    const meta = fields({
      1: i32(BYTE_ARRAY),
      2: list([i32(encoding)]),
      3: list([text(name)]),
      4: i32(lies.codec ?? 0),
      5: i64(BigInt(values)),
      6: i64(chunkBytes),
      7: i64(chunkBytes),
      9: i64(offset),
    });
    return struct(fields({ 2: i64(offset), 3: struct(meta) }));
  };
  const rows = lies.rows ?? BigInt(cells.length);
  const group = struct(fields({ 1: list(names.map(chunk)), 2: i64(chunkBytes), 3: i64(rows) }));
  const leaf = (name: string) => struct(fields({ 1: i32(BYTE_ARRAY), 3: i32(REQUIRED), 4: text(name), 6: i32(0) }));
  const schema = [struct(fields({ 4: text("schema"), 5: i32(names.length) })), ...names.map(leaf)];
  const groups = Array.from({ length: lies.rowGroups ?? 1 }, () => group);
  const footer = fields({ 1: i32(1), 2: list(schema), 3: i64(rows), 4: list(groups) });
  const length = new Uint8Array(Uint32Array.of(lies.footerBytes ?? footer.length).buffer);
  const pages = names.flatMap(() => [header, page]);
  return concat(magic, ...pages, footer, length, magic);
}
