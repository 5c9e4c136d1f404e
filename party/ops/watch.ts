/** A node as its monitoring sees it. */
import type { Metrics } from "../../proto/ops/metrics.ts";
import { type Readiness, readinessOf } from "../../proto/ops/readiness.ts";
import type { Machine } from "../doctor/machine.ts";
import type { Node } from "../node.ts";
import { nodeChecks } from "./checks.ts";
import { nodeMetrics } from "./metrics.ts";

export interface WatchedNode {
  readonly readiness: () => Promise<Readiness>;
  readonly metrics: Metrics;
  readonly answered: (route: string, status: number) => void;
}

export function watchNode(node: Node, machine: Machine): WatchedNode {
  const checks = nodeChecks(node, machine);
  return {
    readiness: () => readinessOf(checks, node.ports.timers),
    ...nodeMetrics({ node, checks }),
  };
}
