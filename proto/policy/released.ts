/**
 * What has been handed over so far, from charged runs and what became of them: by peer, agreement, operation and pair of
 * datasets. It holds nothing of what was found: how many matched is the receiver's affair, and so is, at the provider, whether
 * a result was withheld.
 */
import type { Operation, Output } from "../agreement/fields.ts";
import type { ChargedRun, DatasetPair } from "./history.ts";
import type { RunOutcome } from "./outcomes.ts";

export interface ReleasedGroup extends DatasetPair {
  readonly agreement: string;
  readonly operation: Operation;
  /** given: this node's data were asked · received: this node asked */
  readonly direction: "given" | "received";
  readonly peer: string;
  /** Runs whose result the receiver could have, by output. */
  readonly outputs: Readonly<Partial<Record<Output, number>>>;
  readonly released: number;
  /** Charged runs of which nothing was handed over: they failed, or have not come to it. */
  readonly notReleased: number;
  /** Results below the floor, which nobody saw; null where this node is not told. */
  readonly withheld: number | null;
  /** Of the released ones: how many a person here approved. The others the agreement let start by themselves. */
  readonly approved: number;
  /** The provider's columns that left in clear in any of the released runs. */
  readonly columnsInClear: readonly string[];
  /** The provider's segments that took part in them. */
  readonly segments: readonly string[];
  /** Milliseconds since 1970; null when nothing was handed over. */
  readonly firstAt: number | null;
  readonly lastAt: number | null;
}

type Run = ChargedRun & { readonly outcome: RunOutcome | undefined };

function keyOf({ agreement, operation, receiver, provider, receiverDataset, providerDataset }: ChargedRun): string {
  return [agreement, operation, receiver, provider, receiverDataset, providerDataset].join("/");
}

function groupOf(own: string, runs: readonly [Run, ...Run[]]): ReleasedGroup {
  const { agreement, operation, receiver, provider, receiverDataset, providerDataset } = runs[0];
  const direction = provider === own ? "given" : "received";
  const released = runs.filter(({ outcome }) => outcome?.releasedAt !== undefined);
  const withheld = runs.filter(({ outcome }) => outcome?.withheldAt !== undefined).length;
  const times = released.map(({ outcome }) => outcome?.releasedAt as number).sort((a, b) => a - b);
  const outputs: Partial<Record<Output, number>> = {};
  for (const { output } of released) outputs[output] = (outputs[output] ?? 0) + 1;
  return {
    ...{ agreement, operation, receiver, provider, receiverDataset, providerDataset, direction, outputs },
    peer: direction === "given" ? receiver : provider,
    released: released.length,
    notReleased: runs.length - released.length - withheld,
    withheld: direction === "given" ? null : withheld,
    approved: released.filter(({ outcome }) => outcome?.approval !== undefined).length,
    columnsInClear: [...new Set(released.flatMap(({ releasedColumns = [] }) => releasedColumns))].sort(),
    segments: [...new Set(released.flatMap(({ providerSegment }) => providerSegment?.name ?? []))].sort(),
    firstAt: times[0] ?? null,
    lastAt: times.at(-1) ?? null,
  };
}

/** `own`: whose node asks. What was handed over last comes first. */
export function releasedBy(
  own: string,
  runs: readonly ChargedRun[],
  outcomes: ReadonlyMap<string, RunOutcome>,
): readonly ReleasedGroup[] {
  const groups = new Map<string, [Run, ...Run[]]>();
  for (const run of runs) {
    const withOutcome = { ...run, outcome: outcomes.get(run.jobId) };
    const group = groups.get(keyOf(run));
    if (group === undefined) groups.set(keyOf(run), [withOutcome]);
    else group.push(withOutcome);
  }
  return [...groups.values()].map((group) => groupOf(own, group)).sort((a, b) => (b.lastAt ?? 0) - (a.lastAt ?? 0));
}
