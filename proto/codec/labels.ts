/**
 * A row's label columns as bytes, column after column, each of the width that its type fixes:
 *
 * | type | bytes | missing |
 * |---|---|---|
 * | number | IEEE 754 double, big-endian, finite | the quiet NaN 7ff8000000000000 |
 * | boolean | 0 or 1 | 2 |
 * | text | length, the text in UTF-8, zeros up to `maxBytes` | length 255 |
 *
 * One value has one encoding; every other bytes are those of no value.
 */
import { type LabelColumn, labelWidth } from "../agreement/label-columns.ts";
import { EntenteError } from "../errors.ts";

/** null: missing. */
export type LabelValue = number | boolean | string | null;

const MISSING_BOOLEAN = 2;
const MISSING_TEXT = 255;
const NAN_HIGH = 0x7ff80000;

/** A text that is longer than its column allows, or a boolean or number that is none. */
export function unfitLabel(column: string): EntenteError {
  return new EntenteError("LABEL_UNFIT", { detail: column });
}

/** `value`: NaN where missing. Throws LABEL_UNFIT when it is not finite. */
export function writeNumber(label: DataView, at: number, value: number, column: string): void {
  if (Number.isNaN(value)) {
    label.setUint32(at, NAN_HIGH);
    label.setUint32(at + 4, 0);
  } else if (Number.isFinite(value)) label.setFloat64(at, value === 0 ? 0 : value);
  else throw unfitLabel(column);
}

/** `value`: 0, 1, or NaN where missing. Throws LABEL_UNFIT on another. */
export function writeBoolean(label: DataView, at: number, value: number, column: string): void {
  if (Number.isNaN(value)) label.setUint8(at, MISSING_BOOLEAN);
  else if (value === 0 || value === 1) label.setUint8(at, value);
  else throw unfitLabel(column);
}

/** `text`: UTF-8, undefined where missing; what is behind it has to be zeros already. Throws LABEL_UNFIT when it is too long. */
export function writeText(
  label: Uint8Array,
  at: number,
  text: Uint8Array | undefined,
  { name, maxBytes }: { readonly name: string; readonly maxBytes: number },
): void {
  if (text === undefined) {
    label[at] = MISSING_TEXT;
    return;
  }
  if (text.length > maxBytes) throw unfitLabel(name);
  label[at] = text.length;
  label.set(text, at + 1);
}

/** Reads rows of these columns. With `onUnreadable` bytes of no value are read as missing, each told to it. */
export function labelReader(
  columns: readonly LabelColumn[],
  onUnreadable?: () => void,
): (label: Uint8Array) => LabelValue[] {
  let end = 0;
  const placed = columns.map((column) => {
    const at = end;
    end += labelWidth(column);
    return { column, at };
  });
  const checked = (column: LabelColumn, bytes: Uint8Array) => {
    const value = readValue(column, bytes);
    if (value !== undefined) return value;
    if (onUnreadable === undefined) throw new EntenteError("WIRE_INVALID", { detail: `label: ${column.name}` });
    onUnreadable();
    return null;
  };
  /** Throws WIRE_INVALID on another length, and without `onUnreadable` on bytes that no value has, naming the column. */
  return (label) => {
    if (label.length !== end) throw new EntenteError("WIRE_INVALID", { detail: "label: length" });
    return placed.map(({ column, at }) => checked(column, label.subarray(at, at + labelWidth(column))));
  };
}

/** Undefined for bytes that no value has. */
function readValue(column: LabelColumn, bytes: Uint8Array): LabelValue | undefined {
  switch (column.type) {
    case "number":
      return readNumber(bytes);
    case "boolean":
      return readBoolean(bytes);
    case "text":
      return readText(bytes);
  }
}

function readNumber(bytes: Uint8Array): number | null | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(0) === NAN_HIGH && view.getUint32(4) === 0) return null;
  const value = view.getFloat64(0);
  return Number.isFinite(value) && !Object.is(value, -0) ? value : undefined;
}

function readBoolean([byte]: Uint8Array): boolean | null | undefined {
  if (byte === MISSING_BOOLEAN) return null;
  return byte === 0 || byte === 1 ? byte === 1 : undefined;
}

// A byte order mark is a character like any other here.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function readText(bytes: Uint8Array): string | null | undefined {
  const length = bytes[0] as number;
  const isMissing = length === MISSING_TEXT;
  const end = isMissing ? 1 : 1 + length;
  if (end > bytes.length || bytes.subarray(end).some((byte) => byte !== 0)) return undefined;
  if (isMissing) return null;
  try {
    return utf8.decode(bytes.subarray(1, end));
  } catch {
    return undefined;
  }
}
