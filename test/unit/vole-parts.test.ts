import { describe, expect, test } from "vitest";
import { baseOtSeeds, chooseBaseOts, startBaseOtSender } from "../../party/crypto/vole/base-ot.ts";
import { unpackBits } from "../../party/crypto/vole/bits.ts";
import { publicKey, type VoleScope } from "../../party/crypto/vole/derive.ts";
import { noisyReceiver, noisySender } from "../../party/crypto/vole/noisy-vole.ts";
import {
  extendChoices,
  extendedPads,
  extensionReceiver,
  extensionSender,
} from "../../party/crypto/vole/ot-extension.ts";
import { NOISE_WEIGHT, voleShape } from "../../party/crypto/vole/params.ts";
import { expandTrees, levelWidth, punctureTrees, treeChoices } from "../../party/crypto/vole/pprf.ts";
import { uniformBelow } from "../../party/crypto/vole/uniform.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { blocksOf, plainAes, plainMultiply, toInteger, xorBytes } from "../support/vole-plain.ts";
import { testScope, volePlatform } from "../support/vole-run.ts";

const platform = await volePlatform();
const { vole } = platform.kernels;

const block = (bytes: Uint8Array, at: number) => bytes.subarray(at * 16, at * 16 + 16);
const code = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return error instanceof EntenteError ? error.code : String(error);
  }
  return "no error";
};

/** Both seeds of each OT and those that random choices chose: OTs as a dealer would give them. */
function dealtSeeds() {
  const both = platform.random(128 * 32);
  const choicesSecret = platform.random(16);
  const chosen = new Uint8Array(128 * 16);
  unpackBits(choicesSecret).forEach((bit, j) => {
    chosen.set(block(both, 2 * j + bit), j * 16);
  });
  return { both, choicesSecret, chosen };
}

describe("base OTs", () => {
  const choices = Uint8Array.of(0, 1, 1, 0, 1, 0, 0, 1);
  const run = (receiverScope: VoleScope) => {
    const sender = startBaseOtSender(platform);
    const chosen = chooseBaseOts(platform, receiverScope, sender.s, choices);
    return { ...chosen, both: baseOtSeeds(platform, testScope, sender, chosen.message) };
  };
  test("the chosen seed is the one of the choice; the other differs; no two are equal", () => {
    const { seedsSecret, both } = run(testScope);
    choices.forEach((choice, i) => {
      expect(toHex(block(seedsSecret, i))).toBe(toHex(block(both, 2 * i + choice)));
    });
    const all = Array.from({ length: 2 * choices.length }, (_, i) => toHex(block(both, i)));
    expect(new Set(all).size).toBe(all.length);
  });
  test.each([
    ["session", { sessionId: new Uint8Array(32), partition: testScope.partition }],
    ["partition", { sessionId: testScope.sessionId, partition: 4 }],
  ])("seeds of another %s have nothing in common", (_, scope) => {
    const { seedsSecret, both } = run(scope);
    const all = Array.from({ length: 2 * choices.length }, (_, i) => toHex(block(both, i)));
    for (let i = 0; i < choices.length; i++) expect(all).not.toContain(toHex(block(seedsSecret, i)));
  });
  test("the identity and what is not canonical are POINT_INVALID at both ends", () => {
    const sender = startBaseOtSender(platform);
    const { message } = chooseBaseOts(platform, testScope, sender.s, choices);
    for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(0xff)]) {
      expect(code(() => chooseBaseOts(platform, testScope, bad, choices))).toBe("POINT_INVALID");
      const changed = message.slice();
      changed.set(bad, 3 * 32);
      expect(code(() => baseOtSeeds(platform, testScope, sender, changed))).toBe("POINT_INVALID");
    }
    // R = S would make the second key that of the identity.
    const same = message.slice();
    same.set(sender.s, 0);
    expect(code(() => baseOtSeeds(platform, testScope, sender, same))).toBe("POINT_INVALID");
  });
});

describe("OT extension", () => {
  test("pads match the choices, chunk after chunk, and the other pad is another", () => {
    const dealt = dealtSeeds();
    const receiver = extensionReceiver(platform, dealt.both);
    const sender = extensionSender(platform, dealt.choicesSecret, dealt.chosen);
    const seen = new Set<string>();
    for (const chunk of [0, 1]) {
      const choices = platform.random(12);
      const { message, padsSecret } = extendChoices(platform, testScope, receiver, choices, chunk);
      const pads = extendedPads(platform, testScope, sender, message, chunk);
      unpackBits(choices).forEach((bit, i) => {
        expect(toHex(block(padsSecret, i))).toBe(toHex(block(pads, 2 * i + bit)));
        expect(toHex(block(padsSecret, i))).not.toBe(toHex(block(pads, 2 * i + 1 - bit)));
      });
      for (let i = 0; i < 192; i++) seen.add(toHex(block(pads, i)));
    }
    expect(seen.size).toBe(2 * 192);
  });
  test("H is p(p(x) + i) + p(x) of t_i: choices of zero leave the first stream's bits as rows", () => {
    const dealt = dealtSeeds();
    const receiver = extensionReceiver(platform, dealt.both);
    const { padsSecret } = extendChoices(platform, testScope, receiver, new Uint8Array(4), 7);
    const rows = new Uint8Array(32 * 16);
    for (let j = 0; j < 128; j++) {
      const column = new Uint8Array(4);
      platform.bulkAes.ctrStream(block(dealt.both, 2 * j))(column);
      unpackBits(column).forEach((bit, i) => {
        const at = i * 16 + (j >> 3);
        rows[at] = (rows[at] as number) | (bit << (j & 7));
      });
    }
    const key = publicKey(platform, testScope, "ot hash", 7);
    for (let i = 0; i < 32; i++) {
      const once = plainAes(key, block(rows, i));
      const tweaked = once.slice();
      tweaked[0] = (tweaked[0] as number) ^ i;
      expect(toHex(block(padsSecret, i))).toBe(toHex(xorBytes(plainAes(key, tweaked), once)));
    }
  });
});

