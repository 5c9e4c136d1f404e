/** Sizes: by the classes that both parties see, and exactly where the owner has opened its counts. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import { AGGREGATE_OUTPUTS } from "../../proto/agreement/fields.ts";
import type { Predicate, Receipt } from "../../proto/evidence/predicates.ts";
import { isReleasable } from "../../proto/policy/rules.ts";
import { classRows, sizeClassOf } from "../../proto/size-class.ts";
import type { Openings } from "./openings.ts";
import type { Trouble } from "./replay.ts";
import type { JobTrace } from "./trace.ts";

const DAY_MS = 86_400_000;

/** `role`: the log's owner's. */
export function inputProblem(
  receipt: Receipt,
  role: "receiver" | "sender",
  { decision }: JobTrace,
  { document }: Agreement,
  openings: Openings,
): Trouble {
  const { floors } = document;
  const { sizeClasses, parties, inputCommitments, sketchCommitment, protocol } = receipt;
  // A class is an upper bound of the size: one below the floor proves that the floor was not kept.
  if (Object.values(sizeClasses).some((k) => classRows(k) < floors.input))
    return ["FLOOR_BROKEN", `a list of a size class below the floor of ${floors.input}`];
  const upTo = classRows(sizeClasses[role]);
  if (decision?.ruleLimits.ownRowsUpTo !== upTo)
    return ["DECISION_DIFFERS", "the receipt has another size class than was decided on"];
  const by = parties[role];
  const opened = openings.find({ by, kind: "input", commitment: inputCommitments[role] });
  const sketched =
    role === "sender" || sketchCommitment === null
      ? undefined
      : openings.find({ by, kind: "sketch", commitment: sketchCommitment });
  if (opened === undefined) return undefined;
  const { rows } = opened;
  if (rows > upTo) return ["OPENING_INVALID", `${rows} people went in, the receipt's size class holds ${upTo}`];
  // Whom an earlier audience has found: floors and ratio are about the list of that audience.
  if (protocol.name === "aligned") return undefined;
  if (rows < floors.input) return ["FLOOR_BROKEN", `${rows} people went in, the floor is ${floors.input}`];
  if (sizeClassOf(rows) !== sizeClasses[role])
    return ["OPENING_INVALID", `${rows} people are of another size class than the receipt's`];
  if (sketched !== undefined && (sketched.groupings !== undefined) !== (receipt.output === "overlap-report"))
    return ["OPENING_INVALID", "a report says what it breaks its list down by, and nothing else does"];
  if (sketched !== undefined && sketched.rows !== rows)
    return ["OPENING_INVALID", "input and sketch are of lists of different lengths"];
  const peerMax = classRows(sizeClasses[role === "receiver" ? "sender" : "receiver"]);
  if (Math.max(rows, peerMax) > floors.sizeRatio * Math.min(rows, peerMax))
    return ["POLICY_BROKEN", `one list is more than ${floors.sizeRatio} times the other`];
  return undefined;
}

export function outputProblem(
  { receiver, outputCommitment, outputSizeClass, tags }: Predicate<"opened">,
  { receipt }: JobTrace,
  agreement: Agreement,
  openings: Openings,
): Trouble {
  const { output, inputCommitments } = (receipt as NonNullable<JobTrace["receipt"]>).predicate;
  const isAggregate = AGGREGATE_OUTPUTS.includes(output);
  if (isAggregate !== (tags === null) || isAggregate !== (outputSizeClass === null))
    return ["POLICY_BROKEN", `tags or a size that do not belong to the output ${output}`];
  if (isAggregate) {
    const opened = openings.find({ by: receiver, kind: "rate", commitment: outputCommitment });
    if (opened !== undefined && (opened.report !== undefined) !== (output === "overlap-report"))
      return ["OPENING_INVALID", `what came out is not of the output ${output}`];
    return undefined;
  }
  const { result: floor } = agreement.document.floors;
  const upTo = classRows(outputSizeClass as number);
  if (upTo < floor) return ["FLOOR_BROKEN", `at most ${upTo} people came out, the floor is ${floor}`];
  const opened = openings.find({ by: receiver, kind: "output", commitment: outputCommitment });
  if (opened === undefined) return undefined;
  const { matched } = opened;
  if (!isReleasable(agreement, matched)) return ["FLOOR_BROKEN", `${matched} people came out, the floor is ${floor}`];
  if (sizeClassOf(matched) !== outputSizeClass)
    return ["OPENING_INVALID", `${matched} people are of another size class than the entry's`];
  const input = openings.find({ by: receiver, kind: "input", commitment: inputCommitments.receiver });
  if (input !== undefined && matched > input.rows)
    return ["OPENING_INVALID", `${matched} people came out, ${input.rows} went in`];
  return undefined;
}

/** Tags live no longer than was decided on, which is no longer than was agreed. */
export function tagsProblem(
  { tags, at }: Predicate<"opened">,
  { decision }: JobTrace,
  { document }: Agreement,
): Trouble {
  if (tags === null) return undefined;
  const days = decision?.ruleLimits.tagDays ?? document.retention.tagDays;
  const isInTime = Date.parse(tags.expiresAt) <= Date.parse(at) + days * DAY_MS;
  return isInTime ? undefined : ["POLICY_BROKEN", `tags live longer than ${days} days`];
}
