/** Size classes: the only thing that a party tells of how large its list is, and the words in which it is shown. */
import { EntenteError } from "./errors.ts";

/** Classes are 2^(k/8) rows: padding adds at most 2^(1/8) - 1 = 9.1 %. From 2^10, so that a small list is not told. */
export const MIN_SIZE_CLASS = 80;
export const MAX_SIZE_CLASS = 256;

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

/** floor(2^(k/8)): the most rows of a class. Throws BAD_REQUEST outside MIN_SIZE_CLASS..MAX_SIZE_CLASS. */
export function classRows(sizeClass: number): number {
  if (!Number.isInteger(sizeClass) || sizeClass < MIN_SIZE_CLASS || sizeClass > MAX_SIZE_CLASS)
    throw new EntenteError("BAD_REQUEST", { detail: "size class" });
  return Math.floor(2 ** Math.floor(sizeClass / 8) * (EIGHTHS[sizeClass % 8] as number));
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

/** The least and the most rows of a list of that class; the first class begins at none. */
export function classRange(sizeClass: number): { readonly from: number; readonly to: number } {
  const from = sizeClass === MIN_SIZE_CLASS ? 0 : classRows(sizeClass - 1) + 1;
  return { from, to: classRows(sizeClass) };
}
