/** How many people have which tier or value, as bars. */
interface Bar {
  readonly label: string;
  readonly value: number;
}

const MAX_BARS = 24;

/** In the order of their names, numbers by size; of more than can be told apart the most frequent, and all others as one. */
export function tierBars(tags: Readonly<Record<string, number>>, others: string): Bar[] {
  const all = Object.entries(tags).map(([label, value]) => ({ label, value }));
  const named = all.toSorted((a, b) => b.value - a.value).slice(0, all.length > MAX_BARS ? MAX_BARS - 1 : MAX_BARS);
  const rest = all.reduce((sum, { value }) => sum + value, 0) - named.reduce((sum, { value }) => sum + value, 0);
  const sorted = named.toSorted((a, b) => a.label.localeCompare(b.label, "en", { numeric: true }));
  return all.length > named.length ? [...sorted, { label: others, value: rest }] : sorted;
}
