/**
 * The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1) with SHA-256: hashes, tree heads, inclusion and
 * consistency proofs. All hashes are 32 bytes. Sizes and indices are numbers below 2^53.
 */
import { hash as nodeHash } from "node:crypto";
import { equalBytes } from "../encoding/bytes.ts";
import { EntenteError } from "../errors.ts";
import { auditPathSides } from "./audit-path.ts";

export const HASH_BYTES = 32;

/** More than the 63 hashes of a tree of 2^63 leaves is no proof (C2SP tlog-witness). */
export const MAX_PROOF_HASHES = 63;

/** The largest message that a log hashes is a leaf of 65,535 bytes after its prefix. Not shared between threads. */
const message = new Uint8Array(1 + 65_535);

/**
 * SHA-256 of the first `length` bytes of `message` to `out` at `at`. One-shot hashing with a string result is about twice
 * as fast as with a Buffer, and a log is rebuilt from all its entries at each start.
 */
function hashMessage(length: number, out: Uint8Array, at: number): void {
  const text = nodeHash("sha256", message.subarray(0, length), "latin1");
  for (let i = 0; i < HASH_BYTES; i++) out[at + i] = text.charCodeAt(i);
}

function hashLeaf(entry: Uint8Array, out: Uint8Array, at: number): void {
  if (entry.length >= message.length) throw new EntenteError("BAD_REQUEST", { detail: "log entry too large" });
  message[0] = 0;
  message.set(entry, 1);
  hashMessage(1 + entry.length, out, at);
}

/** SHA-256(0x00 || entry). Throws BAD_REQUEST for an entry above 65,535 bytes. */
export function leafHash(entry: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(HASH_BYTES);
  hashLeaf(entry, out, 0);
  return out;
}

/** SHA-256(0x01 || left || right). */
export function innerHash(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  message[0] = 1;
  message.set(left, 1);
  message.set(right, 1 + HASH_BYTES);
  const out = new Uint8Array(HASH_BYTES);
  hashMessage(1 + 2 * HASH_BYTES, out, 0);
  return out;
}

