/** Changes to protocol buffers that stay protocol buffers: fields dropped, repeated, renamed, of another wire type, nested. */
import { concat } from "../../../proto/encoding/bytes.ts";
import type { Draw } from "./draw.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateJson } from "./mutate-json.ts";

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const GROUP = 3;
const END_GROUP = 4;
const FIXED32 = 5;

interface Field {
  readonly number: number;
  readonly type: number;
  /** Of a varint its bytes; of a group none. */
  readonly value: Uint8Array<ArrayBuffer>;
}

const EDGES = [0n, 1n, 9n, 127n, 128n, 255n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 53n, (1n << 64n) - 1n];
const DEEP = 2_000;
const MAX_COPIED_BYTES = 200_000;

export function varint(value: bigint | number, padding = 0): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  // The same value in more bytes than it takes.
  for (let i = 0; i < padding; i++) {
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) | 0x80;
    bytes.push(0);
  }
  return Uint8Array.from(bytes);
}

export function field(number: number, type: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const tag = varint((BigInt(number) << 3n) | BigInt(type));
  return type === LENGTH_DELIMITED ? concat(tag, varint(value.length), value) : concat(tag, value);
}

/** A message inside a message inside a message, by length-delimited fields or by groups. */
export function nested(number: number, depth: number, how: "message" | "group"): Uint8Array<ArrayBuffer> {
  if (how === "group") return concat(...Array.from({ length: depth }, () => field(number, GROUP, new Uint8Array(0))));
  const heads: Uint8Array[] = [];
  for (let i = 0, length = 0; i < depth; i++) {
    const head = concat(varint((number << 3) | LENGTH_DELIMITED), varint(length));
    heads.push(head);
    length += head.length;
  }
  return concat(...heads.reverse());
}

function readVarint(bytes: Uint8Array, from: number): { value: bigint; end: number } | undefined {
  let value = 0n;
  for (let at = from; at < Math.min(bytes.length, from + 10); at++) {
    const byte = bytes[at] as number;
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - from));
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}

/** Undefined for bytes that are no fields. */
export function fieldsOf(bytes: Uint8Array): Field[] | undefined {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = readVarint(bytes, at);
    if (tag === undefined) return undefined;
    const [number, type] = [Number(tag.value >> 3n), Number(tag.value & 7n)];
    let [from, end] = [tag.end, tag.end];
    if (type === VARINT) end = readVarint(bytes, from)?.end ?? -1;
    else if (type === FIXED64) end = from + 8;
    else if (type === FIXED32) end = from + 4;
    else if (type === LENGTH_DELIMITED) {
      const length = readVarint(bytes, from);
      if (length === undefined) return undefined;
      from = length.end;
      end = from + Number(length.value);
    } else return undefined;
    if (end < from || end > bytes.length || number === 0) return undefined;
    fields.push({ number, type, value: bytes.slice(from, end) });
    at = end;
  }
  return fields;
}

type Change = (fields: Field[], at: number, draw: Draw, others: readonly Uint8Array[]) => Field[];

const raw = (value: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(value);

const CHANGES: readonly Change[] = [
  (fields, at) => fields.toSpliced(at, 1),
  (fields, at) => fields.toSpliced(at, 0, fields[at] as Field),
  (fields, at, draw) => fields.toSpliced(draw.below(fields.length + 1), 0, fields[at] as Field),
  (fields) => fields.toReversed(),
  // Another member of the `oneof`, or a field that nobody knows.
  (fields, at, draw) => {
    const number = draw.pick([1, 2, 3, 4, 5, 15, 16, 1 + draw.below(300), 0x1fffffff]);
    return fields.with(at, { ...(fields[at] as Field), number });
  },
  (fields, at, draw) => {
    const type = draw.pick([VARINT, FIXED64, LENGTH_DELIMITED, GROUP, END_GROUP, FIXED32, 6, 7]);
    return fields.with(at, { ...(fields[at] as Field), type });
  },
  (fields, at, draw) => {
    const value = varint(draw.pick(EDGES), draw.oneIn(4) ? draw.below(12) : 0);
    return fields.with(at, { ...(fields[at] as Field), type: VARINT, value });
  },
  (fields, at, draw) => {
    const number = Math.min(fields[at]?.number ?? 1, 1_000);
    const value = nested(draw.pick([1, number]), draw.oneIn(20) ? DEEP : 40, "message");
    return fields.with(at, { ...(fields[at] as Field), type: LENGTH_DELIMITED, value });
  },
  (fields, at, draw) => {
    // Many small ones: what is large as one message is large enough.
    const most = Math.ceil(MAX_COPIED_BYTES / ((fields[at] as Field).value.length + 2));
    const copies = Math.min(draw.oneIn(30) ? 3_000 : 70, most);
    return fields.toSpliced(at, 0, ...Array<Field>(copies).fill(fields[at] as Field));
  },
  (fields, at, draw) => {
    const value = draw.pick([new Uint8Array(0), draw.bytes(1 + draw.below(40)), new Uint8Array(70_000)]);
    return fields.with(at, { ...(fields[at] as Field), type: LENGTH_DELIMITED, value });
  },
  (fields, _at, draw, others) => {
    const other = fieldsOf(draw.pick(others)) ?? [];
    return other.length === 0 ? fields : fields.concat(draw.pick(other));
  },
];

/** Inside a field: whatever its value looks like. */
function mutateValue(value: Uint8Array, draw: Draw, others: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (value[0] === 0x7b || value[0] === 0x5b) return raw(mutateJson(value, draw, [value]));
  const inner = fieldsOf(value);
  if (inner !== undefined && inner.length > 0) return raw(mutateProtobuf(value, draw, [value]));
  return raw(mutateBytes(value, draw, others));
}

/** `bytes`: a valid message. Others are what `mutateBytes` makes of them. */
export function mutateProtobuf(bytes: Uint8Array, draw: Draw, others: readonly Uint8Array[]): Uint8Array {
  const fields = fieldsOf(bytes);
  if (fields === undefined || draw.oneIn(8)) return mutateBytes(bytes, draw, others);
  if (fields.length === 0) return draw.oneIn(2) ? mutateBytes(bytes, draw, others) : field(1, 2, draw.bytes(3));
  let changed = fields;
  for (let left = draw.oneIn(3) ? 1 + draw.below(3) : 1; left > 0 && changed.length > 0; left--) {
    const at = draw.below(changed.length);
    const { type, value } = changed[at] as Field;
    const isInside = type === LENGTH_DELIMITED && !draw.oneIn(2);
    changed = isInside
      ? changed.with(at, { ...(changed[at] as Field), value: mutateValue(value, draw, others) })
      : draw.pick(CHANGES)(changed, at, draw, others);
  }
  return concat(...changed.map(({ number, type, value }) => field(number, type, value)));
}
