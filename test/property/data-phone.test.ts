import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import { parsePhoneNumberFromString } from "libphonenumber-js/max";
import { describe, expect, it } from "vitest";
import { byteNormaliserOf } from "../../party/data/normalise-bytes.ts";
import { PHONE_PROFILE, phoneE164 } from "../../party/data/phone.ts";
import { fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";

const require = createRequire(import.meta.url);
/** Of the `max` metadata: another digest means other valid numbers, so another profile and a look at the vectors. */
const METADATA_SHA256 = "b51534061ff677c1f6aab244196460532e95332ca1894a25127768c590407c55";

function onBytes(text: string): string | undefined {
  const out = new Uint8Array(32);
  const raw = utf8(text);
  const length = byteNormaliserOf("phone-e164")(raw, 0, raw.length, out, 0);
  return length < 0 ? undefined : fromUtf8(out.subarray(0, length));
}

function byLibrary(text: string) {
  const number = parsePhoneNumberFromString(text, { defaultCountry: "CN", extract: false });
  return number?.isValid() ? number : undefined;
}

const digits = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789"), minLength, maxLength, size: "max" });

describe("the profile of phone-e164", () => {
  it("names the package and the metadata that are installed", () => {
    const { version } = require("libphonenumber-js/package.json") as { version: string };
    expect(PHONE_PROFILE).toBe(`phone-e164 (libphonenumber-js ${version})`);
    const metadata = readFileSync(require.resolve("libphonenumber-js/metadata.max.json"));
    expect(createHash("sha256").update(metadata).digest("hex")).toBe(METADATA_SHA256);
  });
});

describe("mainland numbers", () => {
  it("have every one that libphonenumber has, and beyond them the groups of the plan that it does not list", () => {
    const beyond = new Set<string>();
    for (let group = 10000; group < 20000; group++) {
      const national = `${group}500001`;
      const library = byLibrary(national);
      const id = onBytes(national);
      expect(id !== undefined).toBe(group >= 13000);
      if (library?.getType() === "MOBILE") expect(id).toBe(library.number);
      else if (id !== undefined) beyond.add(national.slice(0, 3));
    }
    expect([...beyond].join(" ")).toBe("140 141 142 143 144 146 148 149 154 160 161 163 164 168 169 174 179 194");
  });

  it("are the same however they are written", () => {
    const written = fc.tuple(
      fc.constantFrom("", "86", "+86", "0086", "+86 ", "86-", "(+86)", "0", "+86 0"),
      fc.constantFrom("13", "15", "17", "19"),
      digits(9, 9),
      fc.array(fc.tuple(fc.nat(10), fc.constantFrom(" ", "-", "\u200b", "\u2013", "\u3000")), { maxLength: 3 }),
    );
    fc.assert(
      fc.property(written, fc.boolean(), ([prefix, group, rest, marks], fullWidth) => {
        let national = group + rest;
        for (const [at, mark] of marks) national = national.slice(0, at) + mark + national.slice(at);
        if (fullWidth) national = national.replaceAll(/\d/g, (d) => String.fromCharCode(d.charCodeAt(0) + 0xfee0));
        expect(onBytes(prefix + national)).toBe(`+86${group}${rest}`);
        expect(phoneE164(prefix + national)).toEqual({ ok: true, id: `+86${group}${rest}` });
      }),
    );
  });
});

describe("digits without a country", () => {
  it("are a mainland mobile number wherever libphonenumber finds one in them, and the same one", () => {
    const prefix = fc.oneof(
      digits(0, 6),
      fc.constantFrom("0", "17951", "12593", "0086", "86", "8617951", "00860", "179"),
    );
    let found = 0;
    fc.assert(
      fc.property(prefix, fc.constantFrom("13", "15", "18", "19", "10", "14"), digits(7, 9), (first, group, rest) => {
        const library = byLibrary(first + group + rest);
        if (library?.countryCallingCode !== "86" || library.getType() !== "MOBILE") return;
        found++;
        expect(onBytes(first + group + rest)).toBe(library.number);
      }),
      { numRuns: 4000 },
    );
    expect(found).toBeGreaterThan(100);
  });
});

describe("other countries' numbers", () => {
  const countries = ["852", "853", "886", "65", "44", "1", "81", "82", "39", "7", "52", "54", "55", "61", "375", "378"];
  it("are those of libphonenumber, and stay as they are once normalised", () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.constantFrom("+", "00"), fc.constantFrom(...countries), digits(6, 12), (prefix, code, rest) => {
        const library = byLibrary(prefix + code + rest);
        const id = onBytes(prefix + code + rest);
        expect(id).toBe(library?.number);
        if (id === undefined) return;
        accepted++;
        expect(onBytes(id)).toBe(id);
      }),
      { numRuns: 4000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
