/** `entente job`: what ran and what runs. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { clientOf, example, languageOption, outputOf } from "./context.ts";
import { describeJob, watchJob } from "./follow.ts";
import { fields, table } from "./output.ts";
import { answerReport, type ReportTarget } from "./report.ts";
import { saveFile } from "./save.ts";

const FORMATS = ["csv", "parquet"] as const;

interface ResultFlags {
  readonly out: string;
  readonly format?: (typeof FORMATS)[number];
  readonly destination?: string;
  readonly forSpreadsheet?: true;
}

export function jobCommand(): Command {
  const group = new Command("job").description("jobs of this node");
  group
    .command("list")
    .description("list jobs and how they ended, or how far they are")
    .addHelpText("after", example("entente job list"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("jobs", {});
      const rows = answer.jobs.map(({ jobId, operation, role, peer, state, withheld, updatedAt }) => [
        jobId,
        operation,
        role,
        peer,
        withheld ? `${state}, withheld` : state,
        updatedAt,
      ]);
      const head = ["job", "operation", "role", "peer", "state", "updated"];
      outputOf(command).answer(answer, table(head, rows, "No jobs yet."));
    });
  group
    .command("show")
    .description("show one: state, reason, progress, summary")
    .argument("<id>", "its id")
    .addHelpText("after", example("entente job show 0b7e..."))
    .action(async (jobId: string, _options: object, command: Command) => {
      const job = await (await clientOf(command)).call("job", { jobId });
      outputOf(command).answer(job, describeJob(job));
    });
  group
    .command("follow")
    .description("show one's progress until it ends, whoever has started it")
    .argument("<id>", "its id")
    .addHelpText("after", example("entente job follow 0b7e..."))
    .action((jobId: string, _options: object, command: Command) => watchJob(jobId, command));
  group
    .command("result")
    .description("write the people that a job with labels found to a file: subject, tier and score as released, labels")
    .argument("<id>", "its id")
    .requiredOption("--out <file>", "file to write, .csv or .parquet; it appears whole or not at all")
    .addOption(new Option("--format <format>", "file format (default: as the file is named)").choices(FORMATS))
    .option("--destination <text>", "where it goes; kept at this node, the log commits to it")
    .option("--for-spreadsheet", "csv: an apostrophe before a label that a spreadsheet would run as a formula")
    .addHelpText("after", example("entente job result 0b7e... --out matched.parquet --destination 'campaign tool'"))
    .action(
      async (jobId: string, { out, format: named, destination, forSpreadsheet }: ResultFlags, command: Command) => {
        const format = named ?? FORMATS.find((known) => out.endsWith(`.${known}`));
        if (format === undefined) command.error(`error: --format: ${FORMATS.join(" or ")}`);
        const request = {
          ...{ jobId, format },
          ...(destination !== undefined && { destination }),
          ...(forSpreadsheet && { forSpreadsheet: "yes" as const }),
        };
        const bytes = await saveFile(out, await (await clientOf(command)).download("exportResult", request));
        outputOf(command).answer({ file: resolve(out), bytes }, fields({ file: out, bytes }));
      },
    );
  group
    .command("report")
    .description("show the report that a job has made")
    .argument("<id>", "its id")
    .option("--out <file>", "also a file: .html, .svg or .json")
    .addOption(languageOption())
    .addHelpText("after", example("entente job report 0b7e... --out report.html"))
    .action(async (jobId: string, target: ReportTarget, command: Command) => {
      await answerReport(jobId, target, command);
    });
  return group;
}
