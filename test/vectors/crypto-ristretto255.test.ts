import { ristretto255 as noble, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { blindEvaluate, finalize } from "../../party/crypto/oprf.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { concat, fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import vectors from "./data/rfc9496-ristretto255/ristretto255.json" with { type: "json" };

const platform = await createPlatform();
const group = platform.ristretto255;
const ORDER = noble.Point.Fn.ORDER;

function scalar(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
}
const toBigint = (littleEndian: Uint8Array) => BigInt(`0x${toHex(littleEndian.toReversed())}`);

describe("RFC 9496 vectors", () => {
  const generator = fromHex(vectors.smallMultiples[1] as string);

  test("multiples of the generator, here and by noble", () => {
    for (const [n, encoded] of vectors.smallMultiples.entries()) {
      expect(toHex(noble.Point.BASE.multiplyUnsafe(BigInt(n)).toBytes())).toBe(encoded);
      // The identity is no result: the interface says undefined.
      const product = group.multiply(scalar(BigInt(n)), generator);
      expect(product && toHex(product)).toBe(n === 0 ? undefined : encoded);
    }
  });

  test.each(vectors.badEncodings)("refuses %s", (encoded) => {
    const element = fromHex(encoded);
    expect(() => noble.Point.fromBytes(element)).toThrow();
    expect(group.isValidElement(element)).toBe(false);
    expect(group.multiply(scalar(3n), element)).toBeUndefined();
    expect(() => blindEvaluate(platform, scalar(3n), element)).toThrow(
      expect.objectContaining({ code: "POINT_INVALID" }),
    );
  });

  test.each(vectors.hashToGroup)("maps SHA-512 of '$label'", ({ label, encoded }) => {
    const uniform = platform.sha512(utf8(label));
    expect(toHex(group.elementFromUniform(uniform))).toBe(encoded);
    expect(toHex(ristretto255_hasher.deriveToCurve?.(uniform).toBytes() as Uint8Array)).toBe(encoded);
  });
});

describe("against noble", () => {
  test("identity and wrong lengths are refused", () => {
    const identity = new Uint8Array(32);
    expect(group.isValidElement(identity)).toBe(false);
    expect(group.multiply(scalar(5n), identity)).toBeUndefined();
    const blindSecret = scalar(7n);
    expect(() => finalize(platform, { input: utf8("x"), blindSecret, evaluatedElement: identity })).toThrow(
      expect.objectContaining({ code: "POINT_INVALID" }),
    );
    for (const length of [0, 31, 33]) {
      expect(group.isValidElement(new Uint8Array(length).fill(1))).toBe(false);
      expect(group.multiply(scalar(5n), new Uint8Array(length).fill(1))).toBeUndefined();
    }
    expect(() => group.multiply(new Uint8Array(31), identity)).toThrow(RangeError);
  });

  test("map, product, reduction and inverse agree on random values", () => {
    for (let i = 0; i < 20; i++) {
      const wide = platform.random(64);
      const element = group.elementFromUniform(wide);
      const reference = ristretto255_hasher.deriveToCurve?.(wide);
      expect(element).toEqual(reference?.toBytes());
      expect(group.isValidElement(element)).toBe(true);

      const k = group.scalarFromUniform(concat(platform.random(64)));
      expect(toBigint(k)).toBeLessThan(ORDER);
      expect(group.multiply(k, element)).toEqual(reference?.multiply(toBigint(k)).toBytes());
      expect(toBigint(group.scalarFromUniform(wide))).toBe(toBigint(wide) % ORDER);
      expect((toBigint(group.invertScalar(k)) * toBigint(k)) % ORDER).toBe(1n);
      expect(group.multiply(group.invertScalar(k), group.multiply(k, element) as Uint8Array)).toEqual(element);
    }
  });

  test("a random scalar is never zero: a zero draw is thrown away", async () => {
    let draws = 0;
    const drawn = await createPlatform({ random: (n) => new Uint8Array(n).fill(draws++ === 0 ? 0 : 9) });
    const k = drawn.ristretto255.randomScalar();
    expect(draws).toBe(2);
    expect(toBigint(k)).toBe(toBigint(new Uint8Array(64).fill(9)) % ORDER);
  });
});
