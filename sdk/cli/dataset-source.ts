/** The options of `dataset register` that say where the rows are. */
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { RouteRequest } from "../../proto/http/routes.ts";

type Register = RouteRequest<"registerDataset">;

export interface SourceFlags {
  readonly file?: string;
  readonly duckdb?: string;
  readonly database?: string;
  readonly table?: string;
  readonly query?: string;
  readonly delimiter?: string;
  readonly quote?: NonNullable<Register["quote"]>;
  readonly encoding?: NonNullable<Register["encoding"]>;
  readonly textColumn?: readonly string[];
  readonly numberColumn?: readonly string[];
}

const DELIMITER_NAMES: Readonly<Record<string, string>> = { tab: "\t", "\\t": "\t", "\\x01": "\x01", space: " " };

function delimiter(text: string): string {
  const character = DELIMITER_NAMES[text] ?? text;
  if (character.length !== 1) throw new InvalidArgumentError("One character, or 'tab'.");
  return character;
}

function another(column: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, column];
}

export function addSourceOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--file <path>",
        "on the node's machine: a CSV or Parquet file, a folder of them, or a pattern in quotes",
      ).conflicts(["duckdb", "database", "table", "query"]),
    )
    .addOption(
      new Option("--duckdb <path>", "a DuckDB file on the node's machine, with --table").conflicts([
        "database",
        "query",
      ]),
    )
    .option("--database <name>", "a database of the node's configuration, with --table or --query")
    .option("--table <name>", "table or schema.table")
    .option("--query <sql>", "one query that only reads; give it an ORDER BY")
    .option("--delimiter <character>", "of CSV, instead of the one that its first rows propose", delimiter)
    .addOption(new Option("--quote <character>", "of CSV, likewise").choices(['"', "'"]))
    .addOption(new Option("--encoding <name>", "of CSV, likewise").choices(["utf-8", "gb18030"]))
    .option("--text-column <column>", "of CSV: holds codes, not numbers; may be repeated", another)
    .option("--number-column <column>", "of CSV: holds numbers; may be repeated", another);
}

/** Which of them go together the node says. */
export function sourceOf(flags: SourceFlags): Omit<Register, "name" | "ids" | "duplicatePolicy"> {
  const { file, duckdb, database, table, query, delimiter, quote, encoding } = flags;
  const types = [
    ...(flags.textColumn ?? []).map((column) => [column, "text"] as const),
    ...(flags.numberColumn ?? []).map((column) => [column, "number"] as const),
  ];
  return {
    ...(file !== undefined && { path: resolve(file) }),
    ...(duckdb !== undefined && { duckdb: { path: resolve(duckdb), table: table ?? "" } }),
    ...(database !== undefined && {
      postgres: { database, ...(table !== undefined && { table }), ...(query !== undefined && { query }) },
    }),
    ...(delimiter !== undefined && { delimiter }),
    ...(quote !== undefined && { quote }),
    ...(encoding !== undefined && { encoding }),
    ...(types.length > 0 && { columnTypes: Object.fromEntries(types) }),
  };
}
