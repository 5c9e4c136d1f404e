/** `entente approval`: jobs that wait for a person at this node. */
import { Command } from "commander";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { describeJob } from "./follow.ts";
import { fields, printable, table } from "./output.ts";

type Approval = RouteResponse<"approvals">["approvals"][number];

function describe({ job, purpose, purposeText, leakStatement }: Approval): string {
  const about = fields({
    job: job.jobId,
    operation: `${job.operation} (${job.output}), as ${job.role}, with ${job.peer}`,
    agreement: job.agreement,
    purpose: `${purpose}: ${purposeText}`,
  });
  return `${about}\n\n${printable(leakStatement.text)}`;
}

export function approvalCommand(): Command {
  const group = new Command("approval").description("jobs that wait for a person at this node");
  group
    .command("list")
    .description("list them, each with what it would tell whom")
    .addHelpText("after", example("entente approval list"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("approvals", {});
      const text = answer.approvals.map(describe).join("\n\n");
      outputOf(command).answer(answer, text === "" ? table([], [], "Nothing waits for a decision.") : text);
    });
  for (const decision of ["approve", "decline"] as const)
    group
      .command(decision)
      .description(`${decision} one; the decision goes into the evidence log and is not taken back`)
      .argument("<job>", "its id")
      .option("--reason <text>", "why; kept at this node, the log commits to it")
      .addHelpText("after", example(`entente approval ${decision} 0b7e...`))
      .action(async (jobId: string, options: { readonly reason?: string }, command: Command) => {
        const job = await (await clientOf(command)).call("decideJob", { jobId, decision, ...options });
        outputOf(command).answer(job, describeJob(job));
      });
  return group;
}
