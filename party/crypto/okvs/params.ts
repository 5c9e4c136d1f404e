/**
 * The key-value store's parameters, with their sources, and the sizes that follow. RR22 is Raghuraman-Rindal, "Blazing
 * Fast PSI from Improved OKVS and Subfield VOLE" (CCS 2022, eprint 2022/320).
 */
import { EntenteError } from "../../../proto/errors.ts";
import { logTailBound } from "../../protocols/plan.ts";

/** Rows of a bin on average (RR22 section 2.1: about 2^14): its slots and counters stay in a core's cache. */
const MEAN_BIN_ROWS = 2 ** 14;
/** The store is never smaller than for this many rows: RR22's fit is for 2^6 to 2^30, lists are padded to 2^10. */
const MIN_ROWS = 2 ** 10;
/** A partition has at most 2^22 rows (protocols/plan.ts); a row's place in its bin has 16 bits. */
const MAX_ROWS = 2 ** 22;
/**
 * Binary dense columns of a bin. A gap of g rows is solved but for 2^(g - 64) (RR22 lemma 2.1), and a gap of g occurs
 * with about (sparse)^-g (RR22 section 3.2, w = 3); over all bins that is far below the other terms: see `rankFailure`.
 */
export const DENSE_SLOTS = 64;
/** Bytes of a slot, and of a value. */
export const SLOT_BYTES = 16;
/** RR22 section 3.2 for w = 3: the phase transition point (e*, -9.2) and equation (3), slope of lambda in e. */
const TRANSITION = { e: 1.223, lambda: -9.2 };
const LOG_WEIGHT = Math.log2(3);
const SLOPE_CONSTANT = 0.093 * LOG_WEIGHT ** 3 - 1.01 * LOG_WEIGHT ** 2 + 2.92 * LOG_WEIGHT - 0.13;
const SLOPE_PER_LOG_ROWS = 0.55;
/**
 * Bin and three positions are drawn from 64 bits, so a row's draw is up to 1 + bins * sparse^3 / 2^64 times as likely as
 * it should be, and any event over a full bin that factor to the power of its rows: below 2^5 in all.
 */
const DRAW_BIAS_BITS = 5;
/** A bin's share may be above 1 / bins by the grain of its draw; 2^-64, bounded as plan.ts does. */
const DRAW_GRAIN = 2 ** -32;

export interface OkvsPlan {
  readonly bins: number;
  /** Rows that a bin takes. */
  readonly binCapacity: number;
  /** Slots of a bin: the sparse ones, then DENSE_SLOTS. */
  readonly sparse: number;
  readonly binSlots: number;
  /** Slots of all bins. */
  readonly slots: number;
}

/** The smallest capacity that some bin exceeds with probability at most 2^-failureBits (union bound, Chernoff). */
function binCapacityOf(rows: number, bins: number, failureBits: number): number {
  if (bins === 1) return rows;
  const share = 1 / bins + DRAW_GRAIN;
  const target = -(failureBits * Math.LN2 + Math.log(bins));
  let low = Math.floor(rows * share);
  let high = rows;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (logTailBound(rows, share, middle + 1) <= target) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Sparse slots with which `rows` rows peel, but for small gaps, with probability 1 - 2^-lambda (RR22 equation (3)). */
function sparseSlots(rows: number, lambda: number): number {
  const slope = 2 ** (SLOPE_PER_LOG_ROWS * Math.log2(rows) + SLOPE_CONSTANT);
  return Math.ceil(rows * (TRANSITION.e + (lambda - TRANSITION.lambda) / slope));
}

/**
 * The store for `rows` rows. `failureBits`: overflow of a bin, and peeling, each fail with at most 2^-failureBits over
 * all bins. Throws BAD_REQUEST outside 1 .. 2^22 rows.
 */
export function okvsPlan(rows: number, failureBits: number): OkvsPlan {
  if (!Number.isInteger(rows) || rows < 1 || rows > MAX_ROWS)
    throw new EntenteError("BAD_REQUEST", { detail: "rows of a key-value store" });
  const held = Math.max(rows, MIN_ROWS);
  const bins = Math.ceil(held / MEAN_BIN_ROWS);
  const binCapacity = binCapacityOf(held, bins, failureBits);
  const sparse = sparseSlots(binCapacity, failureBits + Math.log2(bins) + DRAW_BIAS_BITS);
  const binSlots = sparse + DENSE_SLOTS;
  return { bins, binCapacity, sparse, binSlots, slots: bins * binSlots };
}

/**
 * The same bins with room for another list, which is decoded in them and not encoded; a bin overflows with probability
 * at most 2^-failureBits.
 */
export function binsFor(plan: OkvsPlan, rows: number, failureBits: number): OkvsPlan {
  return { ...plan, binCapacity: binCapacityOf(rows, plan.bins, failureBits) };
}

/** Upper bound of the bias that DRAW_BIAS_BITS allows for, in bits. */
export function drawBiasBits({ bins, binCapacity, sparse }: OkvsPlan): number {
  return (binCapacity * bins * sparse ** 3) / 2 ** 64 / Math.LN2;
}

/** Probability that the dense columns do not solve the gap of some bin: sum over g of sparse^-g 2^(g - 64), bins times. */
export function rankFailure({ bins, sparse }: OkvsPlan): number {
  const ratio = 2 / sparse;
  return (bins * (ratio / (1 - ratio))) / 2 ** DENSE_SLOTS;
}
