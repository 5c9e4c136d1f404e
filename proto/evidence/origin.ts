/**
 * Names of logs: `<party>/<collaboration>/<year>`, and `<year>-<n>` from the second log of a year on. A log is followed by
 * another when a new year begins, and when it is lost: its owner then begins anew under the next name.
 */
import { EntenteError } from "../errors.ts";
import { ORIGIN_FORM } from "./predicates.ts";

export interface Origin {
  readonly party: string;
  readonly collaboration: string;
  readonly year: number;
  /** 1 for the year's first log, which carries no number in its name. */
  readonly number: number;
}

/** Throws WIRE_INVALID on any other form. */
export function parseOrigin(text: string): Origin {
  const [, party, collaboration, year, number] = ORIGIN_FORM.exec(text) ?? [];
  if (party === undefined || collaboration === undefined) throw new EntenteError("WIRE_INVALID", { detail: "origin" });
  return { party, collaboration, year: Number(year), number: number === undefined ? 1 : Number(number) };
}

/** The last part, which also names the log's folder at its owner. */
export function originLabel({ year, number }: Pick<Origin, "year" | "number">): string {
  return number === 1 ? String(year) : `${year}-${number}`;
}

export function formatOrigin(origin: Origin): string {
  return `${origin.party}/${origin.collaboration}/${originLabel(origin)}`;
}

/** The party's name in an origin's text; of any text with a slash, what stands before the first. */
export function ownerOf(text: string): string {
  return text.split("/", 1)[0] as string;
}

/** The label in an origin's text. */
export function labelOf(text: string): string {
  return text.slice(text.lastIndexOf("/") + 1);
}

/** Negative when `a` came before `b`; of two logs of one owner and collaboration. */
export function compareOrigins(a: Origin, b: Origin): number {
  return a.year - b.year || a.number - b.number;
}

/** The name of the log that follows, never one used before: of `year` when that has come, else the next of the same. */
export function nextOrigin(origin: Origin, year: number): Origin {
  return year > origin.year ? { ...origin, year, number: 1 } : { ...origin, number: origin.number + 1 };
}
