import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createPlatform } from "../../party/session/platform.ts";
import { concat, fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import gcm from "./data/wycheproof-aead-kdf/aes-256-gcm.json" with { type: "json" };
import hkdf from "./data/wycheproof-aead-kdf/hkdf-sha256.json" with { type: "json" };
import hmac from "./data/wycheproof-aead-kdf/hmac-sha256.json" with { type: "json" };

const platform = await createPlatform();

describe("Wycheproof", () => {
  test.each(gcm)("AES-256-GCM $tcId: $result", ({ key, iv, aad, msg, ct, tag, result }) => {
    const common = { key: fromHex(key), nonce: fromHex(iv), associated: fromHex(aad) };
    const opened = platform.aead.open({ ...common, ciphertext: fromHex(ct + tag) });
    expect(opened && toHex(opened)).toBe(result === "valid" ? msg : undefined);
    if (result === "valid") expect(toHex(platform.aead.seal({ ...common, plaintext: fromHex(msg) }))).toBe(ct + tag);
  });
  test.each(hkdf)("HKDF-SHA256 $tcId", ({ ikm, salt, info, size, okm }) => {
    const out = platform.hkdfSha256({ key: fromHex(ikm), salt: fromHex(salt), info: fromHex(info), length: size });
    expect(toHex(out)).toBe(okm);
  });
  test.each(hmac)("HMAC-SHA256 $tcId: $result", ({ key, msg, tag, result }) => {
    const out = toHex(platform.hmacSha256(fromHex(key), fromHex(msg).subarray(0, 3), fromHex(msg).subarray(3)));
    expect(out === tag).toBe(result === "valid");
  });
});

describe("platform", () => {
  test.each([0, 1, 100, 4095, 4096, 4097, 100_000])("hashes of %i bytes in parts are those of the whole", (length) => {
    const bytes = platform.random(length);
    const parts = [bytes.subarray(0, length >> 1), bytes.subarray(length >> 1)];
    expect(toHex(platform.sha256(...parts))).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(toHex(platform.sha512(...parts))).toBe(createHash("sha512").update(bytes).digest("hex"));
  });
  test("results do not share memory with each other", () => {
    const first = platform.sha256(utf8("a"));
    const copy = concat(first);
    platform.sha256(utf8("b"));
    expect(first).toEqual(copy);
    expect(first.constructor).toBe(Uint8Array);
  });
  test("a ciphertext shorter than its tag does not open; wrong key and nonce lengths are bugs", () => {
    const common = { key: new Uint8Array(32), nonce: new Uint8Array(12), associated: utf8("") };
    expect(platform.aead.open({ ...common, ciphertext: new Uint8Array(15) })).toBeUndefined();
    expect(() => platform.aead.seal({ ...common, key: new Uint8Array(16), plaintext: utf8("") })).toThrow(RangeError);
    expect(() => platform.aead.seal({ ...common, nonce: new Uint8Array(8), plaintext: utf8("") })).toThrow(RangeError);
  });
});
