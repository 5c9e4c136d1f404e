/** Rows of a dataset that were set aside. */

/** All, of a count for each reason. */
export function setAsideRows(rejected: Readonly<Record<string, number>>): number {
  return Object.values(rejected).reduce((sum, rows) => sum + rows, 0);
}

/** More of all rows than this were set aside: somebody should look. */
const TOO_MANY = 0.01;

/** The share of rows that were set aside or were duplicates, and whether somebody should look at it. */
export function healthOf({
  accepted,
  duplicates,
  rejected,
}: {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: Readonly<Record<string, number>>;
}): { readonly share: number; readonly isGood: boolean } {
  const aside = duplicates + setAsideRows(rejected);
  const share = aside === 0 ? 0 : aside / (accepted + aside);
  return { share, isGood: share <= TOO_MANY && accepted > 0 };
}
