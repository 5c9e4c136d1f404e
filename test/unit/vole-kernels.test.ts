import { describe, expect, test } from "vitest";
import { roundTable } from "../../party/crypto/vole/code-generator.ts";
import { encode, loadCode } from "../../party/crypto/vole/exconv.ts";
import { fromHex, toHex } from "../../proto/encoding/bytes.ts";
import {
  blocksOf,
  plainBuffers,
  plainEncode,
  plainMultiply,
  plainRound,
  toBlock,
  toInteger,
  xorBytes,
} from "../support/vole-plain.ts";
import { volePlatform } from "../support/vole-run.ts";

const platform = await volePlatform();
const { vole } = platform.kernels;

/** values[i] * key by the kernel. */
function multiply(key: bigint, values: readonly bigint[]): bigint[] {
  return vole.scoped(() => {
    const table = vole.allocate(8192);
    vole.call.gfTable(table.at, vole.place(toBlock(key)).at);
    const vector = vole.place(Uint8Array.from(values.flatMap((value) => [...toBlock(value)])));
    vole.call.gfMultiplyBy(vector.at, vector.at, table.at, values.length);
    return blocksOf(vector.copy());
  });
}

describe("gfMultiplyBy", () => {
  const top = (1n << 128n) - 1n;
  test.each([0n, 1n, 2n, 0x87n, 1n << 127n, top])("edge key %x against integers", (key) => {
    const values = [0n, 1n, 2n, 1n << 63n, 1n << 64n, 1n << 127n, top];
    expect(multiply(key, values)).toEqual(values.map((value) => plainMultiply(value, key)));
  });
  test("random values against integers", () => {
    const key = toInteger(platform.random(16));
    const values = blocksOf(platform.random(16 * 50));
    expect(multiply(key, values)).toEqual(values.map((value) => plainMultiply(value, key)));
  });
  test("the polynomial: x^127 * x = x^7 + x^2 + x + 1", () => {
    expect(multiply(2n, [1n << 127n])).toEqual([0x87n]);
  });
});

describe("transpose128", () => {
  test.each([1, 2, 3, 16, 61])("%i row bytes against bits", (rowBytes) => {
    const columns = platform.random(128 * rowBytes);
    const rows = vole.scoped(() => {
      const out = vole.allocate(rowBytes * 128);
      vole.call.transpose128(out.at, vole.place(columns).at, rowBytes);
      return out.copy();
    });
    const expected = new Uint8Array(rowBytes * 128);
    for (let column = 0; column < 128; column++)
      for (let row = 0; row < rowBytes * 8; row++) {
        const bit = ((columns[column * rowBytes + (row >> 3)] as number) >> (row & 7)) & 1;
        const at = row * 16 + (column >> 3);
        expected[at] = (expected[at] as number) | (bit << (column & 7));
      }
    expect(toHex(rows)).toBe(toHex(expected));
  });
});

describe("aesRounds", () => {
  const refill = (buffer: Uint8Array) =>
    vole.scoped(() => {
      const placed = vole.place(buffer);
      vole.call.aesRounds(placed.at, vole.place(roundTable()).at);
      return placed.copy();
    });
  test("the first round of FIPS 197 appendix B", () => {
    const buffer = new Uint8Array(4096);
    buffer.set(fromHex("193de3bea0f4e22b9ac68d2ae9f84808"), 0);
    buffer.set(fromHex("a0fafe1788542cb123a339392a6c7605"), 248 * 16);
    expect(toHex(refill(buffer).subarray(0, 16))).toBe("a49c7ff2689f352b6b5bea43026a5049");
    expect(toHex(plainRound(buffer.subarray(0, 16), buffer.subarray(248 * 16, 249 * 16)))).toBe(
      "a49c7ff2689f352b6b5bea43026a5049",
    );
  });
  test("a refill against the plain generator", () => {
    const plain = plainBuffers(0x1234n);
    const buffer = plain.first().slice();
    expect(toHex(refill(buffer))).toBe(toHex(plain.next()));
  });
});

