/** Why a row is set aside. The list is closed: counts by reason stand in the registration and may be shown to a user. */

/** Reasons about the id, from a normaliser. */
export const ID_REASONS = [
  "id-empty",
  "id-characters",
  /** "1.38E+10": a spreadsheet dropped digits. Export the column as text. */
  "id-exponent",
  /** "13800138000.0": software took the column for one of numbers. Export it as text. */
  "id-decimal",
  "id-not-mainland-mobile",
  "id-length",
  "id-form",
  "id-check-character",
] as const;

/** Reasons about the row. The first five come from the CSV reader. */
export const ROW_REASONS = [
  "row-too-few-columns",
  "row-too-many-columns",
  "row-quote-broken",
  "row-too-long",
  "row-not-utf8",
  "number-invalid",
] as const;

export type IdReason = (typeof ID_REASONS)[number];
export type RowReason = (typeof ROW_REASONS)[number];
export type RejectReason = IdReason | RowReason;

/** Only the reasons that occurred. */
export type RejectCounts = Readonly<Partial<Record<RejectReason, number>>>;

export function totalRejected(counts: RejectCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
