import { describe, expect, test } from "vitest";
import { expandMessageXmd } from "../../party/crypto/expand-message.ts";
import { blind, blindEvaluate, deriveKey, evaluate, finalize } from "../../party/crypto/oprf.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import expand from "./data/rfc9380-expand-message/xmd-sha512.json" with { type: "json" };
import oprf from "./data/rfc9497-oprf/ristretto255-sha512.json" with { type: "json" };

const platform = await createPlatform();

describe("RFC 9380 expand_message_xmd, SHA-512", () => {
  test.each(expand.tests)(
    "message of $message.length characters to $length bytes",
    ({ message, length, uniformBytes }) => {
      const out = expandMessageXmd(platform, { message: utf8(message), dst: utf8(expand.dst), length });
      expect(toHex(out)).toBe(uniformBytes);
    },
  );
  test.each([
    { length: 0, dst: utf8("x") },
    { length: 255 * 64 + 1, dst: utf8("x") },
    { length: 32, dst: new Uint8Array(0) },
    { length: 32, dst: new Uint8Array(256) },
  ])("refuses what the RFC does not define: $length bytes, tag of $dst.length", ({ length, dst }) => {
    expect(() => expandMessageXmd(platform, { message: utf8(""), dst, length })).toThrow(RangeError);
  });
});

describe("RFC 9497 OPRF(ristretto255, SHA-512)", () => {
  const key = deriveKey(platform, fromHex(oprf.seed), fromHex(oprf.keyInfo));

  test("DeriveKeyPair", () => {
    expect(toHex(key)).toBe(oprf.skSm);
  });

  test.each(oprf.vectors)("input $Input", (vector) => {
    const input = fromHex(vector.Input);
    const blindSecret = fromHex(vector.Blind);
    const blinded = blind(platform, input, blindSecret);
    expect(toHex(blinded)).toBe(vector.BlindedElement);
    const evaluatedElement = blindEvaluate(platform, key, blinded);
    expect(toHex(evaluatedElement)).toBe(vector.EvaluationElement);
    expect(toHex(finalize(platform, { input, blindSecret, evaluatedElement }))).toBe(vector.Output);
    expect(toHex(evaluate(platform, key, input))).toBe(vector.Output);
  });

  test("another key or input gives another output", () => {
    const input = fromHex(oprf.vectors[0]?.Input as string);
    const other = evaluate(platform, platform.ristretto255.randomScalar(), input);
    expect(toHex(other)).not.toBe(oprf.vectors[0]?.Output);
    expect(toHex(evaluate(platform, key, utf8("other")))).not.toBe(oprf.vectors[0]?.Output);
  });
});
