/**
 * Why a row is set aside. The list is closed: counts by reason stand in the registration and may be shown to a user. What to
 * do about each is in `proto/set-aside.ts`.
 */
import type { SetAsideReason } from "../../proto/set-aside.ts";

/** Reasons about the id, from a normaliser. */
export const ID_REASONS = [
  "id-empty",
  "id-characters",
  "id-exponent",
  "id-decimal",
  "id-not-mainland-mobile",
  "id-length",
  "id-form",
  "id-check-character",
] as const satisfies readonly SetAsideReason[];

/** Reasons about the row. The first five come from the CSV reader. */
export const ROW_REASONS = [
  "row-too-few-columns",
  "row-too-many-columns",
  "row-quote-broken",
  "row-too-long",
  "row-encoding",
  "number-invalid",
] as const satisfies readonly SetAsideReason[];

export type IdReason = (typeof ID_REASONS)[number];
export type RowReason = (typeof ROW_REASONS)[number];
export type RejectReason = IdReason | RowReason;

/** Only the reasons that occurred. */
export type RejectCounts = Readonly<Partial<Record<RejectReason, number>>>;

export function totalRejected(counts: RejectCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
