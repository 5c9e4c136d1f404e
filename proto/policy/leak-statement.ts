/**
 * What a job tells whom, in words, computed from the agreement, the job and the sizes of the lists: what a person sees
 * before approving a job or asking for one. The same input gives the same text; its digest stands in the approval.
 */
import { type Agreement, agreedDataset, otherParty } from "../agreement/agreement.ts";
import { AGGREGATE_OUTPUTS } from "../agreement/fields.ts";
import { DEFAULT_LABEL_TEXT_BYTES } from "../agreement/label-columns.ts";
import { DEFAULT_GROUP_FLOOR } from "../agreement/references.ts";
import { utf8 } from "../encoding/bytes.ts";
import { digestOf } from "../encoding/sha256.ts";
import type { Digest } from "../ids.ts";
import { agreedOperation, type JobRequest } from "./request.ts";

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

export interface LeakStatement {
  /** All parts, in order. */
  readonly text: string;
  readonly parts: LeakParts;
  /** SHA-256 of the text in UTF-8. */
  readonly digest: Digest;
}

/** One party as the reader is told of it: "you" or "the bureau". */
interface Side {
  readonly name: string;
  readonly learns: string;
  readonly sees: string;
  /** "your" or "their"; "yours" or "theirs". */
  readonly whose: string;
  readonly theirs: string;
  /** Beside the party's own name: "your" or "its". */
  readonly own: string;
  readonly rows: RowsShown | undefined;
}

