/** The form of a run as a request to the node, and what of it is not yet right. */
import { AGGREGATE_OUTPUTS, type Operation, type Output, tagKeyField } from "../../../proto/agreement/fields.ts";
import type { RouteRequest } from "../../../proto/http/routes.ts";
import { listed } from "../parts/listed.ts";
import type { AgreementChoice, Pair } from "./choices.ts";

type JobRequest = RouteRequest<"startJob">;

/** A breakdown as it is being written. */
export interface WrittenBreakdown {
  /** `column/NAME` or `segment/NAME`. */
  readonly what: string;
  /** Of a column of numbers its bounds, of texts its values: separated by commas. */
  readonly list: string;
  readonly isNumber: boolean;
}

/** All that a person chooses or writes. Empty texts are what is left out. */
export interface RunForm {
  readonly segment: string;
  /** `NAME@VERSION` */
  readonly peerSegment: string;
  readonly output: Output;
  readonly purpose: string;
  readonly tagKey: string;
  readonly tagValue: string;
  readonly days: string;
  readonly labels: readonly string[];
  /** One a line. */
  readonly rules: string;
  readonly by: readonly WrittenBreakdown[];
  readonly model: unknown;
  /** Id of the job whose people are scored. */
  readonly audience: string;
}

export type FieldName = "tagKey" | "tagValue" | "days" | "bounds" | "model" | "by";

export const EMPTY_FORM: RunForm = {
  segment: "",
  peerSegment: "",
  output: "list",
  purpose: "",
  tagKey: "",
  tagValue: "",
  days: "90",
  labels: [],
  rules: "",
  by: [],
  model: undefined,
  audience: "",
};

export function isAggregate(output: Output): boolean {
  return AGGREGATE_OUTPUTS.includes(output);
}

/** Fields that are missing or of another form. */
export function mistakesIn(form: RunForm, operation: Operation): FieldName[] {
  const { output, tagKey, tagValue, days, rules, by, model } = form;
  const wrong: FieldName[] = [];
  const hasRules = linesOf(rules).length > 0;
  if (!isAggregate(output)) {
    const needsTag = operation === "audience" && !hasRules;
    if (tagKey === "" ? needsTag : !tagKeyField.safeParse(tagKey).success) wrong.push("tagKey");
    if (operation === "audience" && tagKey !== "" && (tagValue === "" || tagValue.length > 64)) wrong.push("tagValue");
    if (!/^[1-9]\d{0,3}$/.test(days)) wrong.push("days");
  }
  if (output === "overlap-report") {
    if (by.length === 0) wrong.push("by");
    if (by.some(({ isNumber, list }) => isNumber && !isAscending(listed(list).map(Number)))) wrong.push("bounds");
  }
  if (operation === "score" && model === undefined) wrong.push("model");
  return wrong;
}

function isAscending(bounds: readonly number[]): boolean {
  return (
    bounds.length > 0 &&
    bounds.every((bound, i) => Number.isFinite(bound) && (i === 0 || bound > (bounds[i - 1] as number)))
  );
}

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** Of a form without mistakes. */
export function requestOf(
  form: RunForm,
  {
    operation,
    agreement,
    pair,
  }: { readonly operation: Operation; readonly agreement: AgreementChoice; readonly pair: Pair },
): JobRequest {
  const { segment, peerSegment, output, purpose, audience, model } = form;
  const [peerName, version] = peerSegment.split("@");
  return {
    operation,
    agreement: agreement.digest,
    dataset: pair.own,
    peerDataset: pair.theirs,
    output,
    ...(purpose !== "" && { purpose }),
    ...(segment !== "" && { segment: { name: segment } }),
    ...(peerName !== "" && { peerSegment: { name: peerName as string, version: Number(version) } }),
    ...(operation === "score" && { model, ...(audience !== "" && { audience }) }),
    ...(output === "overlap-report" && { by: form.by.map(breakdownOf) }),
    ...(!isAggregate(output) && tagsOf(form, operation)),
  };
}

function tagsOf({ tagKey, tagValue, days, labels, rules }: RunForm, operation: Operation): Partial<JobRequest> {
  const lines = linesOf(rules);
  const key = tagKey === "" ? {} : { key: tagKey, ...(operation === "audience" && { value: tagValue }) };
  return {
    tag: { ...key, expiresInDays: Number(days) },
    ...(lines.length > 0 && { rules: lines }),
    ...(labels.length > 0 && { labels: [...labels] }),
  };
}

function breakdownOf({ what, list, isNumber }: WrittenBreakdown): NonNullable<JobRequest["by"]>[number] {
  const slash = what.indexOf("/");
  const name = what.slice(slash + 1);
  if (what.startsWith("segment/")) return { segment: name };
  const parts = listed(list);
  if (isNumber) return { column: name, bounds: parts.map(Number) };
  return { column: name, ...(parts.length > 0 && { values: parts }) };
}
