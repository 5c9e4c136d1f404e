import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_ID_BYTES } from "../../party/data/limits.ts";
import { NORMALISERS, type Normalised, type NormaliserName, normaliserOf } from "../../party/data/normalise.ts";
import { byteNormaliserOf, reasonOf } from "../../party/data/normalise-bytes.ts";
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

describe.each(NORMALISERS)("%s on bytes", (name) => {
  it("is the normaliser of strings", () => {
    const reasons = new Set<string>();
    fc.assert(
      fc.property(fc.oneof(phone, soup, anything, long, spaced), (raw) => {
        const expected = normaliserOf(name)(raw);
        reasons.add(expected.ok ? "ok" : expected.reason);
        expect(viaBytes(name, raw)).toEqual(expected);
      }),
      { numRuns: 6000 },
    );
    expect([...reasons].sort()).toEqual(
      name === "trimmed"
        ? ["id-empty", "id-length", "ok"]
        : ["id-characters", "id-empty", "id-length", "id-not-mainland-mobile", "ok"],
    );
  });
});
