/** `entente job`: what ran and what runs. */
import { Command } from "commander";
import { clientOf, example, outputOf } from "./context.ts";
import { describeJob, watchJob } from "./follow.ts";
import { table } from "./output.ts";

export function jobCommand(): Command {
  const group = new Command("job").description("jobs of this node");
  group
    .command("list")
    .description("list them")
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
  return group;
}