test("noisy VOLE: b = c + Delta * y", () => {
  const { both, choicesSecret: delta, chosen } = dealtSeeds();
  const values = platform.random(NOISE_WEIGHT * 16);
  const { message, shareSecret } = noisyReceiver(platform, both, values);
  const b = blocksOf(noisySender(platform, chosen, delta, message));
  const c = blocksOf(shareSecret);
  const expected = blocksOf(values).map((y, i) => (c[i] as bigint) ^ plainMultiply(y, toInteger(delta)));
  expect(b).toEqual(expected);
});

describe("punctured PRF", () => {
  /** The leaves of one tree, node by node. */
  const plainLeaves = (root: Uint8Array, keys: readonly Uint8Array[], shape: { domain: number; depth: number }) => {
    let level = [root];
    for (let d = 1; d <= shape.depth; d++)
      level = level
        .flatMap((node) => keys.map((key) => xorBytes(plainAes(key, node), node)))
        .slice(0, levelWidth(shape, d));
    return level;
  };
  test.each([
    [44, 6],
    [64, 6],
    [2, 1],
    [6, 3],
    [34, 6],
  ])("domain %i, depth %i: direct expansion, and all but the points from the chosen sums", (domain, depth) => {
    const roots = platform.random(NOISE_WEIGHT * 16);
    const fixed = { ...platform, random: () => roots.slice() };
    const trees = { scope: testScope, chunk: 2, shape: { domain, depth } };
    vole.scoped(() => {
      const leaves = vole.allocate(NOISE_WEIGHT * domain * 16);
      const { sumsSecret, leafSumsSecret } = expandTrees(fixed, trees, leaves);
      const full = leaves.copy();
      const keys = ["ggm left", "ggm right"].map((use) => publicKey(platform, testScope, use, 2));
      for (const tree of [0, 47, 48, NOISE_WEIGHT - 1])
        plainLeaves(block(roots, tree), keys, trees.shape).forEach((leaf, i) => {
          expect(toHex(block(full, tree * domain + i))).toBe(toHex(leaf));
        });

      const pointsSecret = uniformBelow(platform, domain, NOISE_WEIGHT);
      pointsSecret.set([0, domain - 1]);
      const choices = unpackBits(treeChoices(trees.shape, pointsSecret));
      const offeredSecret = new Uint8Array(choices.length * 16);
      choices.forEach((choice, ot) => {
        offeredSecret.set(block(sumsSecret, 2 * ot + choice), ot * 16);
      });
      const sums = punctureTrees(platform, trees, { pointsSecret, offeredSecret, leaves });
      const punctured = leaves.copy();
      pointsSecret.forEach((point, tree) => {
        const secret = block(full, tree * domain + point);
        expect(toHex(xorBytes(block(sums, tree), block(leafSumsSecret, tree)))).toBe(toHex(secret));
        full.fill(0, (tree * domain + point) * 16, (tree * domain + point + 1) * 16);
      });
      expect(Buffer.compare(punctured, full)).toBe(0);
    });
  });
});

describe("shapes", () => {
  test.each([1, 2, 10, 999, 2 ** 14, 2 ** 18, 2 ** 18 + 1, 1_419_000, 2 ** 22, 2 ** 27])("%i outputs", (outputs) => {
    const shape = voleShape({ outputs, profile: "field" });
    expect(shape.rows).toBeGreaterThanOrEqual(2 ** 14);
    expect(shape.rows).toBeLessThanOrEqual(2 ** 18);
    expect(shape.rows).toBeGreaterThanOrEqual(shape.chunkOutputs + (shape.chunks > 1 ? NOISE_WEIGHT : 0));
    expect(shape.chunks * shape.chunkOutputs).toBeGreaterThanOrEqual(outputs);
    expect((shape.chunks - 1) * shape.chunkOutputs).toBeLessThan(outputs);
    expect(shape.noise).toBeGreaterThanOrEqual(2 * shape.rows);
    expect([shape.noise % NOISE_WEIGHT, shape.domain % 2, shape.ots % 32, shape.rows % 8]).toEqual([0, 0, 0, 0]);
    expect((shape.noise - shape.rows) % 4).toBe(0);
    expect(2 ** shape.depth).toBeGreaterThanOrEqual(shape.domain);
    expect(2 ** (shape.depth - 1)).toBeLessThan(shape.domain);
  });
  test.each([0, -1, 1.5, Number.NaN, 2 ** 27 + 1])("%d outputs are refused", (outputs) => {
    expect(code(() => voleShape({ outputs, profile: "field" }))).toBe("BAD_REQUEST");
  });
});

test.each([
  ["field", 15],
  ["field", 17],
  ["planes", 7],
  ["planes", 17],
  ["planes", 9.5],
] as const)("%s has no values of %d bytes", (profile, valueBytes) => {
  expect(code(() => voleShape({ outputs: 10, profile, valueBytes }))).toBe("BAD_REQUEST");
});

test("uniformBelow draws again what would favour a residue", () => {
  const words = [0xffff_ffff, 0xffff_fffe, 5, 0xffff_fffd, 7];
  const random = (length: number) => {
    const out = new Uint8Array(length);
    const view = new DataView(out.buffer);
    for (let at = 0; at < length; at += 4) view.setUint32(at, words.shift() as number, true);
    return out;
  };
  // 2^32 = 4 modulo 6: the last four words are drawn again.
  expect([...uniformBelow({ ...platform, random }, 6, 2)]).toEqual([5, 1]);
});
