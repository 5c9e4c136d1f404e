/** A joint audience report as a job: what the list is broken down by, and what is made of the matches behind the gate. */
import type { Output } from "../../proto/agreement/fields.ts";
import { EntenteError } from "../../proto/errors.ts";
import { AtomTable } from "../../proto/report/atoms.ts";
import { type Breakdown, type Grouping, groupingsDigest, MAX_VALUES } from "../../proto/report/grouping.ts";
import { makeReport, type OverlapReport } from "../../proto/report/overlap-report.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import type { Selection } from "../data/selection.ts";
import { columnValues } from "../report/column-values.ts";
import type { Asked, JobRequestInput } from "./ask.ts";
import type { JobDeps } from "./deps.ts";
import type { JobInput } from "./inputs.ts";
import type { OpenedPartition } from "./open-result.ts";
import { planOf, reportFloors } from "./report-plan.ts";
import { noiseSecret } from "./sketching.ts";

interface AskInput {
  readonly deps: Pick<JobDeps, "datasets" | "segments">;
  readonly request: Pick<JobRequestInput, "by">;
  readonly output: Output;
  readonly registration: DatasetRegistration;
  readonly selection: Selection | undefined;
}

/** What a report is asked to be broken down by; undefined of another output. Reads the columns whose values nobody names.
 * Throws BAD_REQUEST, DATASET_COLUMN_UNKNOWN, DATASET_COLUMN_TYPE, what naming a segment throws, and as `readDataset`. */
export async function readGroupings(input: AskInput): Promise<readonly Grouping[] | undefined> {
  const { request, output } = input;
  if ((output === "overlap-report") !== (request.by !== undefined))
    throw new EntenteError("BAD_REQUEST", { detail: "by: an overlap report has it, and nothing else" });
  if (request.by === undefined) return undefined;
  const groupings: Grouping[] = [];
  for (const breakdown of request.by) groupings.push(await groupingOf(breakdown, input));
  if (new Set(groupings.map((grouping) => groupingsDigest([grouping]))).size !== groupings.length)
    throw new EntenteError("BAD_REQUEST", { detail: "by: one grouping twice" });
  return groupings;
}

async function groupingOf(breakdown: Breakdown, { deps, registration, selection }: AskInput): Promise<Grouping> {
  if ("segment" in breakdown) return segmentGrouping(breakdown, deps, registration);
  const { column, values, bounds } = breakdown;
  const type = registration.columns.find(({ name }) => name === column)?.type;
  if (type === undefined) throw new EntenteError("DATASET_COLUMN_UNKNOWN", { detail: column });
  if (type !== "text" && type !== "number")
    throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `by: ${column} is of type ${type}` });
  const isNumber = type === "number";
  if (isNumber ? bounds === undefined || values !== undefined : bounds !== undefined)
    throw new EntenteError("BAD_REQUEST", {
      detail: `by: ${column}: ${isNumber ? "a column of numbers has bounds" : "a column of texts has values"}`,
    });
  if (bounds !== undefined) return { kind: "ranges", column, bounds };
  const found =
    values ?? (await columnValues(registration, { column, selection, most: MAX_VALUES, access: deps.datasets.access }));
  if (found.length === 0) throw new EntenteError("BAD_REQUEST", { detail: `by: ${column} is blank throughout` });
  return { kind: "values", column, values: found };
}

/** The newest version where none is named: it stays the one that it was. */
async function segmentGrouping(
  { segment, version }: Extract<Breakdown, { segment: string }>,
  { segments }: Pick<JobDeps, "segments">,
  registration: DatasetRegistration,
): Promise<Grouping> {
  const { content, version: pinned } = await segments.resolve(await segments.pin(segment, version), registration);
  return { kind: "segment", segment, version: pinned, content };
}

/** Of a total that is reportable. */
export async function reportOf(
  asked: Asked,
  input: JobInput<Float64Array>,
  opened: readonly OpenedPartition[],
): Promise<OverlapReport> {
  const { deps, spec, agreement } = asked;
  const plan = await planOf(asked);
  const table = new AtomTable();
  for (const { partition, rows } of opened) {
    const { ids, features } = await input.rows(partition);
    const isMatched = new Uint8Array(ids.length / 16);
    for (const row of rows) isMatched[row] = 1;
    for (let row = 0; row < isMatched.length; row++) table.add(plan.groupsAt(features, row), isMatched[row] === 1);
  }
  const { peerVersion = "" } = await deps.book.require(spec.jobId);
  const agreed = { floors: reportFloors(agreement), noise: agreement.document.noise };
  const { groupings, shown } = plan;
  return makeReport({
    groupings,
    shown,
    atoms: table.atoms(),
    agreed,
    noiseSecret: noiseSecret(asked, peerVersion),
  });
}
