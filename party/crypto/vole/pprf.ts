/**
 * Puncturable pseudorandom functions after Goldreich, Goldwasser and Micali, many trees at once. The children of a node
 * v are p0(v) + v and p1(v) + v, where p0 and p1 are AES-128 under two public keys of this session, partition and chunk
 * (a fixed-key generator as in Guo, Katz, Wang, Yu, eprint 2019/074; transferring a punctured key by one OT per level
 * is from eprint 2019/1159, figure 13).
 *
 * Level d = 1 .. depth of a tree has ceil(domain / 2^(depth-d)) nodes. Per level the sender offers the sum of all left
 * and of all right children; the receiver takes, by OT, the sum of the side that its point is not on, and with it the
 * sibling of its path's node.
 */
import type { Region } from "../../wasm/kernels.ts";
import type { BlockCipher } from "../bulk.ts";
import { wordsOf } from "./bits.ts";
import { publicKey, type VoleScope } from "./derive.ts";
import { ELEMENT_BYTES, NOISE_WEIGHT, SEED_BYTES } from "./params.ts";
import type { VolePlatform } from "./platform.ts";

export interface TreeShape {
  readonly domain: number;
  readonly depth: number;
}

/** Trees that grow together: their two widest levels stay in the cache. */
const BATCH_TREES = 48;
/** Parents under the ciphers at once. */
const PIECE_BYTES = 65_536;
const WORDS = SEED_BYTES / 4;

/** Nodes of level d. */
export function levelWidth({ domain, depth }: TreeShape, level: number): number {
  return Math.ceil(domain / 2 ** (depth - level));
}

/** One level of one batch, as it has just been made. */
interface GrownLevel {
  readonly level: number;
  readonly width: number;
  /** First tree of the batch. */
  readonly tree: number;
  readonly trees: number;
  /** [tree][node] blocks, as words. */
  readonly children: Uint32Array;
  /** [tree][side] blocks: sums of the children on that side. */
  readonly sums: Uint32Array;
}

/**
 * Grows all trees from `roots` into `leaves` ([tree][leaf] blocks) and shows each level to `visit`, which may change
 * the children before they grow on.
 */
function growTrees(
  platform: VolePlatform,
  ciphers: readonly [BlockCipher, BlockCipher],
  input: { readonly shape: TreeShape; readonly roots: Uint8Array; readonly leaves: Region },
  visit: (grown: GrownLevel) => void,
): void {
  const { vole } = platform.kernels;
  const { shape, roots, leaves } = input;
  vole.scoped(() => {
    const widest = BATCH_TREES * levelWidth(shape, shape.depth - 1) * SEED_BYTES;
    let spare = vole.allocate(widest);
    let parents = vole.allocate(widest);
    const sums = vole.allocate(BATCH_TREES * 2 * SEED_BYTES);
    const even = vole.allocate(PIECE_BYTES);
    const odd = vole.allocate(PIECE_BYTES);
    for (let tree = 0; tree < NOISE_WEIGHT; tree += BATCH_TREES) {
      const trees = Math.min(BATCH_TREES, NOISE_WEIGHT - tree);
      parents.bytes().set(roots.subarray(tree * SEED_BYTES, (tree + trees) * SEED_BYTES));
      for (let level = 1; level <= shape.depth; level++) {
        const width = levelWidth(shape, level - 1);
        const childWidth = levelWidth(shape, level);
        const childrenAt = level === shape.depth ? leaves.at + tree * shape.domain * ELEMENT_BYTES : spare.at;
        const pieceTrees = Math.max(1, Math.floor(PIECE_BYTES / SEED_BYTES / width));
        for (let from = 0; from < trees; from += pieceTrees) {
          const count = Math.min(pieceTrees, trees - from);
          const offset = from * width * SEED_BYTES;
          const length = count * width * SEED_BYTES;
          const piece = parents.bytes().subarray(offset, offset + length);
          ciphers[0](piece, even.bytes().subarray(0, length));
          ciphers[1](piece, odd.bytes().subarray(0, length));
          vole.call.ggmLevel(
            ...([childrenAt + from * childWidth * SEED_BYTES, sums.at + from * 2 * SEED_BYTES] as const),
            ...([parents.at + offset, even.at, odd.at, count, width, childWidth] as const),
          );
        }
        const made = vole.view(childrenAt, trees * childWidth * SEED_BYTES);
        visit({ level, width: childWidth, tree, trees, children: wordsOf(made), sums: sums.words() });
        [spare, parents] = [parents, spare];
      }
    }
  });
}

