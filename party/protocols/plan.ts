/**
 * Sizes of a job: what each side may learn of the other's list, and how the work is cut into partitions. Both nodes
 * compute the plan from the two size classes and compare its digest in the session's handshake.
 */
import { canonicalJson } from "../../proto/encoding/canonical-json.ts";
import { domainHash } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { classRows } from "../../proto/size-class.ts";

/** Rows of a partition: the memory of a worker bounds the first, the blocks of the encrypted model the second. */
export const MAX_AUDIENCE_ROWS = 2 ** 22;
export const MAX_SCORE_ROWS = 2 ** 18;
/** A block of trees has a sixteenth of the rows, and their columns come as doubles. */
export const MAX_TREE_ROWS = 2 ** 16;
/** Also the allowance for partitions in the protocols' statistical budgets (see psi-dh/params.ts). */
export const MAX_PARTITIONS = 2 ** 10;
/** Each side's overflow over all partitions; 2^-41 for both, once per job: all attempts share the partition key. */
const OVERFLOW_BITS_PER_SIDE = 42;
/** Values of the 32 bits of the id hash that choose the partition. */
const RANGE = 2 ** 32;
const ID_HASH_BYTES = 16;

/** Bits of a statistical budget that a number of cases takes; exact, as the plan and parameters must be equal everywhere. */
export function ceilLog2(n: number): number {
  let bits = 0;
  while (2 ** bits < n) bits++;
  return bits;
}

/**
 * Which partition the `index`th of many keyed 16-byte id hashes falls in: its first 32 bits, big-endian, are in the range
 * [p / partitions, (p + 1) / partitions) of all. Called for each row, so it makes no object.
 */
export function partitionOf(idHashes: Uint8Array, index: number, partitions: number): number {
  const at = index * ID_HASH_BYTES;
  const low = ((idHashes[at + 1] as number) << 16) | ((idHashes[at + 2] as number) << 8) | (idHashes[at + 3] as number);
  return Math.floor((((idHashes[at] as number) * 2 ** 24 + low) * partitions) / RANGE);
}

/**
 * Upper bound of ln Pr[X >= rows] for X ~ Binomial(n, p), rows > n p: -n D(rows/n || p), D the relative entropy
 * (Chernoff 1952; Hoeffding 1963, theorem 1).
 */
export function logTailBound(n: number, p: number, rows: number): number {
  if (rows > n) return Number.NEGATIVE_INFINITY;
  const a = rows / n;
  if (a <= p) return 0;
  const rest = a === 1 ? 0 : (1 - a) * (Math.log1p(-a) - Math.log1p(-p));
  return -n * (a * Math.log(a / p) + rest);
}

/** The smallest capacity that one of the partitions exceeds with probability at most 2^-42, by the union bound. */
function capacityOf(n: number, partitions: number): number {
  if (partitions === 1) return n;
  // A hash range is a whole number of 32-bit values, so its share may be 2^-32 above 1 / partitions.
  const p = 1 / partitions + 1 / RANGE;
  const target = -(OVERFLOW_BITS_PER_SIDE * Math.LN2 + Math.log(partitions));
  let low = Math.floor(n * p);
  let high = n;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (logTailBound(n, p, middle + 1) <= target) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface PlanInput {
  readonly receiverClass: number;
  readonly senderClass: number;
  /** MAX_AUDIENCE_ROWS, MAX_SCORE_ROWS or MAX_TREE_ROWS; a power of two is not needed. */
  readonly maxRows: number;
}

export interface PartitionPlan {
  readonly partitions: number;
  /** Rows of each side in every partition, after padding. */
  readonly receiverCapacity: number;
  readonly senderCapacity: number;
}

/** The fewest partitions whose capacities are within `maxRows`. Throws BAD_REQUEST when more than 1024 are needed. */
export function partitionPlan({ receiverClass, senderClass, maxRows }: PlanInput): PartitionPlan {
  const receiverRows = classRows(receiverClass);
  const senderRows = classRows(senderClass);
  for (
    let partitions = Math.ceil(Math.max(receiverRows, senderRows) / maxRows);
    partitions <= MAX_PARTITIONS;
    partitions++
  ) {
    const receiverCapacity = capacityOf(receiverRows, partitions);
    const senderCapacity = capacityOf(senderRows, partitions);
    if (Math.max(receiverCapacity, senderCapacity) <= maxRows) return { partitions, receiverCapacity, senderCapacity };
  }
  throw new EntenteError("BAD_REQUEST", { detail: "the lists are too large for one job" });
}

/** 32 bytes, compared in the handshake: equal only if both nodes cut the work alike. */
export function planDigest(input: PlanInput, plan: PartitionPlan): Uint8Array {
  return domainHash("entente partition plan/1", canonicalJson({ ...input, ...plan }));
}
