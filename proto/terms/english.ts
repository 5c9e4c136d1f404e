/** An agreement's terms in English. */
import { groupedDigits } from "../grouped-digits.ts";
import { BOTH_LEARN, COORDINATOR_SEES, clearForm } from "../policy/leak/english.ts";
import { days, ENGLISH_DIFFERENCES, MODES, OPERATIONS, people } from "./english-differences.ts";
import type { OperationFacts, OutputFact } from "./facts.ts";
import { timeText } from "./time-text.ts";
import type { TermsWords } from "./words.ts";

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function columns(names: readonly string[]): string {
  return `${names.length === 1 ? "column" : "columns"} ${quoted(names)}`;
}

function runs(count: number): string {
  return count === 1 ? "1 run" : `${groupedDigits(count)} runs`;
}

/** A party as the reader is told of it. */
interface Side {
  readonly name: string;
  readonly learns: string;
  readonly whose: string;
  /** Without what is owned. */
  readonly theirs: string;
  /** Beside its own name. */
  readonly own: string;
}

const YOU: Side = { name: "You", learns: "learn", whose: "your", theirs: "yours", own: "your" };

function sides({ isProvider, peer }: OperationFacts): { receiver: Side; provider: Side } {
  const them: Side = {
    name: `The ${peer}`,
    learns: "learns",
    whose: `the ${peer}'s`,
    theirs: `the ${peer}'s`,
    own: "its",
  };
  return isProvider ? { receiver: them, provider: YOU } : { receiver: YOU, provider: them };
}

function noise(scale: number | null): string {
  return scale === null ? "" : ` after random noise of scale ${scale}`;
}

function outputLine(fact: OutputFact, receiver: Side, provider: Side): string {
  const { capPercent, noiseScale, group, step } = fact;
  const learns = `${receiver.name} ${receiver.learns}`;
  const list = `${receiver.own} list`;
  switch (fact.output) {
    case "list":
      return `${learns} which people in ${list} are in ${provider.theirs}, one by one.`;
    case "match-rate":
      return `${learns} what share of ${list} is in ${provider.theirs}, as a whole percent${noise(noiseScale)}, or that it is above ${capPercent}%.`;
    case "overlap-report":
      return (
        `${learns} how many people of ${list} are in ${provider.theirs}${noise(noiseScale)}, in all and in groups of ` +
        `${receiver.own} own making; a group is shown only where at least ${people(group)} are in both lists, at least ` +
        `${people(group)} are not, and the share is not above ${capPercent}%.`
      );
    case "score":
      return `${learns} the exact score of each person in both lists.`;
    case "rounded-score":
      return `${learns} the score of each person in both lists, rounded to multiples of ${step}.`;
    case "tier":
      return (
        `${learns} the tier of each person in both lists; ` +
        (fact.areTiersFixed
          ? "the tiers' bounds are fixed by this agreement."
          : `${receiver.own} side chooses the tiers' bounds.`)
      );
  }
}

function receiverLearns(facts: OperationFacts): string[] {
  const { receiver, provider } = sides(facts);
  const { outputs, features, clear, segments, isProvider, ownDataset, peerDataset, operation } = facts;
  const learns = `${receiver.name} ${receiver.learns}`;
  const dataset = isProvider ? ownDataset : peerDataset;
  const forms = clear.map(({ name, form }) => `"${name}"${form === undefined ? "" : ` (${clearForm(form)})`}`);
  return [
    ...outputs.map((output) => outputLine(output, receiver, provider)),
    ...(operation === "score"
      ? [
          `With a score ${receiver.name.toLowerCase()} ${receiver.learns} which people in ${receiver.own} list are in ${provider.theirs}.`,
        ]
      : []),
    ...(forms.length === 0
      ? []
      : [
          `In clear, where a job asks for it, for each person in both lists: ${forms.join(", ")} of ${provider.whose} "${dataset}".`,
        ]),
    ...(features.length === 0
      ? []
      : [
          `Used in computing, encrypted: ${columns(features)} of ${provider.whose} "${dataset}". No value is shown; each score tells something about them.`,
        ]),
    `${learns} the size of ${provider.whose} list, to within 9.1 %.`,
    segments === null
      ? `Everybody in "${dataset}" takes part, or one of the segments that ${provider.name.toLowerCase()} ${isProvider ? "publish" : "publishes"}.`
      : `Only people of one of ${provider.whose} segments take part: ${quoted(segments)}.`,
  ];
}

function providerLearns(facts: OperationFacts): string[] {
  const { receiver, provider } = sides(facts);
  const learns = `${provider.name} ${provider.learns}`;
  return [
    `${learns} the size of ${receiver.whose} list, to within 9.1 %.`,
    ...(facts.operation === "score"
      ? [
          `${learns} which of ${provider.own} columns ${receiver.whose} model uses, how it prepares or splits them, and the model's version; no weight of it.`,
        ]
      : []),
    facts.isShared
      ? `${learns} which of ${provider.own} people ${receiver.whose} audience found, one by one.`
      : `${provider.name} ${facts.isProvider ? "do" : "does"} not learn who is in both lists, nor how many.`,
  ];
}

