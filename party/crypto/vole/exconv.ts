/**
 * The expand-convolute code ExConv 21x24 (eprint 2023/882) exactly as libOTe builds it at commit a0871f6
 * (`ExConvCode::dualEncode`, `ExpanderCode::expand`, `ExpanderModd`), with its own seed: systematic, regular expander,
 * two accumulations; over GF(2^128) with its `mulConst` (profile `field`), or binary without it (`planes`).
 *
 * With e = (u, v), u of k rows and v of s = N - k, and c the mixing constant (1 in the binary code):
 *   v[j] = c (v[j] + v[j-25]) + sum over d <= 24 of coefficient(j-d, d) v[j-d]     for j = 0 .. s-1 in order, the rows
 *          of the end reaching round it, twice, with two seeds;
 *   output[i] = u[i] + v[21 taps of i], tap t < 11 in the stratum [t s', (t+1) s'), s' = floor(s / 11), ten anywhere.
 *
 * The tables depend on k and N alone and are kept between chunks and partitions, at the bottom of the kernels' memory.
 */
import type { Region } from "../../wasm/kernels.ts";
import { type CodeBlock, firstBuffer, invertBlock, roundTable, xorBlock } from "./code-generator.ts";
import { ELEMENT_BYTES, EXCONV, type VoleProfile } from "./params.ts";
import type { VoleKernels, VolePlatform } from "./platform.ts";

/** Sources of the expander are taken in regions of 2^14 elements, 256 KiB, which stay in a core's cache. */
const REGION_BITS = 14;
const REGION_ELEMENTS = 2 ** REGION_BITS;
/** As the kernel has it: rows of a block of pairs. */
const BLOCK_ROWS = 256;
const SCRATCH_BYTES = 2048;
const GENERATOR_BYTES = 4096 + 16;
const LEAD_BYTES = 32;
/** Elements at the start that the last rows reach. */
const TAIL_ELEMENTS = EXCONV.accumulatorWeight + 1;

export interface CodeShape {
  /** k, a multiple of 8. */
  readonly rows: number;
  /** N; N - k is a multiple of 4, and at least 52. */
  readonly noise: number;
}

interface Accumulation {
  readonly words: Region;
  readonly tail: Region;
}

interface ExpanderRegion {
  readonly pairs: number;
  readonly counts: number;
}

/** A code whose tables lie in kernel memory. */
export interface LoadedCode extends CodeShape {
  readonly accumulations: readonly Accumulation[];
  readonly regions: readonly ExpanderRegion[];
  readonly constant: Region;
  readonly scratch: Region;
}

/** Nibble tables of v -> v * constant: byte b of (n * constant) at [b][n], of (16 n * constant) at [5 + b][n]. */
function constantTable(constant: number): Uint8Array {
  const table = new Uint8Array(160);
  for (let nibble = 0; nibble < 16; nibble++) {
    let product = 0n;
    for (let bit = 0; bit < 4; bit++) if ((nibble >> bit) & 1) product ^= BigInt(constant) << BigInt(bit);
    for (let byte = 0; byte < 5; byte++) {
      table[byte * 16 + nibble] = Number((product >> BigInt(8 * byte)) & 0xffn);
      table[(5 + byte) * 16 + nibble] = Number(((product << 4n) >> BigInt(8 * byte)) & 0xffn);
    }
  }
  return table;
}

function loadAccumulation(platform: VolePlatform, size: number, seed: CodeBlock): Accumulation {
  const { vole } = platform.kernels;
  const words = vole.allocate(size * 4);
  const tail = vole.allocate(TAIL_ELEMENTS * 4);
  vole.scoped(() => {
    // The kernel reads up to 24 rows before the first, and writes whole vectors of 16 bytes.
    const bytes = LEAD_BYTES + size + 16;
    const vectors = vole.allocate(3 * bytes);
    vectors.bytes().fill(0);
    const [first, second, third] = [0, 1, 2].map((i) => vectors.at + i * bytes + LEAD_BYTES) as [
      number,
      number,
      number,
    ];
    const buffer = vole.place(firstBuffer(platform, seed));
    vole.call.rowCoefficients(first, second, third, size, buffer.at, vole.place(roundTable()).at);
    vole.call.rowWords(words.at, tail.at, first, second, third, size);
  });
  return { words, tail };
}

