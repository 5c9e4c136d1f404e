import { describe, expect, test } from "vitest";
import { gateKeyHash, seal, sealKey, unseal } from "../../party/crypto/seal.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { toHex, utf8 } from "../../proto/encoding/bytes.ts";

const platform = await createPlatform();
const gateKey = platform.random(32);
const scope = { sessionId: new Uint8Array(32).fill(1), partition: 2 };
const key = sealKey(platform, gateKey, scope);
const header = { type: 3, round: 3, partition: 2, chunk: 0 };
const frameSession = new Uint8Array(8).fill(4);
const input = { key, header, frameSession };
const rows = utf8("rows of tags and labels");
const SEAL_INVALID = expect.objectContaining({ code: "SEAL_INVALID" });

describe("seal", () => {
  test("opens under the same key and header", () => {
    expect(unseal(platform, input, seal(platform, input, rows))).toEqual(rows);
    expect(unseal(platform, input, seal(platform, input, utf8("")))).toEqual(utf8(""));
  });

  test.each([
    { what: "type", other: { ...input, header: { ...header, type: 2 } } },
    { what: "round", other: { ...input, header: { ...header, round: 4 } } },
    { what: "partition", other: { ...input, header: { ...header, partition: 1 } } },
    { what: "chunk", other: { ...input, header: { ...header, chunk: 1 } } },
    { what: "session", other: { ...input, frameSession: new Uint8Array(8) } },
    { what: "gate key", other: { ...input, key: sealKey(platform, platform.random(32), scope) } },
    {
      what: "session of the key",
      other: { ...input, key: sealKey(platform, gateKey, { ...scope, sessionId: new Uint8Array(32) }) },
    },
    { what: "partition of the key", other: { ...input, key: sealKey(platform, gateKey, { ...scope, partition: 3 }) } },
  ])("does not open with another $what", ({ other }) => {
    expect(() => unseal(platform, other, seal(platform, input, rows))).toThrow(SEAL_INVALID);
  });

  test("does not open when any byte was changed, cut or added", () => {
    const sealed = seal(platform, input, rows);
    for (let at = 0; at < sealed.length; at++)
      expect(() => unseal(platform, input, sealed.with(at, (sealed[at] as number) ^ 1))).toThrow(SEAL_INVALID);
    expect(() => unseal(platform, input, sealed.subarray(1))).toThrow(SEAL_INVALID);
    expect(() => unseal(platform, input, sealed.subarray(0, 3))).toThrow(SEAL_INVALID);
    expect(() => unseal(platform, input, new Uint8Array([...sealed, 0]))).toThrow(SEAL_INVALID);
  });

  test("nonces of one key differ in type, round and chunk", () => {
    const nonces = new Set<string>();
    const spy = { ...platform, aead: { ...platform.aead, seal: (i: { nonce: Uint8Array }) => i.nonce } };
    for (const type of [2, 3, 256])
      for (const round of [2, 3, 256])
        for (const chunk of [0, 1, 256, 65_536, 2 ** 31])
          nonces.add(toHex(seal(spy, { ...input, header: { ...header, type, round, chunk } }, rows)));
    expect(nonces.size).toBe(45);
  });

  test("a gate key has 32 bytes; its hash commits to it", () => {
    expect(() => sealKey(platform, new Uint8Array(31), scope)).toThrow(SEAL_INVALID);
    expect(gateKeyHash(gateKey)).toHaveLength(32);
    expect(gateKeyHash(gateKey)).toEqual(gateKeyHash(Uint8Array.from(gateKey)));
    expect(gateKeyHash(gateKey)).not.toEqual(gateKeyHash(gateKey.with(0, (gateKey[0] as number) ^ 1)));
    expect(gateKeyHash(gateKey)).not.toEqual(platform.sha256(gateKey));
  });
});