/** The root of the tree without leaves: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(HASH_BYTES);
  hashMessage(0, out, 0);
  return out;
}

// Sizes may pass 2^31, where bit operations would wrap.
const half = (value: number): number => Math.floor(value / 2);
const isOdd = (value: number): boolean => value % 2 === 1;

/** The largest power of two smaller than `size`, for size >= 2 (k of RFC 6962 section 2.1). */
function split(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

function outOfRange(): EntenteError {
  return new EntenteError("BAD_REQUEST", { detail: "tree size or leaf index out of range" });
}

/** Hashes one after another in one buffer: an object for each would take three times the memory. */
class HashRow {
  #bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(expected: number) {
    this.#bytes = new Uint8Array(Math.max(16, expected) * HASH_BYTES);
  }

  /** Room for one more hash; the caller writes it at the place that is returned. */
  push(): { readonly bytes: Uint8Array; readonly at: number } {
    const at = this.length * HASH_BYTES;
    if (at === this.#bytes.length) {
      const larger = new Uint8Array(2 * at);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.length++;
    return { bytes: this.#bytes, at };
  }

  /** A copy. */
  slice(from: number, to: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(from * HASH_BYTES, to * HASH_BYTES);
  }

  /** Until the next `push`. */
  view(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from * HASH_BYTES, to * HASH_BYTES);
  }
}

/** A growing tree that keeps the hash of every complete subtree: 64 bytes a leaf, and each proof in log^2 time. */
export class MerkleTree {
  /** `#levels[h]` holds at `i` the hash of the complete subtree over leaves [i * 2^h, (i + 1) * 2^h). */
  readonly #levels: HashRow[];
  readonly #expectedLeaves: number;

  /** `expectedLeaves`: room is made for so many at once; more may come. */
  constructor(expectedLeaves = 0) {
    this.#expectedLeaves = expectedLeaves;
    this.#levels = [new HashRow(expectedLeaves)];
  }

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  /** `leaf`: a leaf's hash. */
  append(leaf: Uint8Array): void {
    const { bytes, at } = (this.#levels[0] as HashRow).push();
    bytes.set(leaf, at);
    this.#carry();
  }

  /** Appends the leaf of an entry. Throws BAD_REQUEST for one above 65,535 bytes. */
  appendEntry(entry: Uint8Array): void {
    const row = this.#levels[0] as HashRow;
    const { bytes, at } = row.push();
    try {
      hashLeaf(entry, bytes, at);
    } catch (error) {
      row.length--;
      throw error;
    }
    this.#carry();
  }

  /** Hashes what the newest leaf completes. */
  #carry(): void {
    for (let height = 0; (this.#levels[height] as HashRow).length % 2 === 0; height++) {
      const below = this.#levels[height] as HashRow;
      this.#levels[height + 1] ??= new HashRow(Math.floor(this.#expectedLeaves / 2 ** (height + 1)));
      message[0] = 1;
      message.set(below.view(below.length - 2, below.length), 1);
      const { bytes, at } = (this.#levels[height + 1] as HashRow).push();
      hashMessage(1 + 2 * HASH_BYTES, bytes, at);
    }
  }

  /** Forgets all leaves from index `size` on: for an append that could not be made durable. */
  truncate(size: number): void {
    let kept = size;
    for (const level of this.#levels) {
      level.length = Math.min(level.length, kept);
      kept = half(kept);
    }
  }

  /** Hash of the complete subtree of `height` number `index`. Throws BAD_REQUEST when the tree does not hold it. */
  node(height: number, index: number): Uint8Array {
    return this.nodes(height, index, 1);
  }

  /** `count` of them one after another, from `index` on; a copy. Throws BAD_REQUEST when the tree does not hold all. */
  nodes(height: number, index: number, count: number): Uint8Array<ArrayBuffer> {
    const level = this.#levels[height];
    if (level === undefined || !(index >= 0) || index + count > level.length) throw outOfRange();
    return level.slice(index, index + count);
  }

  /** MTH(D[start:end]), where `start` is a multiple of the smallest power of two not below `end - start`. */
  #subtree(start: number, end: number): Uint8Array {
    const width = end - start;
    const height = Math.log2(width);
    if (Number.isInteger(height)) return this.node(height, start / width);
    const middle = start + split(width);
    return innerHash(this.#subtree(start, middle), this.#subtree(middle, end));
  }

  /** The tree head of the first `size` leaves. Throws BAD_REQUEST when the tree is smaller. */
  root(size: number = this.size): Uint8Array {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size) throw outOfRange();
    return size === 0 ? emptyRoot() : this.#subtree(0, size);
  }

  /** PATH(index, D[size]) of RFC 6962 section 2.1.1, leaf to root. Throws BAD_REQUEST unless index < size. */
  inclusionProof(index: number, size: number): Uint8Array[] {
    if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size)) throw outOfRange();
    if (index < 0 || index >= size || size > this.size) throw outOfRange();
    const proof: Uint8Array[] = [];
    for (let start = 0, end = size; end - start > 1; ) {
      const middle = start + split(end - start);
      if (index < middle) {
        proof.push(this.#subtree(middle, end));
        end = middle;
      } else {
        proof.push(this.#subtree(start, middle));
        start = middle;
      }
    }
    return proof.reverse();
  }

  /** PROOF(oldSize, D[size]) of RFC 6962 section 2.1.2; empty when the sizes are equal or `oldSize` is 0.
   * Throws BAD_REQUEST unless 0 <= oldSize <= size. */
  consistencyProof(oldSize: number, size: number): Uint8Array[] {
    if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(size)) throw outOfRange();
    if (oldSize < 0 || oldSize > size || size > this.size) throw outOfRange();
    if (oldSize === 0 || oldSize === size) return [];
    const proof: Uint8Array[] = [];
    let [start, end] = [0, size];
    // Descend until [start, end) is a whole subtree of the old tree's right edge.
    while (end !== oldSize) {
      const middle = start + split(end - start);
      if (oldSize <= middle) {
        proof.push(this.#subtree(middle, end));
        end = middle;
      } else {
        proof.push(this.#subtree(start, middle));
        start = middle;
      }
    }
    // The verifier knows the old root already when the subtree is the whole old tree.
    if (start !== 0) proof.push(this.#subtree(start, end));
    return proof.reverse();
  }
}

/** The tree head over leaf hashes. */
export function rootOf(leaves: Iterable<Uint8Array>): Uint8Array {
  const tree = new MerkleTree();
  for (const leaf of leaves) tree.append(leaf);
  return tree.root();
}

export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leaf: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

function wellFormed(sizes: readonly number[], hashes: readonly Uint8Array[]): boolean {
  return (
    sizes.every((size) => Number.isSafeInteger(size) && size >= 0) && hashes.every((hash) => hash.length === HASH_BYTES)
  );
}

/** RFC 9162 section 2.1.3.2. Never throws: what is malformed is false. */
export function verifyInclusion({ index, size, leaf, root, proof }: InclusionClaim): boolean {
  const sides = auditPathSides({ index, size, length: proof.length });
  if (sides === undefined || !wellFormed([], [leaf, root, ...proof])) return false;
  const top = proof.reduce((hash, sibling, i) => {
    return sides[i] === "left" ? innerHash(sibling, hash) : innerHash(hash, sibling);
  }, leaf);
  return equalBytes(top, root);
}

export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly size: number;
  readonly oldRoot: Uint8Array;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** RFC 9162 section 2.1.4.2, for 0 < oldSize <= size; two equal sizes need equal roots and no proof. From the empty tree
 * there is nothing to prove, and false is the answer. Never throws. */
export function verifyConsistency({ oldSize, size, oldRoot, root, proof }: ConsistencyClaim): boolean {
  if (oldSize === size && oldSize > 0) return proof.length === 0 && equalBytes(oldRoot, root);
  if (!wellFormed([oldSize, size], [oldRoot, root, ...proof])) return false;
  if (oldSize === 0 || oldSize >= size || proof.length === 0) return false;
  const isWholeSubtree = Number.isInteger(Math.log2(oldSize));
  const [first, ...rest] = isWholeSubtree ? [oldRoot, ...proof] : proof;
  let [node, last] = [oldSize - 1, size - 1];
  while (isOdd(node)) [node, last] = [half(node), half(last)];
  let [oldHash, hash] = [first as Uint8Array, first as Uint8Array];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (isOdd(node) || node === last) {
      oldHash = innerHash(sibling, oldHash);
      hash = innerHash(sibling, hash);
      while (!isOdd(node) && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      hash = innerHash(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && equalBytes(oldHash, oldRoot) && equalBytes(hash, root);
}
