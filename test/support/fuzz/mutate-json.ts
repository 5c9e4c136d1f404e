/** Changes to JSON that stay JSON, written canonically or not; inside base64 strings too, for that is how envelopes carry documents. */
import { fromUtf8, utf8 } from "../../../proto/encoding/bytes.ts";
import type { Draw } from "./draw.ts";
import { mutateBytes } from "./mutate-bytes.ts";

type Value = null | boolean | number | string | Value[] | { [name: string]: Value } | Raw;

/** Stands in the text as it is. */
class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const LONG = 70_000;
const deep = (depth: number, [open, close]: readonly [string, string]) =>
  new Raw(open.repeat(depth) + close.repeat(depth));

/** Values that stand where others were. */
const STRANGE: readonly ((draw: Draw) => Value)[] = [
  () => null,
  () => true,
  (draw) => draw.pick([0, -1, 1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308, 5e-324, 80, 256, 257]),
  () => new Raw("-0"),
  () => new Raw("1e999"),
  () => new Raw("1.0"),
  () => new Raw("123456789012345678901234567890"),
  () => "",
  (draw) =>
    draw.pick(["\u0000", "\ud800", "\u202e", "\ufeff", "a\nb", "__proto__", "constructor", "../..", "%00", "é"]),
  (draw) => draw.pick(["0".repeat(32), "f".repeat(64), "2026-01-01T00:00:00.000Z", "9999-99-99T99:99:99.999Z", "bank"]),
  (draw) => "a".repeat(draw.oneIn(10) ? LONG : 300),
  () => [],
  () => ({}),
  (draw) => Array<Value>(draw.oneIn(10) ? 5_000 : 300).fill(draw.pick([null, 0, "a", {}])),
  (draw) =>
    deep(
      draw.pick([20, 33, 5_000]),
      draw.pick(
        [
          ["[", "]"],
          ['{"a":', "}"],
        ].map((one) => one as [string, string]),
      ),
    ),
  () => new Raw('{"__proto__":{"a":1},"constructor":1}'),
];

function write(value: Value, draw: Draw, isCanonical: boolean): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map((item) => write(item, draw, isCanonical)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const names = isCanonical ? Object.keys(value).sort() : Object.keys(value).reverse();
  const members = names.map((name) => `${JSON.stringify(name)}:${write(value[name] as Value, draw, isCanonical)}`);
  // A member twice: the last wins in JSON.parse.
  if (!isCanonical && members.length > 0 && draw.oneIn(3)) members.push(draw.pick(members));
  return `{${members.join(isCanonical ? "," : " ,")}}`;
}

/** A copy in which one place, chosen among all alike, has another value. */
function changeOne(root: Value, draw: Draw, change: (value: Value) => Value | undefined): Value {
  const places = count(root);
  let target = draw.below(places);
  const walk = (value: Value): Value | undefined => {
    if (target-- === 0) return change(value);
    if (value instanceof Raw || typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(walk).filter((item) => item !== undefined);
    const members = Object.entries(value).map(([name, item]): [string, Value | undefined] => [name, walk(item)]);
    return Object.fromEntries(members.filter(([, item]) => item !== undefined)) as Value;
  };
  return walk(root) ?? null;
}

function count(value: Value): number {
  if (value instanceof Raw || typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, item) => sum + count(item as Value), 1);
}

/** Another value in a value's place; undefined takes it away. */
function changed(value: Value, draw: Draw, root: Value): Value | undefined {
  switch (draw.below(8)) {
    case 0:
      return undefined;
    case 1:
      return draw.pick(STRANGE)(draw);
    case 2:
      return Array.isArray(value) && value.length > 0 ? value.concat(draw.pick(value)) : [value];
    case 3:
      if (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Raw))
        return { ...value, [draw.pick(["extra", "__proto__x", "kind", "format", "a", ""])]: draw.pick(STRANGE)(draw) };
      return draw.pick(STRANGE)(draw);
    case 4:
      if (typeof value === "number") return draw.pick([value + 1, -value, value * 1e6, value / 2, value - 1]);
      return draw.pick(STRANGE)(draw);
    case 5:
    case 6:
      if (typeof value === "string") return changedText(value, draw);
      return draw.pick(STRANGE)(draw);
    default:
      // A value of another place, all of it at the most.
      return pickPlace(root, draw);
  }
}

function pickPlace(root: Value, draw: Draw): Value {
  let found: Value = null;
  changeOne(root, draw, (value) => {
    found = value;
    return value;
  });
  return found;
}

function changedText(text: string, draw: Draw): Value {
  const bytes = decoded(text);
  if (bytes?.[0] === 0x7b) return mutateJson(bytes, draw, [bytes]).toBase64();
  if (bytes !== undefined && draw.oneIn(2)) return mutateBytes(bytes, draw, [bytes]).toBase64();
  const at = draw.below(text.length + 1);
  return draw.pick([
    text.slice(0, at),
    text.slice(0, at) + draw.pick(["\u0000", "'", '"', "\\", ".", "/", " ", "\n", "A", "ü"]) + text.slice(at),
    text.toUpperCase(),
    ` ${text}`,
    text + text,
    [...text].reverse().join(""),
  ]);
}

function decoded(text: string): Uint8Array | undefined {
  if (text.length < 4 || text.length % 4 !== 0) return undefined;
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}

/** Undefined for what is no JSON, or was nested deep by an earlier change: this file's functions call themselves. */
function parse(bytes: Uint8Array): { root: Value } | undefined {
  try {
    const text = fromUtf8(bytes);
    const isDeep = /[[{]{100}|(?:\{"a":){30}/.test(text);
    return isDeep ? undefined : { root: JSON.parse(text) as Value };
  } catch {
    return undefined;
  }
}

/** `bytes`: valid JSON. Others are what `mutateBytes` makes of them. */
export function mutateJson(bytes: Uint8Array, draw: Draw, others: readonly Uint8Array[]): Uint8Array {
  if (draw.oneIn(8)) return mutateBytes(bytes, draw, others);
  const parsed = parse(bytes);
  if (parsed === undefined) return mutateBytes(bytes, draw, others);
  let { root } = parsed;
  for (let left = draw.oneIn(3) ? 1 + draw.below(3) : 1; left > 0; left--)
    root = changeOne(root, draw, (value) => changed(value, draw, root));
  return utf8(write(root, draw, !draw.oneIn(6)));
}
