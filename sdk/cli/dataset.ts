/** `entente dataset`: the node's own tables. */
import { Command, InvalidArgumentError, Option } from "commander";
import { type IdColumn, NORMALISERS } from "../../proto/agreement/fields.ts";
import type { RouteRequest, RouteResponse } from "../../proto/http/routes.ts";
import { setAsideFix } from "../../proto/set-aside.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { addSourceOptions, type SourceFlags, sourceOf } from "./dataset-source.ts";
import { fields, table } from "./output.ts";
import { withProgress } from "./progress.ts";

interface RegisterFlags extends SourceFlags {
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

/** What was proposed or given: to be looked at once. */
function dialectText({ delimiter, quote, encoding }: NonNullable<RouteResponse<"registerDataset">["dialect"]>): string {
  return `${encoding}, delimiter ${delimiter === "\t" ? "tab" : JSON.stringify(delimiter)}, quote ${quote}`;
}

/** A line for each reason: how many rows, and what to do about them. */
export function whySetAside(rejected: Readonly<Record<string, number>>): string[] {
  return Object.entries(rejected).map(([reason, rows]) => `${reason} ${rows}: ${setAsideFix(reason) ?? ""}`.trimEnd());
}

const REGISTER_EXAMPLES = example(
  "entente dataset register customers --file customers.csv --id-column phone --normaliser phone-e164",
  "entente dataset register visits --file '/data/visits/2026-*.parquet' --id-column phone --normaliser phone-e164",
  "entente dataset register loans --database warehouse --table public.loans --id-column phone --normaliser phone-e164",
  "entente dataset register cars --file cars.csv --id-column owner --normaliser cn-resident-id --id-column plate --normaliser opaque",
);

export function datasetCommand(): Command {
  const group = new Command("dataset").description("tables of this node");
  const register = group
    .command("register")
    .description("read a table and register it, or a new version of it; the rows stay where they are")
    .argument("<name>", "name of the dataset");
  addSourceOptions(register)
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
    .addHelpText("after", REGISTER_EXAMPLES)
    .action(async (name: string, { idColumn, normaliser, ...source }: RegisterFlags, command: Command) => {
      const ids = idsOf(command, idColumn, normaliser);
      const request: RouteRequest<"registerDataset"> = { name, ids, ...sourceOf(source) };
      const output = outputOf(command);
      const client = await clientOf(command);
      const dataset = await withProgress(output, (show) => client.callWithProgress("registerDataset", request, show));
      output.answer(
        dataset,
        fields({
          dataset: dataset.name,
          version: dataset.version,
          id: dataset.ids.map(({ column, normaliser }) => `${column} by ${normaliser}`).join(", "),
          source: dataset.source.from,
          files: dataset.source.files > 1 ? dataset.source.files : undefined,
          dialect: dataset.dialect === null ? undefined : dialectText(dataset.dialect),
          rows: dataset.rows,
          "usable ids": dataset.accepted,
          duplicates: dataset.duplicates,
          "set aside": rejectedRows(dataset),
          lines:
            dataset.lines === null
              ? undefined
              : `${dataset.lines.total}, of which ${dataset.lines.swallowed} are no rows`,
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
