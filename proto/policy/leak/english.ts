/** The leak statement's words in English: those that an approval's digest is of. */
import { groupedDigits } from "../../grouped-digits.ts";
import type { ClearForm, LeakFacts, LeakParts, RowsShown } from "./facts.ts";

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

function sideOf(name: string | undefined, rows: RowsShown | undefined): Side {
  return name === undefined
    ? { name: "you", learns: "learn", sees: "see", whose: "your", theirs: "yours", own: "your", rows }
    : { name: `the ${name}`, learns: "learns", sees: "sees", whose: "their", theirs: "theirs", own: "its", rows };
}

function sizeOf({ whose, rows }: Side): string {
  return rows === undefined
    ? `${whose} list's size to within 9.1 %`
    : `${whose} list has between ${groupedDigits(rows.from)} and ${groupedDigits(rows.to)} people`;
}

function promise(side: Side, what: string): string {
  return `(that ${side.name} ${side.sees} only ${what} is ${side.own} own software's promise)`;
}

/** What the receiver is told of the people, for an audience and for the rows of a score alike. */
function people({ found, segment }: LeakFacts, receiver: Side, provider: Side): string {
  const exact = receiver.rows?.exact;
  const customers = `${receiver.whose}${exact === undefined ? "" : ` ${groupedDigits(exact)}`} customers`;
  const inSegment =
    segment === undefined ? "" : ` and in ${provider.own} segment "${segment.name}" (version ${segment.version})`;
  const theirs = `${provider.theirs}${inSegment}`;
  if (found.kind === "list") return `which of ${customers} are ${theirs}`;
  const { capPercent, noiseScale } = found;
  const after = noiseScale === null ? "" : ` after noise of scale ${noiseScale}`;
  if (found.kind === "match-rate")
    return (
      `the share of ${customers} that are ${theirs}, as a whole percent${after}, ` +
      `or that it is above ${capPercent}% ${promise(receiver, "the percentage")}`
    );
  const [group, groups] = [groupedDigits(found.group), groupedDigits(found.groups)];
  return (
    `how many of ${customers} are ${theirs}${after}, in all and in up to ${groups} groups of ` +
    `${receiver.own} own making, each only where at least ${group} are, at least ${group} are not, and the ` +
    `share is not above ${capPercent}% ${promise(receiver, "those counts")}`
  );
}

function scores({ score }: LeakFacts, receiver: Side, provider: Side): string | null {
  if (score === null) return null;
  const model = `which of ${provider.own} columns ${receiver.whose} model uses, how it prepares or splits them, and the model version`;
  // Each of them, and so how many: more than the class of a count.
  const shared = score.isShared ? `, and which of ${provider.own} customers ${receiver.whose} audience found` : "";
  const step = score.step === undefined ? "" : ` to multiples of ${score.step}`;
  const output = {
    tier: `a tier for each matched customer ${promise(receiver, "the tier")}`,
    "rounded-score": `a score for each matched customer, rounded${step} ${promise(receiver, "the rounded score")}`,
    score: "the exact score of each matched customer",
  }[score.output];
  return (
    `The score adds: ${provider.name} ${provider.learns} ${model}${shared}; ` +
    `${receiver.name} ${receiver.learns} ${output}.`
  );
}

/** Also of a column in an agreement's terms. */
export function clearForm({ type, maxBytes, grade, personal }: ClearForm): string {
  const form = type === "text" ? `text of up to ${maxBytes} bytes` : type;
  return `${form}, grade ${grade}${personal ? ", personal information" : ""}`;
}

/** The provider's columns whose values the receiver is given as they are. */
function clear({ inClear }: LeakFacts, receiver: Side, provider: Side): string | null {
  if (inClear.length === 0) return null;
  const columns = inClear.map(({ name, form }) =>
    form === undefined ? `"${name}"` : `"${name}" (${clearForm(form)})`,
  );
  return (
    `In clear: of each matched customer ${receiver.name} ${receiver.learns} the value in ${provider.own} ` +
    `${columns.length === 1 ? "column" : "columns"} ${columns.join(", ")}.`
  );
}

export const BOTH_LEARN =
  "Both learn the job's terms (datasets, purpose, output, for how long tags live), and whether the other's dataset is the version of an earlier run in the same epoch.";
export const COORDINATOR_SEES =
  "The coordinator sees who works with whom, ids and digests of agreement and job, times and byte counts.";

export function leakInEnglish(facts: LeakFacts): LeakParts {
  const { viewer, peer, receiverRows, providerRows, resultFloor } = facts;
  const isReceiver = viewer === "receiver";
  const receiver = sideOf(isReceiver ? undefined : peer, receiverRows);
  const provider = sideOf(isReceiver ? peer : undefined, providerRows);
  // One's own size is told to the other; "that" joins a clause, a size as such needs none.
  const size = (side: Side) => (side.rows === undefined ? sizeOf(side) : `that ${sizeOf(side)}`);
  const found = `${people(facts, receiver, provider)}, and ${size(provider)}.`;
  const told = `${sizeOf(receiver)}.`;
  const peerName = isReceiver ? provider.name : receiver.name;
  const resultFloorNode = `the node of ${isReceiver ? "the receiver, which is yours" : receiver.name}`;
  return {
    peerLearns: `${peerName} learns: ${isReceiver ? told : found}`,
    youLearn: `You learn: ${isReceiver ? found : told}`,
    scoreAdds: scores(facts, receiver, provider),
    inClear: clear(facts, receiver, provider),
    bothLearn: BOTH_LEARN,
    coordinatorSees: COORDINATOR_SEES,
    rest: "Everything else leaves only encrypted.",
    enforcement:
      "Input floors, budgets and approvals are enforced by the node of whoever owns the data; " +
      `the result floor of ${groupedDigits(resultFloor)} people by ` +
      `${facts.score?.isShared === true ? "both nodes" : resultFloorNode}.`,
  };
}
