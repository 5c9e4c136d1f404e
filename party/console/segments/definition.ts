/** The form of a segment as a request to the node. */
import type { RouteRequest } from "../../../proto/http/routes.ts";
import type { SegmentKind } from "../../../proto/segments/names.ts";
import { listed } from "../parts/listed.ts";

type Definition = RouteRequest<"defineSegment">["definition"];

export const OPERATORS = [
  "=",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  "in",
  "not in",
  "contains",
  "starts with",
  "ends with",
  "is empty",
  "is not empty",
] as const;
export type Operator = (typeof OPERATORS)[number];

export interface WrittenCondition {
  readonly column: string;
  readonly operator: Operator;
  readonly value: string;
}

export interface SegmentForm {
  readonly name: string;
  readonly dataset: string;
  readonly kind: SegmentKind;
  readonly join: "all" | "any";
  readonly conditions: readonly WrittenCondition[];
  readonly sql: string;
  readonly ids: string;
  readonly path: string;
  readonly idColumn: string;
  readonly tagKey: string;
  readonly tagValues: string;
  readonly expression: string;
}

export const EMPTY_SEGMENT: SegmentForm = {
  name: "",
  dataset: "",
  kind: "rule",
  join: "all",
  conditions: [{ column: "", operator: "=", value: "" }],
  sql: "",
  ids: "",
  path: "",
  idColumn: "",
  tagKey: "",
  tagValues: "",
  expression: "",
};

export function takesValue(operator: Operator): boolean {
  return operator !== "is empty" && operator !== "is not empty";
}

/** `isNumber`: of a column, by its name. */
export function definitionOf(form: SegmentForm, isNumber: (column: string) => boolean): Definition {
  const { kind, join, conditions, sql, ids, path, idColumn, tagKey, tagValues, expression } = form;
  switch (kind) {
    case "rule": {
      const parts = conditions.map((condition) => conditionOf(condition, isNumber(condition.column)));
      return { kind, rule: join === "all" ? { all: parts } : { any: parts } };
    }
    case "sql":
      return { kind, expression: sql.trim() };
    case "list":
      return { kind, ids: ids.split("\n").filter((line) => line.trim() !== "") };
    case "import":
      return { kind, path: path.trim(), idColumns: listed(idColumn) };
    case "tier": {
      const values = listed(tagValues);
      return { kind, ...(tagKey !== "" && { key: tagKey.trim() }), ...(values.length > 0 && { values }) };
    }
    case "derived":
      return { kind, expression: expression.trim() };
  }
}

type Rule = Extract<Definition, { kind: "rule" }>["rule"];

function conditionOf({ column, operator, value }: WrittenCondition, isNumber: boolean): Rule {
  const scalar = (text: string) =>
    isNumber && text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  switch (operator) {
    case "is empty":
    case "is not empty":
      return { column, op: operator };
    case "in":
    case "not in":
      return { column, op: operator, value: listed(value).map(scalar) };
    case "contains":
    case "starts with":
    case "ends with":
      return { column, op: operator, value };
    default:
      return { column, op: operator, value: scalar(value) };
  }
}