export const ENGLISH: TermsWords = {
  sections: {
    leaves: "What leaves your house",
    arrives: "What you learn",
    stays: "What never leaves",
    purposes: "What it may be used for",
    deciding: "Who decides",
    limits: "Limits",
    validity: "For how long",
  },
  inEveryJob: "In every job",
  everyJob: [BOTH_LEARN, COORDINATOR_SEES],
  operation: ({ operation, isProvider, peer, ownDataset, peerDataset }) =>
    isProvider
      ? `${OPERATIONS[operation]} for the ${peer}: its "${peerDataset}" with your "${ownDataset}"`
      : `${OPERATIONS[operation]} for you: your "${ownDataset}" with the ${peer}'s "${peerDataset}"`,
  leaves: (facts) => (facts.isProvider ? receiverLearns(facts) : providerLearns(facts)),
  arrives: (facts) => (facts.isProvider ? providerLearns(facts) : receiverLearns(facts)),
  stays: ({ ids, filters, graded }) => [
    `Ids are matched encrypted and never leave readable: ${ids.map(({ column, normaliser }) => `"${column}" (${normaliser})`).join(", ")}.`,
    ...(filters.length === 0 ? [] : [`Used here only, to choose who takes part: ${columns(filters)}.`]),
    ...(graded.length === 0 ? [] : [`Of grade 4 or 5, so never in clear: ${columns(graded)}.`]),
    "Columns that this agreement does not name cannot be used under it.",
  ],
  purpose: ({ id, text, legalBasis }) => `${text} ("${id}"). Legal basis: ${legalBasis}.`,
  retention: ({ tagDays, resultDays }) =>
    `Tags live at most ${days(tagDays)}; results are kept at most ${days(resultDays)}.`,
  parties: ({ parties }, viewer) => [
    "The agreement holds when a steward of each party has signed it with the organisation's identity key.",
    ...parties
      .filter(({ roles }) => roles.includes("payer"))
      .map(({ name }) => (name === viewer ? "You pay." : `The ${name} pays.`)),
    "Either party can revoke it at any time: what runs stops at once, and tags issued under it are withdrawn.",
  ],
  approval: ({ approval, peer }) =>
    `At your node ${MODES[approval.own]}; at the ${peer}'s node ${MODES[approval.peer]}.`,
  limits: ({ floors, budgets, noise: agreed, operations }) => {
    const outputs = operations.flatMap((item) => item.outputs);
    const hasAggregate = outputs.includes("match-rate") || outputs.includes("overlap-report");
    const hasScore = operations.some(({ operation }) => operation === "score");
    const isShared = operations.some(({ alignment }) => alignment === "shared");
    const { epochDays, runsPerEpoch, runsPerDay, scoresPerModelVersion, modelVersionsPerEpoch } = budgets;
    return [
      `A list takes part only with at least ${people(floors.input)}, and one list is at most ${groupedDigits(floors.sizeRatio)} times as long as the other. The data owner's own node sees to it.`,
      `A result is shown only where at least ${people(floors.result)} are in both lists. The receiver's node sees to it${isShared ? ", and where both learn who matched, both nodes" : ""}.`,
      `At most ${runs(runsPerEpoch)} in ${days(epochDays)} and ${runs(runsPerDay)} in 24 hours, for each pair of datasets. Both nodes count.`,
      ...(hasScore
        ? [
            `Of one model version over the same data at most ${runs(scoresPerModelVersion)} in ${days(epochDays)}; ` +
              (modelVersionsPerEpoch === null
                ? "only as many model versions as cannot read the columns out of scores."
                : `at most ${groupedDigits(modelVersionsPerEpoch)} model versions.`),
          ]
        : []),
      ...(hasAggregate
        ? [
            `Of counts and shares: two lists are the same or differ by at least ${people(budgets.smallestDifference)}, so that asking twice tells of nobody; at most ${groupedDigits(budgets.datasetVersionsPerEpoch)} versions of the receiver's dataset in ${days(epochDays)}.`,
            agreed.kind === "none"
              ? "Counts are exact: no noise is agreed."
              : `Counts have random noise of scale ${agreed.scale}.`,
          ]
        : []),
    ];
  },
  validity: ({ version, validFrom, validUntil, supersedes }) => [
    `From ${timeText(validFrom)} until ${timeText(validUntil)}.`,
    supersedes === null
      ? "It is the first version."
      : `It is version ${version}: the version before ends when all have signed this one.`,
  ],
  differences: ENGLISH_DIFFERENCES,
};
