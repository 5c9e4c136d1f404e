/**
 * Sizes of a job: what each side may learn of the other's list, and how the work is cut into partitions. Both nodes
 * compute the plan from the two size classes and compare its digest in the session's handshake.
 */
import { canonicalJson } from "../../proto/encoding/canonical-json.ts";
import { domainHash } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";

/** Classes are 2^(k/8) rows: padding adds at most 2^(1/8) - 1 = 9.1 %. From 2^10, so that a small list is not told. */
export const MIN_SIZE_CLASS = 80;
export const MAX_SIZE_CLASS = 256;
/** Rows of a partition: the memory of a worker bounds the first, the blocks of the encrypted model the second. */
export const MAX_AUDIENCE_ROWS = 2 ** 22;
export const MAX_SCORE_ROWS = 2 ** 18;
/** Also the allowance for partitions in the protocols' statistical budgets (see psi-dh/params.ts). */
export const MAX_PARTITIONS = 2 ** 10;
/** Each side's overflow over all partitions; 2^-41 for both, once per job: all attempts share the partition key. */
const OVERFLOW_BITS_PER_SIDE = 42;
/** Values of the 32 bits of the id hash that choose the partition. */
const RANGE = 2 ** 32;
const ID_HASH_BYTES = 16;

/** 2^(r/8), r = 0..7, as constants: the plan must not depend on how an engine rounds a power. */
const EIGHTHS = [
  1,
  1.0905077326652577,
  1.189207115002721,
  1.2968395546510096,
  Math.SQRT2,
  1.5422108254079407,
  1.681792830507429,
  1.8340080864093424,
] as const;

/** Bits of a statistical budget that a number of cases takes; exact, as the plan and parameters must be equal everywhere. */
export function ceilLog2(n: number): number {
  let bits = 0;
  while (2 ** bits < n) bits++;
  return bits;
}

/** ceil(2^(k/8)). Throws BAD_REQUEST outside MIN_SIZE_CLASS..MAX_SIZE_CLASS. */
export function classRows(sizeClass: number): number {
  if (!Number.isInteger(sizeClass) || sizeClass < MIN_SIZE_CLASS || sizeClass > MAX_SIZE_CLASS)
    throw new EntenteError("BAD_REQUEST", { detail: "size class" });
  return Math.ceil(2 ** Math.floor(sizeClass / 8) * (EIGHTHS[sizeClass % 8] as number));
}

/** The smallest class that holds `rows`. Throws BAD_REQUEST when none does. */
export function sizeClassOf(rows: number): number {
  let low = MIN_SIZE_CLASS;
  let high = MAX_SIZE_CLASS;
  if (!Number.isInteger(rows) || rows < 0 || rows > classRows(high))
    throw new EntenteError("BAD_REQUEST", { detail: "number of rows" });
  while (low < high) {
    const middle = (low + high) >> 1;
    if (classRows(middle) >= rows) high = middle;
    else low = middle + 1;
  }
  return low;
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
  /** MAX_AUDIENCE_ROWS or MAX_SCORE_ROWS; a power of two is not needed. */
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
