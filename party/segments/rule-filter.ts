/** A rule in the filter language. What is printed here is parsed like what a person typed: nothing is trusted. */
import type { RuleCondition, SegmentRule } from "../../proto/segments/rule.ts";
import { sqlName, sqlText } from "../data/duckdb.ts";

type Scalar = string | number | boolean;

function literal(value: Scalar): string {
  return typeof value === "string" ? sqlText(value) : String(value);
}

const CALLS = { contains: "contains", "starts with": "starts_with", "ends with": "ends_with" } as const;

function conditionFilter(condition: RuleCondition): string {
  const column = sqlName(condition.column);
  switch (condition.op) {
    case "in":
    case "not in":
      return `${column} ${condition.op.toUpperCase()} (${condition.value.map(literal).join(", ")})`;
    case "between":
      return `${column} BETWEEN ${condition.value.map(literal).join(" AND ")}`;
    case "contains":
    case "starts with":
    case "ends with":
      return `${CALLS[condition.op]}(${column}, ${literal(condition.value)})`;
    case "is empty":
      return `${column} IS NULL`;
    case "is not empty":
      return `${column} IS NOT NULL`;
    default:
      return `${column} ${condition.op} ${literal(condition.value)}`;
  }
}

/** One expression of the filter language. Throws BAD_REQUEST on a NUL character. */
export function ruleFilter(rule: SegmentRule): string {
  if ("all" in rule) return `(${rule.all.map(ruleFilter).join(" AND ")})`;
  if ("any" in rule) return `(${rule.any.map(ruleFilter).join(" OR ")})`;
  if ("not" in rule) return `(NOT ${ruleFilter(rule.not)})`;
  return conditionFilter(rule);
}
