/** `entente audience`: find the shared customers and tag them. */
import { Command, InvalidArgumentError } from "commander";
import type { Job } from "../client.ts";
import { example } from "./context.ts";
import { runJob } from "./follow.ts";
import { answerReport, BY_HELP, collectBy, formatOf } from "./report.ts";
import { type RunFlags, runFields, type TagFlags, tagFields, withRunOptions, withTagOptions } from "./run-options.ts";

interface Tag {
  readonly key: string;
  readonly value: string;
}

type ReportFlags = RunFlags & { readonly by: ReturnType<typeof collectBy>; readonly out?: string };
type AudienceFlags = RunFlags & TagFlags & { readonly tag?: Tag };

function parseTag(text: string): Tag {
  const [, key, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError("A tag is KEY=VALUE.");
  return { key, value };
}

export function audienceCommand(): Command {
  const group = new Command("audience").description("joint audiences: whom do both parties know");
  withTagOptions(withRunOptions(group.command("run")))
    .description("find the people whom both parties know, and issue tags for them")
    .option("--tag <key=value>", "tag for everybody to whom no rule issues that key", parseTag)
    .addHelpText(
      "after",
      example(
        "entente audience run --agreement 5f0c... --dataset customers --peer-dataset subscribers \\",
        "    --tag marketing:joint-audience=spring --expires-days 30 --segment wealthy --peer-segment adults",
      ),
    )
    .action(async ({ tag, ...flags }: AudienceFlags, command: Command) => {
      const tags = await tagFields(flags, tag, command);
      await runJob(
        { operation: "audience", output: "list", ...(await runFields(flags, command)), ...tags },
        flags,
        command,
      );
    });
  withRunOptions(group.command("rate"))
    .description("find the share of the own list that the peer knows, as a percentage: no list, no tags")
    .addHelpText(
      "after",
      example("entente audience rate --agreement 5f0c... --dataset customers --peer-dataset subscribers"),
    )
    .action(async (flags: RunFlags, command: Command) => {
      await runJob(
        { operation: "audience", output: "match-rate", ...(await runFields(flags, command)) },
        flags,
        command,
      );
    });
  withRunOptions(group.command("report"))
    .description("count how many of the own list the peer knows, in all and by group: a table, and a page or a picture")
    .requiredOption("--by <grouping>", BY_HELP, collectBy)
    .option("--out <file>", "also a file: .html, .svg or .json")
    .addHelpText(
      "after",
      example(
        "entente audience report --agreement 5f0c... --dataset customers --peer-dataset subscribers \\",
        "    --by column:city --by bins:balance=0,10000,50000 --by segment:vip --out report.html",
      ),
    )
    .action(async ({ by, out, ...flags }: ReportFlags, command: Command) => {
      if (out !== undefined) formatOf(out);
      const request = {
        operation: "audience",
        output: "overlap-report",
        by,
        ...(await runFields(flags, command)),
      } as const;
      const onResult = ({ jobId }: Job) => answerReport(jobId, { out, language: flags.language }, command);
      await runJob(request, { ...flags, onResult }, command);
    });
  return group;
}
