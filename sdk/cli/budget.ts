/** `entente budget`: what has been run of what the agreements allow. */
import { Command } from "commander";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { table } from "./output.ts";

type Budget = RouteResponse<"budgets">["budgets"][number];

/** "3 of 20", or "-" where nothing of the kind was agreed. */
export function used(count: number, allowed: number): string {
  return allowed === 0 ? "-" : `${count} of ${allowed}`;
}

function row(budget: Budget): string[] {
  return [
    budget.agreement.slice(0, 12),
    budget.operation,
    `${budget.receiverDataset} / ${budget.providerDataset}`,
    budget.receiver,
    used(budget.runsToday, budget.runsPerDay),
    used(budget.runsInEpoch, budget.runsPerEpoch),
    used(budget.modelVersions, budget.modelVersionsAllowed),
    used(budget.datasetVersions, budget.datasetVersionsAllowed),
    budget.epochEndsAt.slice(0, 10),
  ];
}

export function budgetCommand(): Command {
  return new Command("budget")
    .description("show what has been run of what the agreements allow, as this node's evidence log counts it")
    .addHelpText("after", example("entente budget"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("budgets", {});
      const head = [
        "agreement",
        "operation",
        "datasets",
        "receiver",
        "today",
        "epoch",
        "models",
        "versions",
        "epoch ends",
      ];
      outputOf(command).answer(answer, table(head, answer.budgets.map(row), "No agreement is in force."));
    });
}