function count(value: number): string {
  return String(value).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

function sideOf(name: string | undefined, rows: RowsShown | undefined): Side {
  return name === undefined
    ? { name: "you", learns: "learn", sees: "see", whose: "your", theirs: "yours", own: "your", rows }
    : { name: `the ${name}`, learns: "learns", sees: "sees", whose: "their", theirs: "theirs", own: "its", rows };
}

function sizeOf({ whose, rows }: Side): string {
  return rows === undefined
    ? `${whose} list's size to within 9.1 %`
    : `${whose} list has between ${count(rows.from)} and ${count(rows.to)} people`;
}

function promise(side: Side, what: string): string {
  return `(that ${side.name} ${side.sees} only ${what} is ${side.own} own software's promise)`;
}

function inSegment({ providerSegment }: JobRequest, provider: Side): string {
  if (providerSegment === undefined) return "";
  return ` and in ${provider.own} segment "${providerSegment.name}" (version ${providerSegment.version})`;
}

/** What the receiver is told of the people, for an audience and for the rows of a score alike. */
function people({ agreement, job }: LeakQuestion, receiver: Side, provider: Side): string {
  // An exact size is told to its owner alone.
  const exact = receiver.name === "you" ? receiver.rows?.exact : undefined;
  const customers = `${receiver.whose}${exact === undefined ? "" : ` ${count(exact)}`} customers`;
  const found = `${provider.theirs}${inSegment(job, provider)}`;
  if (!AGGREGATE_OUTPUTS.includes(job.output)) return `which of ${customers} are ${found}`;
  const { noise, floors } = agreement.document;
  const after = noise.kind === "none" ? "" : ` after noise of scale ${noise.scale}`;
  if (job.output === "overlap-report") {
    const { group = DEFAULT_GROUP_FLOOR, matchRateCapPercent } = floors;
    return (
      `how many of ${customers} are ${found}${after}, in all and in up to ${count(job.groups ?? 0)} groups of ` +
      `${receiver.own} own making, each only where at least ${count(group)} are, at least ${count(group)} are not, and the ` +
      `share is not above ${matchRateCapPercent}% ${promise(receiver, "those counts")}`
    );
  }
  return (
    `the share of ${customers} that are ${found}, as a whole percent${after}, ` +
    `or that it is above ${floors.matchRateCapPercent}% ${promise(receiver, "the percentage")}`
  );
}

function scores({ agreement, job }: LeakQuestion, receiver: Side, provider: Side): string | null {
  if (job.operation !== "score") return null;
  const step = agreedOperation(agreement, job)?.rounding?.step;
  const model = `which of ${provider.own} columns ${receiver.whose} model uses, how it prepares or splits them, and the model version`;
  // Each of them, and so how many: more than the class of a count.
  const shared =
    job.alignment === "shared" ? `, and which of ${provider.own} customers ${receiver.whose} audience found` : "";
  const output = {
    tier: `a tier for each matched customer ${promise(receiver, "the tier")}`,
    "rounded-score":
      `a score for each matched customer, rounded${step === undefined ? "" : ` to multiples of ${step}`} ` +
      promise(receiver, "the rounded score"),
    score: "the exact score of each matched customer",
    // Not of a score: refused by policy, and told as the most that it could be.
    list: "the exact score of each matched customer",
    "match-rate": "the exact score of each matched customer",
    "overlap-report": "the exact score of each matched customer",
  }[job.output];
  return (
    `The score adds: ${provider.name} ${provider.learns} ${model}${shared}; ` +
    `${receiver.name} ${receiver.learns} ${output}.`
  );
}

/** The provider's columns whose values the receiver is given as they are. */
function inClear({ agreement, job }: LeakQuestion, receiver: Side, provider: Side): string | null {
  const { releasedColumns = [] } = job;
  if (releasedColumns.length === 0) return null;
  const agreed = agreedDataset(agreement.document, job.provider, job.providerDataset)?.columns ?? [];
  const columns = releasedColumns.map((name) => {
    const column = agreed.find((item) => item.name === name);
    if (column?.role !== "label") return `"${name}"`;
    const { type = "text", maxBytes = DEFAULT_LABEL_TEXT_BYTES, grade, personal } = column;
    const form = type === "text" ? `text of up to ${maxBytes} bytes` : type;
    return `"${name}" (${form}, grade ${grade}${personal ? ", personal information" : ""})`;
  });
  return (
    `In clear: of each matched customer ${receiver.name} ${receiver.learns} the value in ${provider.own} ` +
    `${columns.length === 1 ? "column" : "columns"} ${columns.join(", ")}.`
  );
}

/** Deterministic. Throws AGREEMENT_INVALID when the job's receiver is no party of the agreement. */
export function leakStatement(question: LeakQuestion): LeakStatement {
  const { agreement, job, viewer, receiverRows, providerRows } = question;
  const isReceiver = viewer === "receiver";
  const providerName = otherParty(agreement.document, job.receiver).name;
  const receiver = sideOf(isReceiver ? undefined : job.receiver, receiverRows);
  const provider = sideOf(isReceiver ? providerName : undefined, providerRows);
  // One's own size is told to the other; "that" joins a clause, a size as such needs none.
  const size = (side: Side) => (side.rows === undefined ? sizeOf(side) : `that ${sizeOf(side)}`);
  const found = `${people(question, receiver, provider)}, and ${size(provider)}.`;
  const told = `${sizeOf(receiver)}.`;
  const peerName = isReceiver ? provider.name : receiver.name;
  const resultFloorNode = `the node of ${isReceiver ? "the receiver, which is yours" : receiver.name}`;
  const scoreAdds = scores(question, receiver, provider);
  const released = inClear(question, receiver, provider);
  const parts: LeakParts = {
    peerLearns: `${peerName} learns: ${isReceiver ? told : found}`,
    youLearn: `You learn: ${isReceiver ? found : told}`,
    scoreAdds,
    inClear: released,
    bothLearn:
      "Both learn the job's terms (datasets, purpose, output, for how long tags live), and whether the other's dataset is the version of an earlier run in the same epoch.",
    coordinatorSees:
      "The coordinator sees who works with whom, ids and digests of agreement and job, times and byte counts.",
    rest: "Everything else leaves only encrypted.",
    enforcement:
      "Input floors, budgets and approvals are enforced by the node of whoever owns the data; " +
      `the result floor of ${count(agreement.document.floors.result)} people by ` +
      `${job.alignment === "shared" ? "both nodes" : resultFloorNode}.`,
  };
  const { peerLearns, youLearn, bothLearn, coordinatorSees, rest, enforcement } = parts;
  const sentences = [peerLearns, youLearn, scoreAdds, released, bothLearn, coordinatorSees, rest, enforcement];
  const text = sentences.filter((sentence) => sentence !== null).join(" ");
  return { text, parts, digest: digestOf(utf8(text)) };
}
