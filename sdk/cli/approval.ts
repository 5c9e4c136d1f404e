/** `entente approval`: jobs that wait for a person at this node. */
import { Command } from "commander";
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { Language } from "../../proto/language.ts";
import type { Novelty } from "../../proto/policy/novelty.ts";
import { used } from "./budget.ts";
import { clientOf, example, languageOption, outputOf } from "./context.ts";
import { describeJob } from "./follow.ts";
import { fields, printable, table } from "./output.ts";

type Approval = RouteResponse<"approvals">["approvals"][number];

function describe(approval: Approval, language: Language): string {
  const { job, title, version, purpose, purposeText, requestedBy, decideBefore, news, budget, leakStatement } =
    approval;
  const about = fields({
    job: job.jobId,
    operation: `${job.operation} (${job.output}), as ${job.role}, with ${job.peer}`,
    datasets: `own ${approval.ownDataset}, theirs ${approval.peerDataset}`,
    agreement: `${title}, version ${version} (${job.agreement})`,
    purpose: `${purpose}: ${purposeText}`,
    "asked for by": requestedBy ?? job.peer,
    "new in it":
      news.length === 0 ? "nothing: completed runs have told as much" : news.map((item) => NEWS[item]).join(", "),
    "runs in this epoch": budget === null ? undefined : used(budget.runsInEpoch, budget.runsPerEpoch),
    "decide before": decideBefore,
  });
  const { text } = language === "en" ? leakStatement : leakStatement.translations[language];
  return `${about}\n\n${printable(text)}`;
}

const NEWS: { readonly [N in Novelty]: string } = {
  first: "everything: the first run of its kind",
  output: "its output",
  columns: "columns in clear",
  segment: "the segment",
  model: "the model",
  groups: "more groups",
};

export function approvalCommand(): Command {
  const group = new Command("approval").description("jobs that wait for a person at this node");
  group
    .command("list")
    .description("list the jobs that wait, each with what it would tell whom")
    .addOption(languageOption())
    .addHelpText("after", example("entente approval list"))
    .action(async ({ language }: { readonly language: Language }, command: Command) => {
      const answer = await (await clientOf(command)).call("approvals", {});
      const text = answer.approvals.map((approval) => describe(approval, language)).join("\n\n");
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
