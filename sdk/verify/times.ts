/**
 * Verify times: an entry says itself when it was made; the cosignatures around it bound that. What stood before a head was
 * made before it was cosigned, what came after was made after, but for how far clocks may be apart.
 */
import type { SeenHead } from "./log.ts";
import type { LogRecord } from "./trace.ts";
import type { Findings } from "./verdict.ts";

/** Nodes refuse a receipt when their clocks are more than ten minutes apart; the rest is what a job's end takes. */
const SLACK_MS = 900_000;

/** `heads`: cosigned heads of this log, wherever they were found. The first entry that does not fit is reported. */
export function verifyTimes({ log, atMs }: LogRecord, heads: readonly SeenHead[], findings: Findings): void {
  const { folder, origin, owner } = log;
  const bySize = heads.filter(({ by, size }) => by !== owner && size <= atMs.length).sort((a, b) => a.size - b.size);
  const report = (index: number, than: number, word: string) =>
    findings.report(
      "TIME_BROKEN",
      { folder, log: origin, index },
      `it says ${new Date(atMs[index] as number).toISOString()}, ${word} ${new Date(than).toISOString()}`,
    );
  let next = 0;
  let latestMs = Number.NEGATIVE_INFINITY;
  for (const [index, at] of atMs.entries()) {
    for (; next < bySize.length && (bySize[next] as SeenHead).size <= index; next++)
      latestMs = Math.max(latestMs, (bySize[next] as SeenHead).timeS * 1000);
    if (at < latestMs - SLACK_MS) {
      report(index, latestMs, "but what stands before it was cosigned at");
      return;
    }
  }
  let earliestMs = Number.POSITIVE_INFINITY;
  let last = bySize.length - 1;
  let late: number | undefined;
  for (let index = atMs.length - 1; index >= 0; index--) {
    for (; last >= 0 && (bySize[last] as SeenHead).size > index; last--)
      earliestMs = Math.min(earliestMs, (bySize[last] as SeenHead).timeS * 1000);
    if ((atMs[index] as number) > earliestMs + SLACK_MS) late = index;
  }
  if (late !== undefined) report(late, earliestMs, "but it was cosigned by");
}
