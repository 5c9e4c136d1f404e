/** A node as its monitoring sees it. */
import type { Metrics } from "../../proto/ops/metrics.ts";
import { type Readiness, readinessOf } from "../../proto/ops/readiness.ts";
import type { Machine } from "../doctor/machine.ts";
import type { Node } from "../node.ts";
import { nodeChecks } from "./checks.ts";
import { nodeMetrics } from "./metrics.ts";
import { validityOf } from "./validity.ts";

export interface WatchedNode {
  readonly readiness: () => Promise<Readiness>;
  readonly metrics: Metrics;
  readonly answered: (route: string, status: number) => void;
}

export function watchNode(node: Node, machine: Machine): WatchedNode {
  const validity = validityOf(node);
  const checks = nodeChecks(node, machine, validity);
  return {
    readiness: () => readinessOf(checks, node.ports.timers),
    ...nodeMetrics({ node, machine, validity, checks }),
  };
}
