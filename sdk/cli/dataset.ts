/** `entente dataset`: the node's own tables. */
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { type IdColumn, NORMALISERS } from "../../proto/agreement/fields.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { setAsideFix } from "../../proto/set-aside.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { fields, table } from "./output.ts";
import { withProgress } from "./progress.ts";

interface RegisterFlags {
  readonly file: string;
  readonly idColumn: readonly string[];
  readonly normaliser: readonly IdColumn["normaliser"][];
}

const each = (text: string, before: readonly string[] = []) => [...before, text];

function eachNormaliser(text: string, before: readonly IdColumn["normaliser"][] = []) {
  const known = NORMALISERS.find((name) => name === text);
  if (known === undefined) throw new InvalidArgumentError(`Use one of ${NORMALISERS.join(", ")}.`);
  return [...before, known];
}

/** Ends the command as wrong usage when the two do not pair up. */
function idsOf(command: Command, columns: readonly string[], normalisers: RegisterFlags["normaliser"]): IdColumn[] {
  if (columns.length !== normalisers.length)
    command.error("error: give one --normaliser for each --id-column, in order");
  return columns.map((column, k) => ({ column, normaliser: normalisers[k] as IdColumn["normaliser"] }));
}

function rejectedRows({ rejected }: RouteResponse<"registerDataset">): number {
  return Object.values(rejected).reduce((sum, rows) => sum + rows, 0);
}

/** A line for each reason: how many rows, and what to do about them. */
export function whySetAside(rejected: Readonly<Record<string, number>>): string[] {
  return Object.entries(rejected).map(([reason, rows]) => `${reason} ${rows}: ${setAsideFix(reason) ?? ""}`.trimEnd());
}

export function datasetCommand(): Command {
  const group = new Command("dataset").description("tables of this node");
  group
    .command("register")
    .description("read a table and register it, or a new version of it; the file stays where it is")
    .argument("<name>", "name of the dataset")
    .requiredOption("--file <path>", "CSV or Parquet file on the node's machine")
    .requiredOption(
      "--id-column <column>",
      "column that identifies a person; again for each further part of the id",
      each,
    )
    .addOption(
      new Option("--normaliser <name>", `form of that column's values, in the same order: ${NORMALISERS.join(", ")}`)
        .argParser(eachNormaliser)
        .makeOptionMandatory(),
    )
    .addHelpText(
      "after",
      example(
        "entente dataset register customers --file customers.csv --id-column phone --normaliser phone-e164",
        "entente dataset register cars --file cars.csv --id-column owner --normaliser cn-resident-id --id-column plate --normaliser opaque",
      ),
    )
    .action(async (name: string, { file, idColumn, normaliser }: RegisterFlags, command: Command) => {
      const request = { name, path: resolve(file), ids: idsOf(command, idColumn, normaliser) };
      const output = outputOf(command);
      const client = await clientOf(command);
      const dataset = await withProgress(output, (show) => client.callWithProgress("registerDataset", request, show));
      output.answer(
        dataset,
        fields({
          dataset: dataset.name,
          version: dataset.version,
          id: dataset.ids.map(({ column, normaliser }) => `${column} by ${normaliser}`).join(", "),
          rows: dataset.rows,
          "usable ids": dataset.accepted,
          duplicates: dataset.duplicates,
          "set aside": rejectedRows(dataset),
          quarantine: dataset.quarantine ?? undefined,
        }),
      );
      const { rejected, duplicates } = dataset;
      for (const line of whySetAside({ ...rejected, ...(duplicates > 0 ? { duplicate: duplicates } : {}) }))
        output.note(line);
    });
  group
    .command("list")
    .description("list them")
    .addHelpText("after", example("entente dataset list"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("datasets", {});
      const rows = answer.datasets.map((dataset) => [
        dataset.name,
        dataset.format,
        dataset.ids.map(({ column }) => column).join(", "),
        dataset.ids.map(({ normaliser }) => normaliser).join(", "),
        String(dataset.rows),
        String(dataset.accepted),
        String(rejectedRows(dataset)),
      ]);
      const head = ["dataset", "format", "id column", "normaliser", "rows", "usable ids", "set aside"];
      outputOf(command).answer(answer, table(head, rows, "No datasets yet."));
    });
  return group;
}
