/**
 * What DuckDB's own parser makes of a filter's text. The text is only ever an argument here, in an instance that reaches
 * no file: it is parsed, never run, and what is run later is printed anew from this tree (`filter-print.ts`).
 */
import { isDeepStrictEqual } from "node:util";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { openDuckDb, withoutValues } from "./duckdb.ts";
import { DEFAULT_LIMITS, MAX_FILTER_CHARACTERS, MAX_FILTER_DEPTH } from "./limits.ts";

/** A node as `json_serialize_sql` writes it. Which of the optional fields it has depends on its class. */
export interface FilterNode {
  readonly class: string;
  readonly type: string;
  readonly alias: string;
  /** In bytes of the statement; 2^64 - 1 where the parser made the node up. */
  readonly query_location: number;
  readonly value?: FilterConstant;
  readonly column_names?: readonly string[];
  readonly children?: readonly FilterNode[];
  readonly child?: FilterNode;
  readonly left?: FilterNode;
  readonly right?: FilterNode;
  readonly input?: FilterNode;
  readonly lower?: FilterNode;
  readonly upper?: FilterNode;
  readonly cast_type?: { readonly id: string };
  readonly function_name?: string;
  readonly schema?: string;
  readonly catalog?: string;
  readonly filter?: FilterNode | null;
  readonly distinct?: boolean;
  readonly export_state?: boolean;
  readonly order_bys?: { readonly orders: readonly unknown[] };
}

export interface FilterConstant {
  readonly type: { readonly id: string; readonly type_info: { readonly scale?: number } | null };
  readonly is_null: boolean;
  /** A decimal without its point. */
  readonly value?: unknown;
}

/** Makes the error about a part of the filter, saying where it is. It never quotes the text, which may hold values. */
export type Refuse = (part: string, node?: Pick<FilterNode, "query_location">) => EntenteError;

export interface FilterTree {
  readonly root: FilterNode;
  readonly refuse: Refuse;
}

interface Statements {
  readonly error: boolean;
  /** Byte of the statement, in digits; not with every error. */
  readonly position?: string;
  readonly statements?: readonly { readonly node: { readonly where_clause?: FilterNode | null } }[];
}

const START = "SELECT 1 FROM t WHERE ";

/** Throws FILTER_INVALID unless the text is one expression, whatever that is made of. */
export async function parseTree(text: string): Promise<FilterTree> {
  if (text.length > MAX_FILTER_CHARACTERS) throw invalid(`more than ${MAX_FILTER_CHARACTERS} characters`);
  if (text.includes("\0") || !text.isWellFormed()) throw invalid("a character that is not text");
  const refuse = refusal(text);
  // Bare, the text could add a clause or a statement; in brackets it could close them and open others. What is the same
  // expression both ways, in a statement that is otherwise as it was, is one expression. The line end closes a comment.
  const [bare = "", bracketed = "", model = ""] = await serialised([text, `(${text}\n)`, "true"]);
  // Before anything that calls itself looks at it: an expression in another is at most three levels of JSON deeper.
  if (levelsOf(bare) > 4 * MAX_FILTER_DEPTH) throw tooDeep(refuse);
  const { error, position, statements } = parsed(bare, refuse);
  if (error) throw refuse("a syntax error", { query_location: Number(position) });
  const root = statements?.[0]?.node.where_clause;
  const others = (json: string) => withoutWhere(parsed(json, refuse, isPlain));
  const whole = (json: string) => parsed(json, refuse, isPlain);
  if (levelsOf(bracketed) > 4 * MAX_FILTER_DEPTH) throw tooDeep(refuse);
  if (!root || !isDeepStrictEqual(others(bare), others(model)) || !isDeepStrictEqual(whole(bare), whole(bracketed)))
    throw refuse("more than one expression, or a parameter");
  return { root, refuse };
}

/** Also for the printer, which counts the levels of the expression itself. */
export function tooDeep(refuse: Refuse): EntenteError {
  return refuse(`more than ${MAX_FILTER_DEPTH} levels`);
}

function invalid(detail: string): EntenteError {
  return new EntenteError("FILTER_INVALID", { detail });
}

function refusal(text: string): Refuse {
  const bytes = utf8(text);
  return (part, node) => {
    const at = Number(node?.query_location) - START.length;
    if (!(at >= 0 && at <= bytes.length)) return invalid(part);
    const before = bytes.subarray(0, at).filter((byte) => (byte & 0xc0) !== 0x80).length;
    return invalid(`${part} at character ${before + 1}`);
  };
}

async function serialised(conditions: readonly string[]): Promise<string[]> {
  const db = await openDuckDb("nothing", DEFAULT_LIMITS);
  try {
    const trees = conditions.map((_, i) => `json_serialize_sql($${i + 1}::VARCHAR)`).join(", ");
    const statements = conditions.map((condition) => START + condition);
    const [row = []] = (await db.connection.runAndReadAll(`SELECT ${trees}`, statements)).getRows();
    return row.map(String);
  } catch (error) {
    throw new EntenteError("FILTER_INVALID", { detail: "not SQL", cause: withoutValues(error) });
  } finally {
    db.close();
  }
}

/** How deep objects and lists lie in each other. */
function levelsOf(json: string): number {
  let level = 0;
  let most = 0;
  for (const [bracket] of json.replaceAll(/"(?:[^"\\]|\\.)*"/g, "").matchAll(/[[{\]}]/g))
    most = Math.max(most, bracket === "{" || bracket === "[" ? ++level : level--);
  return most;
}

/** Where a node stands in the text differs between two ways to parse it. */
function isPlain(field: string): boolean {
  return field !== "query_location";
}

function parsed(json: string, refuse: Refuse, keep: (field: string) => boolean = () => true): Statements {
  try {
    return JSON.parse(json, (field, value) => (keep(field) ? value : undefined)) as Statements;
  } catch {
    // The one thing that DuckDB writes and JSON does not know.
    throw refuse("an infinite number");
  }
}

function withoutWhere({ error, statements }: Statements): unknown {
  return { error, statements: statements?.map(({ node, ...rest }) => ({ ...rest, ...node, where_clause: null })) };
}
