/** The API's route that shows how the node is. */
import { formatEndpoint } from "../../proto/codec/endpoint.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { readinessOf } from "../../proto/ops/readiness.ts";
import type { Handlers } from "../api/server.ts";
import type { Machine } from "../doctor/machine.ts";
import { isFinal } from "../jobs/lifecycle.ts";
import { shownLimits } from "../limits/uses.ts";
import type { Node } from "../node.ts";
import { nodeChecks } from "../ops/checks.ts";
import { withoutResult } from "../progress/discreet.ts";
import type { OpenSession } from "../session/meetings.ts";
import { lastingOf } from "./lasting.ts";
import { storageOf } from "./storage.ts";

type Status = RouteResponse<"status">;

export interface StatusOf {
  readonly node: Node;
  readonly machine: Machine;
  /** Wall clock. */
  readonly startedAtMs: number;
  readonly version: string;
}

export function statusHandlers({ node, machine, startedAtMs, version }: StatusOf): Pick<Handlers, "status"> {
  let checks: ReturnType<typeof nodeChecks> | undefined;
  return {
    status: async () => {
      checks ??= nodeChecks(node, machine);
      const readiness = await readinessOf(checks, node.ports.timers);
      const found = Object.entries(readiness.checks);
      return {
        version,
        nodeVersion: machine.nodeVersion,
        startedAt: new Date(startedAtMs).toISOString(),
        at: new Date(node.wallClock.nowMs()).toISOString(),
        memoryBytes: machine.memoryBytes(),
        memoryLimitBytes: machine.memoryLimitBytes(),
        readiness: {
          ready: readiness.ready,
          checks: found.map(([check, { why }]) => ({ check, why: why ?? null })),
        },
        coordinator: coordinatorOf(node),
        directAddress: node.directAddress,
        lasting: lastingOf(node),
        storage: await storageOf(node),
        sessions: node.isEnrolled ? node.connected.meetings.open.map((open) => viewSession(node, open)) : [],
        jobs: await jobsOf(node),
        limits: await shownLimits(node),
      };
    },
  };
}

function coordinatorOf(node: Node): Status["coordinator"] {
  if (!node.isEnrolled) return null;
  const { enrolled, isOnline, offline } = { ...node.connected, enrolled: node.connected.renewal.enrolled };
  const { coordinator: name, endpoint } = enrolled;
  return { name, at: formatEndpoint(endpoint), connected: isOnline(), error: offline()?.code ?? null };
}

function viewSession(
  node: Node,
  { peer, kind, openedAtMs, channel, carrier }: OpenSession,
): Status["sessions"][number] {
  return {
    ...{ peer, kind },
    jobId: node.connected.channels.jobOf(channel) ?? null,
    openedBy: carrier.side === "opener" ? "this-node" : "peer",
    openedAt: new Date(openedAtMs).toISOString(),
    way: carrier.way ?? null,
    ...{ bytesSent: channel.bytesSent, bytesReceived: channel.bytesReceived },
  };
}

async function jobsOf({ book }: Node): Promise<Status["jobs"]> {
  const open = (await book.list()).filter(({ state }) => !isFinal(state));
  return open.map(({ jobId, state, awaitsApproval, updatedAt, proposed: { operation, role, peer } }) => {
    const progress = book.progress(jobId);
    return {
      ...{ jobId, operation, role, peer, state, updatedAt },
      awaitsApproval: awaitsApproval && state === "proposed",
      progress: progress === undefined ? null : withoutResult(progress),
    };
  });
}
