/** `entente dataset`: the node's own tables. */
import { Command } from "commander";
import { describePolicy } from "../../proto/duplicate-policy.ts";
import type { RouteRequest, RouteResponse } from "../../proto/http/routes.ts";
import { setAsideFix } from "../../proto/set-aside.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { describeCheck } from "./dataset-check.ts";
import { addSourceOptions, type SourceFlags, sourceOf } from "./dataset-source.ts";
import { addIdOptions, type IdFlags, idsOf, policyOf } from "./id-options.ts";
import { fields, table } from "./output.ts";
import { withProgress } from "./progress.ts";

interface RegisterFlags extends SourceFlags, IdFlags {}

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
  "entente dataset register spend --file orders.csv --id-column phone --normaliser phone-e164 --duplicates aggregate --aggregate amount=sum --default-aggregate mean",
);

function withSource(command: Command): Command {
  return addIdOptions(addSourceOptions(command.argument("<name>", "name of the dataset")));
}

export function datasetCommand(): Command {
  const group = new Command("dataset").description("tables of this node");
  withSource(
    group
      .command("register")
      .description("read a table and register it, or a new version of it; the rows stay where they are"),
  )
    .addHelpText("after", REGISTER_EXAMPLES)
    .action(async (name: string, flags: RegisterFlags, command: Command) => {
      const id = { ids: idsOf(command, flags), duplicatePolicy: policyOf(command, flags) };
      const request: RouteRequest<"registerDataset"> = { name, ...id, ...sourceOf(flags) };
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
          duplicates: `${dataset.duplicates}, policy ${describePolicy(dataset.duplicatePolicy)}`,
          "set aside": rejectedRows(dataset),
          lines:
            dataset.lines === null
              ? undefined
              : `${dataset.lines.total}, of which ${dataset.lines.swallowed} are no rows`,
          quarantine: dataset.quarantine ?? undefined,
        }),
      );
      const { rejected, duplicates } = dataset;
      const areSetAside = duplicates > 0 && dataset.duplicatePolicy.kind !== "aggregate";
      for (const line of whySetAside({ ...rejected, ...(areSetAside ? { duplicate: duplicates } : {}) }))
        output.note(line);
    });
  withSource(
    group
      .command("check")
      .description("read a table as 'register' would, register nothing, and say what is in it and what is not usable"),
  )
    .option("--show-ids", "show the first rows' ids in full, not as 138****5678")
    .addHelpText(
      "after",
      example("entente dataset check customers --file customers.csv --id-column phone --normaliser phone-e164"),
    )
    .action(async (name: string, flags: RegisterFlags & { readonly showIds?: boolean }, command: Command) => {
      const id = { ids: idsOf(command, flags), duplicatePolicy: policyOf(command, flags) };
      const request = { name, ...id, ...sourceOf(flags), showIds: flags.showIds ?? false };
      const output = outputOf(command);
      const client = await clientOf(command);
      const check = await withProgress(output, (show) => client.callWithProgress("checkDataset", request, show));
      output.answer(check, describeCheck(check));
    });
  group
    .command("list")
    .description("list datasets: rows, usable ids, what was set aside")
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
        dataset.duplicatePolicy.kind,
        String(rejectedRows(dataset)),
      ]);
      const head = ["dataset", "format", "id column", "normaliser", "rows", "usable ids", "duplicates", "set aside"];
      outputOf(command).answer(answer, table(head, rows, "No datasets yet."));
    });
  return group;
}
