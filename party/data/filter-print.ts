/**
 * A filter as SQL of our own, printed from the parser's tree. What is not in a list here is refused by its kind, so that
 * no version of DuckDB can add a way to reach anything but the row's own cells.
 */
import { call, isFunction } from "./filter-functions.ts";
import { type FilterNode, type FilterTree, type Refuse, tooDeep } from "./filter-tree.ts";
import { CASTS, coerced, commonType, number, numberConstant, type Typed, textConstant } from "./filter-types.ts";
import { MAX_FILTER_DEPTH, MAX_FILTER_NODES } from "./limits.ts";
import { columnSql, type DatasetTable, type RowCondition } from "./table.ts";

const COMPARISONS: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: "=",
  COMPARE_NOTEQUAL: "<>",
  COMPARE_LESSTHAN: "<",
  COMPARE_GREATERTHAN: ">",
  COMPARE_LESSTHANOREQUALTO: "<=",
  COMPARE_GREATERTHANOREQUALTO: ">=",
  COMPARE_DISTINCT_FROM: "IS DISTINCT FROM",
  COMPARE_NOT_DISTINCT_FROM: "IS NOT DISTINCT FROM",
};

const CONJUNCTIONS: Readonly<Record<string, string>> = { CONJUNCTION_AND: " AND ", CONJUNCTION_OR: " OR " };
const NULL_TESTS: Readonly<Record<string, string>> = {
  OPERATOR_IS_NULL: "IS NULL",
  OPERATOR_IS_NOT_NULL: "IS NOT NULL",
};
const MEMBERSHIPS: Readonly<Record<string, string>> = { COMPARE_IN: "IN", COMPARE_NOT_IN: "NOT IN" };

/** Throws FILTER_INVALID with the part that is not allowed. */
export function printFilter(tree: FilterTree, table: DatasetTable): RowCondition {
  const printer = new Printer(table, tree.refuse);
  const sql = printer.condition(tree.root, 1);
  if (printer.columns.size === 0) throw tree.refuse("no column is named");
  return { sql, columns: [...printer.columns].sort((a, b) => a - b) };
}

type Parts = readonly (FilterNode | undefined)[];

class Printer {
  readonly columns = new Set<number>();
  readonly #table: DatasetTable;
  readonly #refuse: Refuse;
  #nodes = 0;

  constructor(table: DatasetTable, refuse: Refuse) {
    this.#table = table;
    this.#refuse = refuse;
  }

  /** A column of flags is a condition by itself: true, or a number that is not 0. */
  condition(node: FilterNode | undefined, depth: number): string {
    const value = this.#print(node, depth);
    const { type, written } = value;
    const sql =
      type === "boolean" || type === "null" || written !== undefined ? coerced(value, "boolean")?.sql : undefined;
    if (sql === undefined) throw this.#refuse("not a condition", node);
    return sql;
  }

  #print(node: FilterNode | undefined, depth: number): Typed {
    if (node === undefined) throw this.#refuse("a part is missing");
    if (++this.#nodes > MAX_FILTER_NODES) throw this.#refuse(`more than ${MAX_FILTER_NODES} parts`);
    if (depth > MAX_FILTER_DEPTH) throw tooDeep(this.#refuse);
    if (node.alias !== "") throw this.#refuse("an alias", node);
    switch (node.class) {
      case "CONSTANT":
        return this.#constant(node);
      case "COLUMN_REF":
        return this.#column(node);
      case "COMPARISON":
        return this.#comparison(node, depth + 1);
      case "BETWEEN":
        return this.#between(node, depth + 1);
      case "CONJUNCTION":
        return this.#conjunction(node, depth + 1);
      case "OPERATOR":
        return this.#operator(node, depth + 1);
      case "FUNCTION":
        return this.#function(node, depth + 1);
      case "CAST":
        return this.#cast(node, depth + 1);
      default:
        throw this.#refuse(`a part that a filter may not have: ${node.class.toLowerCase()}`, node);
    }
  }

  #constant(node: FilterNode): Typed {
    const { type, is_null, value } = node.value ?? { type: { id: "", type_info: null }, is_null: false };
    if (is_null) return { type: "null", sql: "NULL" };
    if (type.id === "VARCHAR" && typeof value === "string") return textConstant(value);
    if (type.id === "BOOLEAN") return { type: "boolean", sql: value === true ? "true" : "false" };
    if (typeof value === "number" && Number.isFinite(value)) {
      if (type.id === "DOUBLE") return numberConstant(value);
      // Beyond 2^53 JSON gives another number than was written.
      if (Number.isSafeInteger(value)) {
        if (type.id === "INTEGER" || type.id === "BIGINT") return numberConstant(value);
        if (type.id === "DECIMAL") return numberConstant(Number(`${value}e-${type.type_info?.scale}`));
      }
    }
    throw this.#refuse("a constant of a type or size that a filter may not have", node);
  }

