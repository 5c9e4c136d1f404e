/** `entente tags`: the product's output. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { RouteRequest } from "../../proto/http/routes.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { fields, table } from "./output.ts";
import { saveFile } from "./save.ts";

interface ExportFlags {
  readonly format: RouteRequest<"exportTags">["format"];
  readonly out: string;
  readonly key?: string;
  readonly destination?: string;
}

export function tagsCommand(): Command {
  const group = new Command("tags").description("tags issued to this party");
  group
    .command("list")
    .description("count them by key, value and job")
    .addHelpText("after", example("entente tags list"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("tags", {});
      const rows = answer.tags.map(({ key, value, jobId, count }) => [key, value, String(count), jobId]);
      outputOf(command).answer(answer, table(["key", "value", "people", "job"], rows, "No tags yet."));
    });
  group
    .command("export")
    .description("write the tags in force to a file")
    .addOption(new Option("--format <format>", "file format").choices(["csv", "parquet"]).makeOptionMandatory())
    .requiredOption("--out <file>", "file to write; it appears whole or not at all")
    .option("--key <key>", "only tags of this key")
    .option("--destination <text>", "where they go; kept at this node, the log commits to it")
    .addHelpText("after", example("entente tags export --format csv --key risk:credit --out risk.csv"))
    .action(async ({ out, ...request }: ExportFlags, command: Command) => {
      const bytes = await saveFile(out, await (await clientOf(command)).download("exportTags", request));
      outputOf(command).answer({ file: resolve(out), bytes }, fields({ file: out, bytes }));
    });
  return group;
}
