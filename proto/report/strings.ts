/** What a rendered report says in words: in `english.ts` and `chinese.ts` for each language. */
import { groupedDigits } from "../grouped-digits.ts";
import type { Language } from "../language.ts";
import type { GroupName } from "./grouping.ts";

export interface ReportStrings {
  readonly language: Language;
  readonly title: string;
  readonly total: string;
  readonly withheld: string;
  readonly heads: { readonly group: string; readonly size: string; readonly overlap: string; readonly rate: string };
  breakdown(kind: "column" | "segment", name: string): string;
  group(name: GroupName): string;
  overlap(overlap: number, size: number): string;
  withheldOf(size: number): string;
  count(value: number): string;
  /** `noiseScale`: in people. */
  notes(limits: {
    readonly group: number;
    readonly result: number;
    readonly cap: number;
    readonly noiseScale: number | null;
  }): readonly string[];
  about(job: { readonly peer: string; readonly dataset: string; readonly peerDataset: string }): string;
}

/** Of a bound of a range, which need be no whole number. */
export function bound(value: number | null): string {
  if (value === null || !Number.isInteger(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return String(value);
  return `${value < 0 ? "-" : ""}${groupedDigits(Math.abs(value))}`;
}