  #column(node: FilterNode): Typed {
    const [name = "", ...more] = node.column_names ?? [];
    if (more.length > 0) throw this.#refuse("a name of several parts", node);
    const index = columnNamed(this.#table, name);
    if (index === undefined)
      throw this.#refuse("a column that the dataset does not have, or text in double quotes", node);
    this.columns.add(index);
    const type = this.#table.columns[index]?.type;
    const { value, written } = columnSql(this.#table, index);
    if (type === "number") return { ...number(value), written };
    return { type: type === "other" ? type : "text", sql: written, written };
  }

  #comparison(node: FilterNode, depth: number): Typed {
    const operator = this.#known(COMPARISONS, node);
    const [left, right] = this.#alike(node, [node.left, node.right], depth);
    return { type: "boolean", sql: `(${left} ${operator} ${right})` };
  }

  #between(node: FilterNode, depth: number): Typed {
    const [input, lower, upper] = this.#alike(node, [node.input, node.lower, node.upper], depth);
    return { type: "boolean", sql: `(${input} BETWEEN ${lower} AND ${upper})` };
  }

  #conjunction(node: FilterNode, depth: number): Typed {
    const operator = this.#known(CONJUNCTIONS, node);
    const parts = (node.children ?? []).map((child) => this.condition(child, depth));
    return { type: "boolean", sql: `(${parts.join(operator)})` };
  }

  #operator(node: FilterNode, depth: number): Typed {
    const children = node.children ?? [];
    const [first] = children;
    if (node.type === "OPERATOR_NOT" && first !== undefined)
      return { type: "boolean", sql: `(NOT ${this.condition(first, depth)})` };
    if (node.type === "OPERATOR_COALESCE") {
      const { type, values } = this.#common(node, children, depth);
      return { type, sql: `coalesce(${values.join(", ")})` };
    }
    if (Object.hasOwn(NULL_TESTS, node.type) && first !== undefined)
      return { type: "boolean", sql: `(${this.#print(first, depth).sql} ${NULL_TESTS[node.type]})` };
    const operator = this.#known(MEMBERSHIPS, node);
    const [input, ...list] = this.#alike(node, children, depth);
    return { type: "boolean", sql: `(${input} ${operator} (${list.join(", ")}))` };
  }

  #function(node: FilterNode, depth: number): Typed {
    const { function_name: name = "", schema, catalog, filter, distinct, export_state, order_bys } = node;
    // The parser puts its own forms, as SUBSTRING(x FROM 1), into the schema main; neither is printed.
    const plain =
      (schema === "" || schema === "main") &&
      catalog === "" &&
      filter === null &&
      !distinct &&
      !export_state &&
      order_bys?.orders.length === 0;
    // The name of a function is not a value; in letters alone it could not be an id either.
    const shown = /^[a-z_]{1,40}$/.test(name) ? ` ${name}` : "";
    if (!plain || !isFunction(name)) throw this.#refuse(`a function that a filter may not call:${shown}`, node);
    const value = call(
      name,
      (node.children ?? []).map((child) => this.#print(child, depth)),
    );
    if (value === undefined) throw this.#refuse(`a function with other arguments than it takes:${shown}`, node);
    return value;
  }

  /** Tries, whether or not the filter says TRY_CAST: no value of a row may end a job. */
  #cast(node: FilterNode, depth: number): Typed {
    const id = node.cast_type?.id ?? "";
    const value = this.#print(node.child, depth);
    const cast = Object.hasOwn(CASTS, id) ? CASTS[id]?.(value) : undefined;
    if (cast === undefined) throw this.#refuse("a cast that a filter may not make", node);
    return cast;
  }

  #known(operators: Readonly<Record<string, string>>, node: FilterNode): string {
    const operator = Object.hasOwn(operators, node.type) ? operators[node.type] : undefined;
    if (operator === undefined) throw this.#refuse("an operator that a filter may not have", node);
    return operator;
  }

  #alike(node: FilterNode, parts: Parts, depth: number): readonly string[] {
    return this.#common(node, parts, depth).values;
  }

  /** Expressions as values of the one type that they are compared as. */
  #common(node: FilterNode, parts: Parts, depth: number) {
    const printed = parts.map((part) => this.#print(part, depth));
    const type = commonType(printed);
    const values = printed.map((value) => (type === undefined ? undefined : coerced(value, type)?.sql));
    if (type === undefined || values.includes(undefined))
      throw this.#refuse("values of types that do not go together", node);
    return { type, values: values as string[] };
  }
}

/** By the name as it is written or else, as in SQL, in another case, when that is one column's only. */
function columnNamed({ columns }: DatasetTable, name: string): number | undefined {
  const exact = columns.findIndex((column) => column.name === name);
  if (exact >= 0) return exact;
  const folded = name.toLowerCase();
  const found = columns.flatMap((column, index) => (column.name.toLowerCase() === folded ? [index] : []));
  return found.length === 1 ? found[0] : undefined;
}
