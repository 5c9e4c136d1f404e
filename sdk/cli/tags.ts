/** `entente tags`: the product's output. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { RouteRequest } from "../../proto/http/routes.ts";
import { clientOf, example, outputOf, parseDays } from "./context.ts";
import { fields, table } from "./output.ts";
import { saveFile } from "./save.ts";

interface ExportFlags {
  readonly format: RouteRequest<"exportTags">["format"];
  readonly out: string;
  readonly key?: string;
  readonly destination?: string;
}

interface DefineFlags {
  readonly kind: "marketing" | "risk";
  readonly type: "text" | "number";
  readonly value?: string[];
  readonly owner?: string;
  readonly purpose?: string;
  readonly ttlDays?: number;
  readonly agreement?: string;
  readonly description?: string;
}

async function define(key: string, flags: DefineFlags, command: Command): Promise<void> {
  const {
    kind,
    type,
    value,
    owner = null,
    purpose = null,
    ttlDays = null,
    agreement = null,
    description = null,
  } = flags;
  const rest = { owner, purpose, ttlDays, agreement: agreement as RouteRequest<"defineTag">["agreement"], description };
  const defined = await (await clientOf(command)).call("defineTag", { key, kind, valueType: value ?? type, ...rest });
  outputOf(command).answer(
    defined,
    fields({ key, kind, values: typeText(defined.valueType), owner: owner ?? undefined }),
  );
}

function typeText(type: string | readonly string[]): string {
  return typeof type === "string" ? type : type.join(" | ");
}

export function tagsCommand(): Command {
  const group = new Command("tag").alias("tags").description("tags issued to this party");
  group
    .command("list")
    .description("count them by key, value and job")
    .addHelpText("after", example("entente tag list"))
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
    .addHelpText("after", example("entente tag export --format csv --key risk:credit --out risk.csv"))
    .action(async ({ out, ...request }: ExportFlags, command: Command) => {
      const bytes = await saveFile(out, await (await clientOf(command)).download("exportTags", request));
      outputOf(command).answer({ file: resolve(out), bytes }, fields({ file: out, bytes }));
    });
  group
    .command("define")
    .description("say in the catalogue what a key means; binds the jobs after it; once defined, a steward's to change")
    .argument("<key>")
    .addOption(new Option("--kind <kind>", "what it is for").choices(["marketing", "risk"]).makeOptionMandatory())
    .addOption(new Option("--type <type>", "what its values are").choices(["text", "number"]).default("text"))
    .option("--value <value...>", "the values that there are, instead of a type")
    .option("--owner <who>", "the person or team that answers for it")
    .option("--purpose <text>", "what it may be used for")
    .option("--ttl-days <days>", "its tags live so long at most", parseDays)
    .option("--agreement <digest>", "the only agreement that it may be issued under")
    .option("--description <text>", "for the people who use it")
    .addHelpText(
      "after",
      example("entente tag define risk:default --kind risk --value A B C D E --owner 'Credit risk'"),
    )
    .action(define);
  group
    .command("catalogue")
    .description("list all keys: those that are defined, and those that jobs have issued without")
    .addHelpText("after", example("entente tag catalogue"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("tagCatalogue", {});
      const rows = answer.definitions.map(({ key, kind, valueType, owner, ttlDays, isDeclared }) =>
        [key, kind ?? "", typeText(valueType), owner ?? "", ttlDays ?? "", isDeclared ? "defined" : "undeclared"].map(
          String,
        ),
      );
      outputOf(command).answer(answer, table(["key", "kind", "values", "owner", "days", ""], rows, "No keys yet."));
    });
  group
    .command("batches")
    .description("list what each job has issued, newest first, and what of it stands")
    .addHelpText("after", example("entente tag batches"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("tagBatches", {});
      const rows = answer.batches.map(({ key, state, current, counts, issuedAt, expiresAt, jobId }) => {
        const issued = Object.values(counts).reduce((sum, count) => sum + count, 0);
        return [key, state, `${current} of ${issued}`, issuedAt, expiresAt, jobId];
      });
      outputOf(command).answer(
        answer,
        table(["key", "state", "people", "issued", "expires", "job"], rows, "No tags yet."),
      );
    });
  group
    .command("history")
    .description("list what a person has had, newest first")
    .argument("<subject>", "the normalised id")
    .addHelpText("after", example("entente tag history +8613800001234"))
    .action(async (subject: string, _options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("tagHistory", { subject });
      const rows = answer.tags.map(({ key, value, state, issuedAt, jobId }) => [key, value, state, issuedAt, jobId]);
      outputOf(command).answer(answer, table(["key", "value", "state", "issued", "job"], rows, "No tags."));
    });
  return group;
}
