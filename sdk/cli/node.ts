/** `entente node` and `entente enroll`. */
import { Command } from "commander";
import * as z from "zod";
import { EntenteError } from "../../proto/errors.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { clientOf, consoleUrlOf, example, opsUrlOf, outputOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
import { fields, table } from "./output.ts";

function describe(node: RouteResponse<"node">, consoleUrl: string): string {
  const { party, fingerprint, coordinator, connected, version } = node;
  return fields({
    party,
    fingerprint,
    coordinator: coordinator ?? "not enrolled",
    connected: connected ? "yes" : "no",
    console: consoleUrl,
    version,
  });
}

async function answer(node: RouteResponse<"node">, command: Command): Promise<void> {
  const consoleUrl = await consoleUrlOf(command);
  outputOf(command).answer({ ...node, consoleUrl }, describe(node, consoleUrl));
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

const readinessForm = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), why: z.string().optional() })).default({}),
});

function readyCommand(): Command {
  return new Command("ready")
    .description("ask whether the node can take a job now, and what stands in the way; exit 1 when it cannot")
    .addHelpText("after", example("entente node ready --node bank"))
    .action(async (_options: object, command: Command) => {
      const url = `${await opsUrlOf(command)}/readyz`;
      const answer = await fetch(url, { redirect: "error" }).catch((cause: unknown) => {
        throw new EntenteError("NODE_UNREACHABLE", { detail: "its listener for health does not answer", cause });
      });
      const readiness = readinessForm.safeParse(await answer.json().catch(() => undefined));
      if (!readiness.success) throw new EntenteError("INTERNAL", { detail: "unexpected answer of /readyz" });
      const { ready, checks } = readiness.data;
      const rows = Object.entries(checks).map(([check, { ok, why }]) => [check, ok ? "ok" : (why ?? "not ok")]);
      outputOf(command).answer(readiness.data, table(["check", "state"], rows, ready ? "ready" : "not ready"));
      if (!ready) process.exitCode = EXIT.failed;
    });
}

export function nodeCommand(): Command {
  return new Command("node")
    .description("show the node: party, fingerprint, connection, address of its console")
    .addHelpText("after", example("entente node --node bank"))
    .action(async (_options: object, command: Command) => {
      const node = await (await clientOf(command)).call("node", {});
      await answer(node, command);
    })
    .addCommand(limitsCommand())
    .addCommand(readyCommand());
}

export function enrollCommand(): Command {
  return new Command("enroll")
    .description("enrol the node at the coordinator that made the invite")
    .argument("<invite>", "invite code")
    .addHelpText("after", example("entente enroll entente1_... --node bank"))
    .action(async (invite: string, _options: object, command: Command) => {
      const node = await (await clientOf(command)).call("enrol", { invite });
      await answer(node, command);
    });
}
