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

export function describeLimits({ limits }: Pick<RouteResponse<"status">, "limits">): string {
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
      const { limits } = await (await clientOf(command)).call("status", {});
      outputOf(command).answer({ limits }, describeLimits({ limits }));
    });
}

function megabytes(bytes: number | null): string {
  return bytes === null ? "-" : `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;
}

function describeStatus(status: RouteResponse<"status">): string {
  const { readiness, storage, lasting, sessions, jobs, coordinator } = status;
  const stopped = readiness.checks.flatMap(({ check, why }) => (why === null ? [] : [`${check}: ${why}`]));
  const head = fields({
    version: status.version,
    "running since": status.startedAt,
    ready: readiness.ready ? "yes" : stopped.join(", "),
    coordinator: coordinator === null ? "not enrolled" : `${coordinator.name} at ${coordinator.at}`,
    memory: `${megabytes(status.memoryBytes)} of ${megabytes(status.memoryLimitBytes)}`,
    disk: `${megabytes(storage.freeBytes)} free, of which ${megabytes(storage.keptBytes)} are kept`,
    store: `${storage.store.kind}, schema ${storage.store.schema}`,
  });
  const keys = lasting.map(({ of, daysLeft, validUntil, renewsAt }) => [
    of,
    String(daysLeft),
    validUntil.slice(0, 10),
    renewsAt?.slice(0, 10) ?? "-",
  ]);
  const areas = storage.areas.map(({ area, bytes }) => [area, megabytes(bytes)]);
  const open = sessions.map(({ peer, kind, way, bytesSent, bytesReceived, openedAt }) => [
    ...[peer, kind, way ?? "broken", openedAt],
    ...[megabytes(bytesSent), megabytes(bytesReceived)],
  ]);
  const running = jobs.map(({ jobId, peer, operation, role, state }) => [jobId, peer, operation, role, state]);
  return [
    head,
    table(["proof", "days left", "until", "renewed"], keys, "no keys"),
    table(["storage", "size"], areas, "nothing kept"),
    table(["session with", "for", "by", "since", "sent", "received"], open, "no session is open"),
    table(["job", "with", "operation", "role", "state"], running, "no job runs"),
  ].join("\n\n");
}

function statusCommand(): Command {
  return new Command("status")
    .description("show how the node is: readiness, certificates and keys, storage, sessions, jobs")
    .addHelpText("after", example("entente node status --node bank"))
    .action(async (_options: object, command: Command) => {
      const status = await (await clientOf(command)).call("status", {});
      outputOf(command).answer(status, describeStatus(status));
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
    .addCommand(statusCommand())
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
