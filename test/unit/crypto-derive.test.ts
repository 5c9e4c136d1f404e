import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { labelPad, matchTag } from "../../party/crypto/kdf.ts";
import { rowIndex } from "../../party/crypto/row-index.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { toHex } from "../../proto/encoding/bytes.ts";

const platform = await createPlatform();
const scope = { sessionId: new Uint8Array(32).fill(1), partition: 2 };
const output = new Uint8Array(32).fill(9);

describe("kdf", () => {
  test("is the one-step derivation of SP 800-56C, block by block", () => {
    const label = Buffer.from("entente label pad/1");
    const info = Buffer.concat([
      Uint8Array.of(label.length),
      label,
      scope.sessionId,
      Uint8Array.of(0, 0, 0, 2, 0, 0, 1, 64),
    ]);
    const block = (i: number) =>
      createHash("sha256")
        .update(Uint8Array.of(0, 0, 0, i))
        .update(output)
        .update(info)
        .digest("hex");
    expect(toHex(labelPad(platform, scope, 40)(output))).toBe((block(1) + block(2)).slice(0, 80));
  });

  test("use, session, partition, length and input each change every derived value", () => {
    const values = [
      matchTag(platform, scope, 16)(output),
      labelPad(platform, scope, 16)(output),
      matchTag(platform, { ...scope, partition: 3 }, 16)(output),
      matchTag(platform, { ...scope, sessionId: new Uint8Array(32) }, 16)(output),
      matchTag(platform, scope, 17)(output).subarray(0, 16),
      matchTag(platform, scope, 16)(output.with(31, 8)),
    ];
    expect(new Set(values.map(toHex)).size).toBe(values.length);
    expect(labelPad(platform, scope, 0)(output)).toHaveLength(0);
  });
});

describe("row index", () => {
  test("agrees with a Set", () => {
    const row = fc.uint8Array({ minLength: 3, maxLength: 3, max: 3 });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), fc.array(row, { maxLength: 20 }), (rows, probes) => {
        const index = rowIndex(platform, 3, rows.length);
        const held = new Map<string, number>();
        for (const r of rows) {
          expect(index.add(r)).toBe(!held.has(toHex(r)));
          if (!held.has(toHex(r))) held.set(toHex(r), held.size);
        }
        for (const probe of probes) expect(index.find(probe)).toBe(held.get(toHex(probe)));
      }),
    );
  });

  test("fills to its capacity and not beyond", () => {
    const index = rowIndex(platform, 4, 3);
    for (const i of [1, 2, 3]) expect(index.add(Uint8Array.of(0, 0, 0, i))).toBe(true);
    expect(() => index.add(Uint8Array.of(0, 0, 0, 4))).toThrow(RangeError);
    expect(index.find(Uint8Array.of(0, 0, 0, 3))).toBe(2);
  });
});
