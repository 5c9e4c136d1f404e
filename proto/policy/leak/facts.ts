/** What a job tells whom, as facts: what the words of either language are made of. */
import { type Agreement, agreedDataset, otherParty } from "../../agreement/agreement.ts";
import type { LABEL_TYPES } from "../../agreement/fields.ts";
import { DEFAULT_LABEL_TEXT_BYTES } from "../../agreement/label-columns.ts";
import { DEFAULT_GROUP_FLOOR } from "../../agreement/references.ts";
import type { SegmentRef } from "../../segments/names.ts";
import { agreedOperation, type JobRequest } from "../request.ts";

/** A list as the reader of the statement may see it: the bounds of its size class, and one's own list exactly. */
export interface RowsShown {
  readonly exact?: number;
  readonly from: number;
  readonly to: number;
}

export interface LeakQuestion {
  readonly agreement: Agreement;
  readonly job: JobRequest;
  /** Whose node shows it. */
  readonly viewer: "receiver" | "provider";
  /** Undefined while not known. */
  readonly receiverRows?: RowsShown | undefined;
  readonly providerRows?: RowsShown | undefined;
}

/** What a value that leaves in clear is. */
export interface ClearForm {
  readonly type: (typeof LABEL_TYPES)[number];
  /** Of a text. */
  readonly maxBytes: number;
  readonly grade: number;
  readonly personal: boolean;
}

/** A column whose values the receiver is given as they are. Without a form it stands for nothing that was agreed. */
export interface ClearColumn {
  readonly name: string;
  readonly form: ClearForm | undefined;
}

/** What the receiver is told of the people. `noiseScale`: in people. */
export type Found =
  | { readonly kind: "list" }
  | { readonly kind: "match-rate"; readonly capPercent: number; readonly noiseScale: number | null }
  | {
      readonly kind: "overlap-report";
      readonly capPercent: number;
      readonly noiseScale: number | null;
      /** Floor of a group, in people, and how many groups there are at most. */
      readonly group: number;
      readonly groups: number;
    };

export interface LeakFacts {
  readonly viewer: LeakQuestion["viewer"];
  readonly peer: string;
  /** `exact` only of the viewer's own list. */
  readonly receiverRows: RowsShown | undefined;
  readonly providerRows: RowsShown | undefined;
  readonly found: Found;
  readonly segment: SegmentRef | undefined;
  /** null for an audience. */
  readonly score: {
    readonly output: "score" | "rounded-score" | "tier";
    /** Of a rounded score. */
    readonly step: number | undefined;
    /** The provider is told which of its customers matched. */
    readonly isShared: boolean;
  } | null;
  readonly inClear: readonly ClearColumn[];
  /** In people. */
  readonly resultFloor: number;
}

/** Each a sentence or a few. */
export interface LeakParts {
  readonly peerLearns: string;
  readonly youLearn: string;
  /** null for an audience. */
  readonly scoreAdds: string | null;
  /** null when no column leaves in clear. */
  readonly inClear: string | null;
  readonly bothLearn: string;
  readonly coordinatorSees: string;
  /** Everything that no other part names. */
  readonly rest: string;
  /** What of the limits is kept by whose software. */
  readonly enforcement: string;
}

function foundOf({ agreement, job }: LeakQuestion): Found {
  const { noise, floors } = agreement.document;
  const shown = {
    capPercent: floors.matchRateCapPercent,
    noiseScale: noise.kind === "none" ? null : noise.scale,
  };
  if (job.output === "match-rate") return { kind: job.output, ...shown };
  if (job.output !== "overlap-report") return { kind: "list" };
  return { kind: job.output, ...shown, group: floors.group ?? DEFAULT_GROUP_FLOOR, groups: job.groups ?? 0 };
}

function scoreOf({ agreement, job }: LeakQuestion): LeakFacts["score"] {
  if (job.operation !== "score") return null;
  const step = agreedOperation(agreement, job)?.rounding?.step;
  // An output that is none of a score is refused by policy, and told as the most that it could be.
  const output = job.output === "tier" || job.output === "rounded-score" ? job.output : "score";
  return { output, step, isShared: job.alignment === "shared" };
}

function clearColumns({ agreement, job }: LeakQuestion): ClearColumn[] {
  const agreed = agreedDataset(agreement.document, job.provider, job.providerDataset)?.columns ?? [];
  return (job.releasedColumns ?? []).map((name) => {
    const column = agreed.find((item) => item.name === name);
    if (column?.role !== "label") return { name, form: undefined };
    const { type = "text", maxBytes = DEFAULT_LABEL_TEXT_BYTES, grade, personal } = column;
    return { name, form: { type, maxBytes, grade, personal } };
  });
}

function shownTo(isOwner: boolean, rows: RowsShown | undefined): RowsShown | undefined {
  if (rows === undefined || isOwner) return rows;
  return { from: rows.from, to: rows.to };
}

/** Throws AGREEMENT_INVALID when the job's receiver is no party of the agreement. */
export function leakFacts(question: LeakQuestion): LeakFacts {
  const { agreement, job, viewer, receiverRows, providerRows } = question;
  const providerName = otherParty(agreement.document, job.receiver).name;
  return {
    viewer,
    peer: viewer === "receiver" ? providerName : job.receiver,
    receiverRows: shownTo(viewer === "receiver", receiverRows),
    providerRows: shownTo(viewer === "provider", providerRows),
    found: foundOf(question),
    segment: job.providerSegment,
    score: scoreOf(question),
    inClear: clearColumns(question),
    resultFloor: agreement.document.floors.result,
  };
}
