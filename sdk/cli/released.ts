/** `entente released`: what has been handed over so far, to whom. */
import { Command } from "commander";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { table } from "./output.ts";

type Group = RouteResponse<"released">["released"][number];

function row(group: Group): string[] {
  const outputs = Object.entries(group.outputs).map(([output, runs]) => `${output} ${runs}`);
  return [
    group.direction === "given" ? `to ${group.peer}` : `from ${group.peer}`,
    group.agreement.slice(0, 12),
    group.operation,
    group.direction === "given"
      ? `${group.ownDataset} for ${group.peerDataset}`
      : `${group.peerDataset} for ${group.ownDataset}`,
    outputs.length === 0 ? "-" : outputs.join(", "),
    group.columnsInClear.length === 0 ? "-" : group.columnsInClear.join(", "),
    group.withheld === null ? "not told" : String(group.withheld),
    String(group.approved),
    group.lastAt === null ? "-" : group.lastAt.slice(0, 16).replace("T", " "),
  ];
}

export function releasedCommand(): Command {
  return new Command("released")
    .description(
      "show what has been handed over so far, to whom, as this node's evidence log tells it; never what was found",
    )
    .addHelpText("after", example("entente released"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("released", {});
      const head = ["whom", "agreement", "operation", "data", "runs", "in clear", "withheld", "approved here", "last"];
      outputOf(command).answer(answer, table(head, answer.released.map(row), "Nothing has been handed over yet."));
    });
}
