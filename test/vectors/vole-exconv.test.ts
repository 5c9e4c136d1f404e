/**
 * ExConv 21x24 against libOTe at commit a0871f6: SHA-256 of the first k blocks after
 * ExConvCode::dualEncode<block>, config(k, n, 21, 24, true, true, block(12528943721987127, 98743297823479812)), where
 * block i of the input is AES-128 of i (little-endian) under the zero key; `field` with the mulConst of CoeffCtxGF128,
 * `planes` with that of CoeffCtxGF2.
 */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { encode, loadCode } from "../../party/crypto/vole/exconv.ts";
import { plainAes } from "../support/vole-plain.ts";
import { volePlatform } from "../support/vole-run.ts";

const platform = await volePlatform();
const { vole } = platform.kernels;

test.each([
  ["field", 1_024, 2_816, "b80e0375f78766bab1ac70715a9c5053c75d2343f8066e3a96b50bd48242a8e2"],
  ["field", 16_384, 33_792, "b603362c269513beecc4711c708c6b15e3b14bb3c536ff7d8e1341d1d70d3862"],
  ["field", 237_568, 476_160, "a5d4e156b12ccff6da330cc46536354b5834ce64ce4626ff13349bdd46332d58"],
  ["planes", 1_024, 2_816, "1cb7f52b0a2f41cdefa2647ec147bb3d6af404f13323d95fc9cce612cfed4f7c"],
  ["planes", 16_384, 33_792, "5764ec1b32baff6db9056c68457a8ba741d5a12ab7cdd73699efcddf87465a68"],
] as const)("%s, k = %i, n = %i", (profile, rows, noise, expected) => {
  const counters = new Uint8Array(noise * 16);
  const view = new DataView(counters.buffer);
  for (let i = 0; i < noise; i++) view.setUint32(i * 16, i, true);
  const code = loadCode(platform, { rows, noise });
  const digest = vole.scoped(() => {
    const vector = vole.place(plainAes(new Uint8Array(16), counters));
    encode(platform, code, vector, profile);
    return createHash("sha256")
      .update(vector.bytes().subarray(0, rows * 16))
      .digest("hex");
  });
  expect(digest).toBe(expected);
});
