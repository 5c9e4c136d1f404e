/** Options of a command that takes a table in: which columns are the id, and what becomes of rows with one id. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type IdColumn, NORMALISERS } from "../../proto/agreement/fields.ts";
import { AGGREGATES, type Aggregate, type DuplicatePolicy } from "../../proto/duplicate-policy.ts";

export interface IdFlags {
  readonly idColumn: readonly string[];
  readonly normaliser: readonly IdColumn["normaliser"][];
  readonly duplicates: DuplicatePolicy["kind"];
  readonly aggregate?: Readonly<Record<string, Aggregate>>;
  readonly defaultAggregate?: Aggregate;
}

export function addIdOptions(command: Command): Command {
  return command
    .requiredOption(
      "--id-column <column>",
      "column that identifies a person; again for each further part of the id",
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .addOption(
      new Option("--normaliser <name>", `form of that column's values, in the same order: ${NORMALISERS.join(", ")}`)
        .argParser(eachNormaliser)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option("--duplicates <policy>", "of rows with one id: keep the first, reject all, or aggregate them into one")
        .choices(["first", "reject", "aggregate"])
        .default("first"),
    )
    .addOption(
      new Option(
        "--aggregate <column=how>",
        `how its numbers are aggregated: ${AGGREGATES.join(", ")}; may be repeated`,
      ).argParser(eachAggregate),
    )
    .addOption(
      new Option("--default-aggregate <how>", "how those of all other columns of numbers are").choices(AGGREGATES),
    );
}

function eachNormaliser(text: string, before: readonly IdColumn["normaliser"][] = []) {
  const known = NORMALISERS.find((name) => name === text);
  if (known === undefined) throw new InvalidArgumentError(`Use one of ${NORMALISERS.join(", ")}.`);
  return [...before, known];
}

/** A column's name may hold an equals sign. */
function eachAggregate(text: string, before: Readonly<Record<string, Aggregate>> = {}) {
  const at = text.lastIndexOf("=");
  const how = AGGREGATES.find((name) => name === text.slice(at + 1));
  if (at < 1 || how === undefined) throw new InvalidArgumentError(`Write column=${AGGREGATES.join(" or column=")}.`);
  return { ...before, [text.slice(0, at)]: how };
}

/** Ends the command as wrong usage when columns and normalisers do not pair up. */
export function idsOf(command: Command, { idColumn, normaliser }: IdFlags): IdColumn[] {
  if (idColumn.length !== normaliser.length)
    command.error("error: give one --normaliser for each --id-column, in order");
  return idColumn.map((column, k) => ({ column, normaliser: normaliser[k] as IdColumn["normaliser"] }));
}

/** Ends the command as wrong usage when aggregates are named that nothing would use. */
export function policyOf(command: Command, { duplicates, aggregate, defaultAggregate }: IdFlags): DuplicatePolicy {
  if (duplicates === "aggregate")
    return { kind: duplicates, columns: { ...aggregate }, ...(defaultAggregate && { others: defaultAggregate }) };
  if (aggregate !== undefined || defaultAggregate !== undefined)
    command.error("error: --aggregate and --default-aggregate are for --duplicates aggregate");
  return { kind: duplicates };
}