describe("ggmLevel", () => {
  test.each([
    [3, 5, 10],
    [3, 5, 9],
    [2, 1, 2],
    [1, 1, 1],
  ])("%i trees, %i parents, %i children against bytes", (trees, width, childWidth) => {
    const [parents, even, odd] = [0, 1, 2].map(() => platform.random(trees * width * 16)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const [children, sums] = vole.scoped(() => {
      const made = vole.allocate(trees * childWidth * 16);
      const sum = vole.allocate(trees * 32);
      const placed = [parents, even, odd].map((bytes) => vole.place(bytes).at) as [number, number, number];
      vole.call.ggmLevel(made.at, sum.at, ...placed, trees, width, childWidth);
      return [blocksOf(made.copy()), blocksOf(sum.copy())] as const;
    });
    const left = blocksOf(xorBytes(parents, even));
    const right = blocksOf(xorBytes(parents, odd));
    for (let tree = 0; tree < trees; tree++) {
      const all = left
        .slice(tree * width, (tree + 1) * width)
        .flatMap((node, i) => [node, right[tree * width + i] as bigint])
        .slice(0, childWidth);
      expect(children.slice(tree * childWidth, (tree + 1) * childWidth)).toEqual(all);
      const sum = (side: number) => all.filter((_, i) => i % 2 === side).reduce((a, b) => a ^ b, 0n);
      expect(sums.slice(tree * 2, tree * 2 + 2)).toEqual([sum(0), sum(1)]);
    }
  });
});

describe.each(["field", "planes"] as const)("encode in profile %s", (profile) => {
  const byKernels = (noise: Uint8Array, rows: number) => {
    const code = loadCode(platform, { rows, noise: noise.length / 16 });
    return vole.scoped(() => {
      const vector = vole.place(noise);
      encode(platform, code, vector, profile);
      return blocksOf(vector.copy()).slice(0, rows);
    });
  };
  test("against the dense matrix", () => {
    const [rows, noise] = [32, 96];
    // Column i of the matrix is the plain encoding of the i-th unit vector.
    const columns = Array.from({ length: noise }, (_, i) =>
      plainEncode(
        Array.from({ length: noise }, (_, j) => (i === j ? 1n : 0n)),
        rows,
        profile,
      ),
    );
    const vector = platform.random(noise * 16);
    const values = blocksOf(vector);
    const expected = Array.from({ length: rows }, (_, row) =>
      columns.reduce((sum, column, i) => sum ^ plainMultiply(column[row] as bigint, values[i] as bigint), 0n),
    );
    expect(byKernels(vector, rows)).toEqual(expected);
  });
  // 4,100 coefficients and 512 values fill more than one buffer of the generator; 300 rows more than one block.
  test.each([
    [8, 60],
    [304, 304 + 308],
    [64, 64 + 4100],
  ])("%i rows of %i against the plain code", (rows, noise) => {
    const vector = platform.random(noise * 16);
    expect(byKernels(vector, rows)).toEqual(plainEncode(blocksOf(vector), rows, profile));
  });
  test("a code is kept until another is asked for, and not changed under somebody's feet", () => {
    const code = loadCode(platform, { rows: 64, noise: 192 });
    expect(loadCode(platform, { rows: 64, noise: 192 })).toBe(code);
    vole.scoped(() => {
      vole.allocate(16);
      expect(() => loadCode(platform, { rows: 72, noise: 192 })).toThrow(RangeError);
    });
    expect(loadCode(platform, { rows: 72, noise: 192 }).rows).toBe(72);
  });
});

describe("kernel memory", () => {
  test("regions survive growth, and are zeroed when given back", () => {
    const mark = vole.mark();
    const region = vole.place(Uint8Array.of(1, 2, 3));
    const stale = region.bytes();
    vole.allocate(vole.size());
    expect(stale.length).toBe(0);
    expect([...region.bytes()]).toEqual([1, 2, 3]);
    vole.release(mark);
    expect([...vole.allocate(3).bytes()]).toEqual([0, 0, 0]);
    vole.release(mark);
  });
  test("what a scope allocated is given back when it throws", () => {
    const mark = vole.mark();
    expect(() =>
      vole.scoped(() => {
        vole.allocate(100);
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(vole.mark()).toBe(mark);
  });
});
