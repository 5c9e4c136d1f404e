/** What a report is made by: the groupings that it was asked by, and those of earlier reports of the same list. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import { DEFAULT_GROUP_FLOOR } from "../../proto/agreement/references.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { EntenteError } from "../../proto/errors.ts";
import { type Grouping, groupingsDigest } from "../../proto/report/grouping.ts";
import type { ReportFloors } from "../../proto/report/overlap-report.ts";
import type { Selection } from "../data/selection.ts";
import { type GroupColumns, groupColumns } from "../report/group-columns.ts";
import type { Asked } from "./ask.ts";

const GROUPINGS_SECRET = "groupings";
const PLAN_SECRET = "report-plan";

export async function storeGroupings({ deps, spec, groupings }: Asked): Promise<void> {
  if (groupings !== undefined) await deps.vault.put(spec.jobId, GROUPINGS_SECRET, encode(groupings));
}

/** As they were asked for. */
export async function storedGroupings({ deps }: Pick<Asked, "deps">, spec: Asked["spec"]) {
  if (spec.output !== "overlap-report") return undefined;
  return decode(await deps.vault.get(spec.jobId, GROUPINGS_SECRET));
}

/** `earlier`: groupings of the reports of this list before it. The report is made as if it had asked by them, too, and first
 * (proto/report/README.md). */
export async function keepPlan(
  { deps, spec, groupings = [] }: Pick<Asked, "deps" | "spec" | "groupings">,
  earlier: readonly Grouping[],
): Promise<void> {
  const known = earlier.map((grouping) => groupingsDigest([grouping]));
  const added = groupings.filter((grouping) => !known.includes(groupingsDigest([grouping])));
  await deps.vault.put(spec.jobId, PLAN_SECRET, encode([...earlier, ...added]));
}

export interface ReportPlan extends GroupColumns {
  readonly groupings: readonly Grouping[];
  /** Places of those that were asked for. */
  readonly shown: readonly number[];
}

/** Throws INTERNAL of another output, DATASET_CHANGED when the tags of somebody have changed who is in a segment. */
export async function planOf({ deps, spec, groupings, registration }: Asked): Promise<ReportPlan> {
  if (groupings === undefined) throw new EntenteError("INTERNAL", { cause: new Error("no report was asked for") });
  const all = decode(await deps.vault.get(spec.jobId, PLAN_SECRET));
  const digests = all.map((grouping) => groupingsDigest([grouping]));
  const shown = groupings.map((grouping) => digests.indexOf(groupingsDigest([grouping])));
  const segments: Selection[] = [];
  for (const grouping of all) {
    if (grouping.kind !== "segment") continue;
    const { selection, content } = await resolved(deps, registration, grouping);
    if (content !== grouping.content)
      throw new EntenteError("DATASET_CHANGED", { detail: `segment ${grouping.segment}` });
    segments.push(selection);
  }
  return { groupings: all, shown, ...groupColumns(all, segments) };
}

/** Whether each segment among them still holds the people whom it held. */
export async function areAsTheyWere(
  { deps, registration }: Pick<Asked, "deps" | "registration">,
  groupings: readonly Grouping[],
): Promise<boolean> {
  for (const grouping of groupings)
    if (grouping.kind === "segment" && (await resolved(deps, registration, grouping)).content !== grouping.content)
      return false;
  return true;
}

function resolved(
  { segments }: Asked["deps"],
  registration: Asked["registration"],
  { segment: name, version }: Extract<Grouping, { kind: "segment" }>,
) {
  return segments.resolve({ name, version }, registration);
}

function encode(groupings: readonly Grouping[]): Uint8Array {
  return canonicalJson(groupings as unknown as Json);
}

function decode(bytes: Uint8Array): readonly Grouping[] {
  return parseCanonicalJson(bytes) as unknown as readonly Grouping[];
}

export function reportFloors({ document }: Agreement): ReportFloors {
  const { result, matchRateCapPercent, group = DEFAULT_GROUP_FLOOR } = document.floors;
  return { result, matchRateCapPercent, group };
}
