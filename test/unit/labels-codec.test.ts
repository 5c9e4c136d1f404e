import { describe, expect, it } from "vitest";
import type { LabelColumn } from "../../proto/agreement/label-columns.ts";
import { labelReader, writeBoolean, writeNumber, writeText } from "../../proto/codec/labels.ts";
import { fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { codeOf } from "../support/code-of.ts";

const NUMBER: LabelColumn = { name: "n", type: "number" };
const BOOLEAN: LabelColumn = { name: "b", type: "boolean" };
const TEXT = { name: "t", type: "text", maxBytes: 4 } as const;

/** 13 bytes that are 255 before something is written, so that what is not written shows. */
const view = () => new DataView(new Uint8Array(8).fill(255).buffer);

describe("labels as bytes", () => {
  it.each([
    [1, "3ff0000000000000"],
    [-2.5, "c004000000000000"],
    [-0, "0000000000000000"],
    [Number.NaN, "7ff8000000000000"],
  ])("writes the number %d big-endian", (value, hex) => {
    const label = view();
    writeNumber(label, 0, value, "n");
    expect(toHex(new Uint8Array(label.buffer))).toBe(hex);
  });

  it("reads a row of three columns", () => {
    const read = labelReader([NUMBER, BOOLEAN, TEXT]);
    expect(read(fromHex(`3ff0000000000000${"01"}${"03e6b2aa00"}`))).toEqual([1, true, "沪"]);
    expect(read(fromHex(`7ff8000000000000${"02"}${"ff00000000"}`))).toEqual([null, null, null]);
    expect(read(fromHex(`0000000000000000${"00"}${"0000000000"}`))).toEqual([0, false, ""]);
  });

  it.each([
    ["infinity", [NUMBER], "7ff0000000000000"],
    ["minus infinity", [NUMBER], "fff0000000000000"],
    ["another NaN", [NUMBER], "7ff8000000000001"],
    ["a signalling NaN", [NUMBER], "7ff0000000000001"],
    ["minus zero", [NUMBER], "8000000000000000"],
    ["a number that is too short", [NUMBER], "00000000000000"],
    ["a number that is too long", [NUMBER], "000000000000000000"],
    ["no boolean", [BOOLEAN], "03"],
    ["a boolean of 255", [BOOLEAN], "ff"],
    ["a text longer than its column", [TEXT], "0541414141"],
    ["a length between the longest and missing", [TEXT], "fe00000000"],
    ["a text that breaks off in a character", [TEXT], "02e6b20000"],
    ["a text with a byte that UTF-8 does not have", [TEXT], "01ff000000"],
    ["an overlong character", [TEXT], "02c0800000"],
    ["half of a surrogate pair", [TEXT], "03eda08000"],
    ["something behind a text", [TEXT], "0141000001"],
    ["something behind a missing text", [TEXT], "ff41000000"],
    ["a second column that is broken", [BOOLEAN, BOOLEAN], "0009"],
    ["no bytes", [TEXT], ""],
  ] as const)("refuses %s", (_, columns, hex) => {
    expect(codeOf(() => labelReader(columns)(fromHex(hex)))).toBe("WIRE_INVALID");
  });

  it("reads what is no value as missing for who wants to know of it, and the columns beside it as they are", () => {
    let unreadable = 0;
    const read = labelReader([BOOLEAN, BOOLEAN, TEXT], () => unreadable++);
    expect([read(fromHex("01090141000000")), unreadable]).toEqual([[true, null, "A"], 1]);
    expect([read(fromHex("0100ff00000001")), unreadable]).toEqual([[true, false, null], 2]);
    expect(codeOf(() => read(fromHex("01")))).toBe("WIRE_INVALID");
  });

  it("refuses at the writer what the reader would not take", () => {
    const label = new Uint8Array(5);
    expect(codeOf(() => writeText(label, 0, utf8("沪沪"), TEXT))).toBe("LABEL_UNFIT");
    expect(codeOf(() => writeBoolean(view(), 0, 2, "b"))).toBe("LABEL_UNFIT");
    expect(codeOf(() => writeBoolean(view(), 0, -1, "b"))).toBe("LABEL_UNFIT");
    expect(codeOf(() => writeNumber(view(), 0, Number.POSITIVE_INFINITY, "n"))).toBe("LABEL_UNFIT");
    expect(toHex(label)).toBe("0000000000");
  });
});
