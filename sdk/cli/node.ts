/** `entente node` and `entente enroll`. */
import { Command } from "commander";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { fields, table } from "./output.ts";

function describe({ party, fingerprint, coordinator, connected, version }: RouteResponse<"node">): string {
  return fields({
    party,
    fingerprint,
    coordinator: coordinator ?? "not enrolled",
    connected: connected ? "yes" : "no",
    version,
  });
}

export function describeLimits({ limits }: RouteResponse<"limits">): string {
  const rows = limits.map(({ name, value, unit, isDefault, used }) => [
    name,
    used === null ? "-" : used.toLocaleString("en"),
    value.toLocaleString("en"),
    `${unit}${isDefault ? "" : " (set)"}`,
  ]);
  return table(["limit", "in use", "allowed", "of"], rows, "no limits");
}

function limitsCommand(): Command {
  return new Command("limits")
    .description("show the node's limits, and how much of each is in use")
    .addHelpText("after", example("entente node limits --node bank"))
    .addHelpText("after", "\nThey are set under 'limits' in the node's node.json, and hold from its next start.")
    .action(async (_options: object, command: Command) => {
      const limits = await (await clientOf(command)).call("limits", {});
      outputOf(command).answer(limits, describeLimits(limits));
    });
}

export function nodeCommand(): Command {
  return new Command("node")
    .description("show the node: party, fingerprint, connection")
    .addHelpText("after", example("entente node --node bank"))
    .action(async (_options: object, command: Command) => {
      const node = await (await clientOf(command)).call("node", {});
      outputOf(command).answer(node, describe(node));
    })
    .addCommand(limitsCommand());
}

export function enrollCommand(): Command {
  return new Command("enroll")
    .description("enrol the node at the coordinator that made the invite")
    .argument("<invite>", "invite code")
    .addHelpText("after", example("entente enroll entente1_... --node bank"))
    .action(async (invite: string, _options: object, command: Command) => {
      const node = await (await clientOf(command)).call("enrol", { invite });
      outputOf(command).answer(node, describe(node));
    });
}
