/** What costs something to find out, found out once for all who ask within some time. */
import type { Clock } from "../ports/ports.ts";

/** What failed is asked again by the next. */
export function recent<T>(clock: Clock, maxAgeMs: number, find: () => Promise<T>): () => Promise<T> {
  let known: { readonly atMs: number; readonly found: Promise<T> } | undefined;
  return () => {
    if (known !== undefined && clock.monotonicMs() - known.atMs < maxAgeMs) return known.found;
    const asked = { atMs: clock.monotonicMs(), found: find() };
    known = asked;
    asked.found.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked.found;
  };
}
