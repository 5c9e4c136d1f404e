import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_ID_BYTES } from "../../party/data/limits.ts";
import { normaliserOf } from "../../party/data/normalise.ts";
import { byteNormaliserOf, reasonOf } from "../../party/data/normalise-bytes.ts";
import type { Normalised } from "../../party/data/normalised.ts";
import { NORMALISERS, type NormaliserName } from "../../proto/agreement/fields.ts";
import { fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";

/** The byte normaliser in the form of the string one; the input stands amid other bytes. */
function viaBytes(name: NormaliserName, raw: string): Normalised {
  const text = utf8(raw);
  const source = new Uint8Array(text.length + 20).fill(0x39);
  source.set(text, 7);
  const out = new Uint8Array(MAX_ID_BYTES + 10).fill(0x2a);
  const result = byteNormaliserOf(name)(source, 7, 7 + text.length, out, 5);
  if (result < 0) return { ok: false, reason: reasonOf(result) };
  expect(out.subarray(0, 5)).toEqual(new Uint8Array(5).fill(0x2a));
  if (result < MAX_ID_BYTES) expect(out[5 + result]).toBe(0x2a);
  return { ok: true, id: fromUtf8(out.subarray(5, 5 + result)) };
}

const digit = fc.constantFrom(..."0123456789");
const separator = fc.constantFrom(" ", "-", ".", "(", ")", "\t", "\v", "\f", "\r", "\n", "\u00a0", "\u200b", "\u2013");
const stray = fc.constantFrom("+", "x", "#", "\0", "\x1c", "\x7f", "\uff11", "\u0661", "\ufeff", "\u4e2d", "\u{1d7ce}");
const subscriber = fc.tuple(
  fc.constantFrom("", "+86", "86", "0086", "+", "00", "0", "+1", "0044", "+008", "++86", "8686"),
  fc.constantFrom("1", "2", "0"),
  digit,
  fc.string({ unit: digit, minLength: 8, maxLength: 10, size: "max" }),
);
/** Nearly a number: digits of about the right length with marks put in between. */
const phone = fc
  .tuple(subscriber, fc.array(fc.tuple(fc.nat(20), separator), { maxLength: 4, size: "max" }))
  .map(([parts, marks]) => {
    let text = parts.join("");
    for (const [at, mark] of marks) text = text.slice(0, at) + mark + text.slice(at);
    return text;
  });
const soup = fc.string({
  unit: fc.oneof({ weight: 6, arbitrary: digit }, separator, stray),
  maxLength: 24,
  size: "max",
});
const anything = fc.string({ unit: "binary", maxLength: 40, size: "max" }).filter((text) => text.isWellFormed());
const long = fc
  .tuple(fc.constantFrom("a", "1", "\u00e9", "\u4e2d", "1 "), fc.integer({ min: 80, max: 270 }))
  .map(([unit, times]) => unit.repeat(times));
const spaced = fc
  .tuple(
    fc.constantFrom("", " ", "\t\n", "\u3000", "\ufeff", "\x1c"),
    anything,
    fc.constantFrom("", " ", "\v\f\r", "\u2028"),
  )
  .map((parts) => parts.join(""));

const between = (unit: fc.Arbitrary<string>, minLength: number, maxLength: number) =>
  fc.string({ unit, minLength, maxLength, size: "max" });
const edge = fc.constantFrom("", "", " ", "\t\n", "\u3000", "\ufeff", "\u200b", "g");
const hex = fc.constantFrom(..."0123456789abcdefABCDEF");
const hash = fc.oneof(
  between(hex, 31, 33),
  between(hex, 63, 65),
  fc.constantFrom(...["md5", "sha256", "sm3"].map((name) => createHash(name).digest("hex"))),
);
const address = fc
  .tuple(between(fc.constantFrom(..."aZ.+@ \u00c9\u4e2d\x7f"), 0, 6), between(fc.constantFrom(..."bY.-@"), 0, 4))
  .map((parts) => parts.join("@"));
const month = fc.constantFrom("01", "02", "12", "13", "00");
const person = fc
  .tuple(
    fc.constantFrom("110105", "810000", "010105"),
    fc.constantFrom("", "18", "19", "20", "17"),
    between(digit, 2, 2),
    month,
    fc.constantFrom("01", "29", "31", "00"),
    between(digit, 3, 3),
    fc.constantFrom("", ..."0123456789Xx"),
  )
  .map((parts) => parts.join(""));
const company = between(fc.constantFrom(..."0123456789ABCDEFGHJKLMNPQRTUWXYabyIOSVZ"), 10, 11).chain((tail) =>
  fc.tuple(fc.constantFrom("91350100", "9135010A", "12100000"), fc.constant(tail)).map((parts) => parts.join("")),
);
/** A number out of a spreadsheet. */
const float = fc
  .tuple(
    digit,
    fc.constantFrom(".", ",", ""),
    between(digit, 0, 14),
    fc.constantFrom("E+10", "e+17", "E9", ".0", ".00"),
  )
  .map((parts) => parts.join(""));
const code = fc.tuple(edge, fc.oneof(hash, address, person, company, float), edge).map((parts) => parts.join(""));

const OF_TEXT = ["id-characters", "id-empty", "id-length", "ok"];
const OF_CODE = ["id-characters", "id-check-character", "id-empty", "id-exponent", "id-form", "id-length", "ok"];
/** What the inputs must bring about, so that all of a rule was tried. */
const OUTCOMES: Readonly<Record<NormaliserName, readonly string[]>> = {
  "phone-e164": [
    ...["id-characters", "id-decimal", "id-empty", "id-exponent", "id-form", "id-length"],
    ...["id-not-mainland-mobile", "ok"],
  ],
  opaque: ["id-empty", "id-exponent", "id-length", "ok"],
  email: ["id-characters", "id-empty", "id-form", "id-length", "ok"],
  "cn-resident-id": OF_CODE,
  "cn-uscc": OF_CODE,
  "hashed-sha256": OF_TEXT,
  "hashed-md5": OF_TEXT,
  "hashed-sm3": OF_TEXT,
};

describe.each(NORMALISERS)("%s on bytes", (name) => {
  it("is the normaliser of strings", () => {
    const reasons = new Set<string>();
    fc.assert(
      fc.property(fc.oneof(phone, soup, anything, long, spaced, { weight: 4, arbitrary: code }), (raw) => {
        const expected = normaliserOf(name)(raw);
        reasons.add(expected.ok ? "ok" : expected.reason);
        expect(viaBytes(name, raw)).toEqual(expected);
      }),
      { numRuns: 6000 },
    );
    expect([...reasons].sort()).toEqual(OUTCOMES[name]);
  });
});

/** Every digit of a code is under its check: with one changed, or two neighbours swapped, it is refused. */
describe.each([
  ["cn-resident-id", "11010519491231002X", "0123456789"],
  ["cn-uscc", "91350100M000100Y43", "0123456789ABCDEFGHJKLMNPQRTUWXY"],
] as const)("the check character of %s", (name, valid, characters) => {
  it("tells every single change and every swap of neighbours", () => {
    expect(normaliserOf(name)(valid)).toEqual({ ok: true, id: valid });
    for (let i = 0; i < valid.length; i++) {
      for (const character of characters) {
        const changed = valid.slice(0, i) + character + valid.slice(i + 1);
        if (changed !== valid) expect(normaliserOf(name)(changed).ok).toBe(false);
      }
      const swapped = valid.slice(0, i) + (valid[i + 1] ?? "") + valid[i] + valid.slice(i + 2);
      if (swapped !== valid) expect(normaliserOf(name)(swapped).ok).toBe(false);
    }
  });
});
