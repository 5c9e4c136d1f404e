/**
 * Which tags a row gets. Total: a comparison with a missing value, or with a value of another type, is false, `!=` too;
 * `not` of it is true. Of several matching rules with one key the first wins.
 */
import { type Comparison, type Condition, invalidRule, type Literal, type Name, type TagRule } from "./rule.ts";

/** A cell: null or NaN where missing. */
export type Cell = string | number | boolean | null;

export type CellType = "string" | "number" | "boolean";

export interface RuleRow {
  readonly tier: string | null;
  /** Null where the agreement releases none. */
  readonly score: number | null;
  /** Of an own column. */
  readonly cellOf: (column: string) => Cell;
  /** Of a label. */
  readonly labelOf: (column: string) => Cell;
}

export interface RuleScope {
  /** Type of each of the bank's columns that a rule may name. */
  readonly columns: ReadonlyMap<string, CellType>;
  /** Type of each label of the job. */
  readonly labels: ReadonlyMap<string, CellType>;
  /** Names of the model's tiers; undefined without. */
  readonly tiers: readonly string[] | undefined;
  readonly hasScore: boolean;
}

/** For each key the value of the first rule that holds, in the order of the rules. */
export function tagsOf(rules: readonly TagRule[], row: RuleRow): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const { when, key, value } of rules) if (!tags.has(key) && holds(when, row)) tags.set(key, value);
  return tags;
}

export function holds(condition: Condition, row: RuleRow): boolean {
  switch (condition.op) {
    case "and":
      return condition.of.every((item) => holds(item, row));
    case "or":
      return condition.of.some((item) => holds(item, row));
    case "not":
      return !holds(condition.of, row);
    case "in":
      return condition.right.some((literal) => compares("=", cellNamed(condition.left, row), literal));
    default:
      return compares(condition.op, cellNamed(condition.left, row), condition.right);
  }
}

function cellNamed(name: Name, row: RuleRow): Cell {
  if (name.kind !== "column") return row[name.kind];
  return name.of === "label" ? row.labelOf(name.column) : row.cellOf(name.column);
}

function compares(op: Comparison, value: Cell, literal: Literal): boolean {
  if (typeof value !== typeof literal || Number.isNaN(value)) return false;
  if (op === "=" || op === "!=") return (value === literal) === (op === "=");
  if (typeof value !== "number" || typeof literal !== "number") return false;
  if (op === "<") return value < literal;
  if (op === "<=") return value <= literal;
  return op === ">" ? value > literal : value >= literal;
}

/** Each comparison of a name with literals, and the place of its rule. */
function* comparisonsOf(
  rules: readonly TagRule[],
): Generator<{ readonly rule: number; readonly left: Name; readonly literals: readonly Literal[] }> {
  for (const [rule, { when }] of rules.entries()) {
    const open: Condition[] = [when];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (!("left" in next)) open.push(...(next.op === "not" ? [next.of] : next.of));
      else yield { rule, left: next.left, literals: next.op === "in" ? next.right : [next.right] };
    }
  }
}

/** The own columns that checked rules name, each with the different literals that it is compared with. */
export function columnsIn(rules: readonly TagRule[]): ReadonlyMap<string, ReadonlySet<Literal>> {
  const columns = new Map<string, Set<Literal>>();
  for (const { left, literals } of comparisonsOf(rules)) {
    if (left.kind !== "column" || left.of === "label") continue;
    const known = columns.get(left.column) ?? new Set();
    for (const literal of literals) known.add(literal);
    columns.set(left.column, known);
  }
  return columns;
}

/**
 * The rules with the owner of every column that they name. Throws TAG_RULE_INVALID when a rule names a column, tier or
 * score that there is not, or an own column and a label at once, or compares with another type: what would be false for
 * every row.
 */
export function checkTagRules(rules: readonly TagRule[], scope: RuleScope): readonly TagRule[] {
  return rules.map((rule, i) => {
    const owned = { ...rule, when: withOwners(rule.when, scope, i) };
    for (const { left, literals } of comparisonsOf([owned])) checkComparison(left, literals, scope, i);
    return owned;
  });
}

function withOwners(condition: Condition, scope: RuleScope, rule: number): Condition {
  switch (condition.op) {
    case "and":
    case "or":
      return { ...condition, of: condition.of.map((item) => withOwners(item, scope, rule)) };
    case "not":
      return { ...condition, of: withOwners(condition.of, scope, rule) };
    default:
      return { ...condition, left: withOwner(condition.left, scope, rule) };
  }
}

function withOwner(name: Name, { columns, labels }: RuleScope, rule: number): Name {
  if (name.kind !== "column" || name.of !== undefined) return name;
  const { column } = name;
  if (columns.has(column) && labels.has(column))
    throw invalidRule(`${rule}: ${column} is an own column and a label: write own.${column} or label.${column}`);
  return { ...name, of: labels.has(column) ? "label" : "own" };
}

function checkComparison(name: Name, literals: readonly Literal[], scope: RuleScope, rule: number): void {
  const refuse = (problem: string) => invalidRule(`${rule}: ${problem}`);
  if (name.kind === "score" && !scope.hasScore) throw refuse("the output has no score");
  if (name.kind === "tier") {
    const { tiers } = scope;
    if (tiers === undefined) throw refuse("the model has no tiers");
    if (literals.some((literal) => !tiers.includes(literal as string))) throw refuse("a tier that is not the model's");
    return;
  }
  const isLabel = name.kind === "column" && name.of === "label";
  const type = name.kind === "score" ? "number" : (isLabel ? scope.labels : scope.columns).get(name.column);
  const shown = name.kind === "score" ? "score" : name.column;
  if (type === undefined) throw refuse(isLabel ? `no label ${shown}` : `no column ${shown}`);
  if (literals.some((literal) => typeof literal !== type)) throw refuse(`${shown} is a ${type}`);
}
