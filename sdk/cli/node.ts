/** `entente node` and `entente enroll`. */
import { Command } from "commander";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { fields } from "./output.ts";

function describe({ party, fingerprint, coordinator, connected, version }: RouteResponse<"node">): string {
  return fields({
    party,
    fingerprint,
    coordinator: coordinator ?? "not enrolled",
    connected: connected ? "yes" : "no",
    version,
  });
}

export function nodeCommand(): Command {
  return new Command("node")
    .description("show the node: party, fingerprint, connection")
    .addHelpText("after", example("entente node --node bank"))
    .action(async (_options: object, command: Command) => {
      const node = await (await clientOf(command)).call("node", {});
      outputOf(command).answer(node, describe(node));
    });
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