function treeCiphers(platform: VolePlatform, scope: VoleScope, chunk: number): [BlockCipher, BlockCipher] {
  return [
    platform.bulkAes.blockCipher(publicKey(platform, scope, "ggm left", chunk)),
    platform.bulkAes.blockCipher(publicKey(platform, scope, "ggm right", chunk)),
  ];
}

/** What identifies a chunk's trees. */
export interface TreesOf {
  readonly scope: VoleScope;
  readonly chunk: number;
  readonly shape: TreeShape;
}

/**
 * The sender: fills `leaves` from fresh roots. Returns the sums to be offered, [level][tree][side] blocks, and of each
 * tree the sum of all its leaves.
 */
export function expandTrees(
  platform: VolePlatform,
  { scope, chunk, shape }: TreesOf,
  leaves: Region,
): { readonly sumsSecret: Uint8Array; readonly leafSumsSecret: Uint8Array } {
  const roots = platform.random(NOISE_WEIGHT * SEED_BYTES);
  const sums = new Uint32Array(shape.depth * NOISE_WEIGHT * 2 * WORDS);
  const leafSums = new Uint32Array(NOISE_WEIGHT * WORDS);
  growTrees(platform, treeCiphers(platform, scope, chunk), { shape, roots, leaves }, (grown) => {
    const { level, tree, trees } = grown;
    const own = grown.sums.subarray(0, trees * 2 * WORDS);
    sums.set(own, ((level - 1) * NOISE_WEIGHT + tree) * 2 * WORDS);
    if (level === shape.depth)
      for (let i = 0; i < trees * WORDS; i++) {
        const at = (i >> 2) * 2 * WORDS + (i & 3);
        leafSums[tree * WORDS + i] = (own[at] as number) ^ (own[at + WORDS] as number);
      }
  });
  roots.fill(0);
  return { sumsSecret: new Uint8Array(sums.buffer), leafSumsSecret: new Uint8Array(leafSums.buffer) };
}

/** The choice of each OT, [level][tree] bits: the side that the path's node is not on. */
export function treeChoices({ depth }: TreeShape, pointsSecret: Uint32Array): Uint8Array {
  const choices = new Uint8Array((depth * NOISE_WEIGHT) / 8);
  for (let level = 1; level <= depth; level++)
    for (let tree = 0; tree < NOISE_WEIGHT; tree++) {
      const at = (level - 1) * NOISE_WEIGHT + tree;
      const side = ~((pointsSecret[tree] as number) >>> (depth - level)) & 1;
      choices[at >> 3] = (choices[at >> 3] as number) | (side << (at & 7));
    }
  return choices;
}

/**
 * The receiver: fills `leaves` but for each tree's point, which is left zero. `offeredSecret`: [level][tree] blocks, the
 * sums that the choices chose. Returns of each tree the sum of all leaves but the point's.
 */
export function punctureTrees(
  platform: VolePlatform,
  { scope, chunk, shape }: TreesOf,
  input: { readonly pointsSecret: Uint32Array; readonly offeredSecret: Uint8Array; readonly leaves: Region },
): Uint8Array {
  const { pointsSecret, leaves } = input;
  const offered = wordsOf(input.offeredSecret);
  const leafSums = new Uint32Array(NOISE_WEIGHT * WORDS);
  const roots = new Uint8Array(NOISE_WEIGHT * SEED_BYTES);
  growTrees(platform, treeCiphers(platform, scope, chunk), { shape, roots, leaves }, (grown) => {
    const { level, width, tree, trees, children, sums } = grown;
    for (let i = 0; i < trees; i++) {
      const node = (pointsSecret[tree + i] as number) >>> (shape.depth - level);
      const sibling = node ^ 1;
      const nodeAt = (i * width + node) * WORDS;
      const siblingAt = (i * width + sibling) * WORDS;
      const sumAt = (2 * i + (sibling & 1)) * WORDS;
      const otherAt = (2 * i + (node & 1)) * WORDS;
      const offeredAt = ((level - 1) * NOISE_WEIGHT + tree + i) * WORDS;
      for (let w = 0; w < WORDS; w++) {
        // Both children of the path's node were made of nothing: the sums are taken without them.
        const made = sibling < width ? (children[siblingAt + w] as number) : 0;
        const known = (offered[offeredAt + w] as number) ^ (sums[sumAt + w] as number) ^ made;
        const rest = (sums[otherAt + w] as number) ^ (children[nodeAt + w] as number);
        if (sibling < width) children[siblingAt + w] = known;
        children[nodeAt + w] = 0;
        if (level === shape.depth) leafSums[(tree + i) * WORDS + w] = rest ^ (offered[offeredAt + w] as number);
      }
    }
  });
  return new Uint8Array(leafSums.buffer);
}
