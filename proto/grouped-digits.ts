/** A whole number, not negative, as people of both languages read it: 12,345. */
export function groupedDigits(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}