/** Room for a region's list: what is expected, and eight standard deviations of a Poisson variable. */
function listBytes(from: number, to: number, rows: number, size: number): number {
  const step = Math.floor(size / EXCONV.regularTaps);
  let expected = (EXCONV.uniformTaps * rows * (to - from)) / size;
  for (let tap = 0; tap < EXCONV.regularTaps; tap++)
    expected += (rows * Math.max(0, Math.min(to, (tap + 1) * step) - Math.max(from, tap * step))) / step;
  return 4 * Math.ceil(expected + 8 * Math.sqrt(expected) + 64);
}

function loadExpander(platform: VolePlatform, rows: number, size: number): readonly ExpanderRegion[] {
  const { vole } = platform.kernels;
  const { regularTaps, uniformTaps } = EXCONV;
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  const counts = vole.allocate(Math.ceil(size / REGION_ELEMENTS) * blocks * 4);
  const lists: Region[] = [];
  for (let from = 0; from < size; from += REGION_ELEMENTS)
    lists.push(vole.allocate(listBytes(from, Math.min(from + REGION_ELEMENTS, size), rows, size)));
  vole.scoped(() => {
    const generator = (seed: CodeBlock): number => {
      const placed = vole.allocate(GENERATOR_BYTES);
      const buffer = firstBuffer(platform, seed);
      placed.bytes().set(buffer);
      // Nothing of the first buffer is drawn.
      placed.words()[buffer.length / 4] = buffer.length;
      return placed.at;
    };
    const seed = xorBlock(EXCONV.seed, EXCONV.expanderMask);
    const regular = generator(xorBlock(seed, EXCONV.regularMask));
    const uniform = generator(seed);
    const table = vole.place(roundTable());
    const cursors = vole.allocate(lists.length * 4);
    cursors.words().set(lists.map(({ at }) => at));
    const drawn = vole.allocate(BLOCK_ROWS * regularTaps * 4);
    vole.call.planPairs(
      ...([regular, regularTaps, Math.floor(size / regularTaps), uniform, uniformTaps, size] as const),
      ...([table.at, rows, REGION_BITS, lists.length, cursors.at, counts.at, drawn.at] as const),
    );
    cursors.words().forEach((end, i) => {
      const { at, length } = lists[i] as Region;
      if (end > at + length) throw new RangeError("a list of the expander does not fit");
    });
  });
  return lists.map(({ at }, region) => ({ pairs: at, counts: counts.at + region * blocks * 4 }));
}

interface Resident {
  readonly code: LoadedCode;
  readonly from: number;
  readonly to: number;
}

/** The code at the bottom of each instance's memory. A cache of public tables: it changes no result. */
const residents = new WeakMap<VoleKernels, Resident>();

/** The tables of a code; another one's are given up. No region may be allocated when the shape changes. */
export function loadCode(platform: VolePlatform, { rows, noise }: CodeShape): LoadedCode {
  const { vole } = platform.kernels;
  const resident = residents.get(vole);
  if (resident !== undefined) {
    if (resident.code.rows === rows && resident.code.noise === noise) return resident.code;
    if (vole.mark() !== resident.to) throw new RangeError("code changed while kernel memory is in use");
    // Given up first: should loading the other code fail, nobody may find this one's overwritten tables.
    residents.delete(vole);
    vole.release(resident.from);
  }
  const from = vole.mark();
  const size = noise - rows;
  const code: LoadedCode = {
    rows,
    noise,
    accumulations: [
      loadAccumulation(platform, size, EXCONV.seed),
      loadAccumulation(platform, size, invertBlock(EXCONV.seed)),
    ],
    regions: loadExpander(platform, rows, size),
    constant: vole.place(constantTable(EXCONV.mixingConstant)),
    scratch: vole.allocate(SCRATCH_BYTES),
  };
  residents.set(vole, { code, from, to: vole.mark() });
  return code;
}

/** In place: `vector` holds N elements; its first k become the outputs, the rest is used up. */
export function encode({ kernels }: VolePlatform, code: LoadedCode, vector: Region, profile: VoleProfile): void {
  const { call } = kernels.vole;
  const accumulate = profile === "field" ? call.accumulate : call.accumulateBinary;
  const parity = vector.at + code.rows * ELEMENT_BYTES;
  const size = code.noise - code.rows;
  for (const { words, tail } of code.accumulations)
    accumulate(parity, size, words.at, tail.at, code.constant.at, code.scratch.at);
  const blocks = Math.ceil(code.rows / BLOCK_ROWS);
  code.regions.forEach(({ pairs, counts }, region) => {
    call.expandPairs(vector.at, parity + region * REGION_ELEMENTS * ELEMENT_BYTES, pairs, counts, blocks);
  });
}
