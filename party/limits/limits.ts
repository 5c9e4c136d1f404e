/** A node's limits (`proto/limits/node-limits.ts`) with the values of its node.json, and what counts against them. */

import { Gate } from "../../proto/limits/gate.ts";
import { type Limits, type LimitValues, limitRefusal, limitValues } from "../../proto/limits/limit.ts";
import { NODE_LIMITS, type NodeLimitName } from "../../proto/limits/node-limits.ts";
import type { ModelLimits } from "../jobs/kept-models.ts";

const MIB = 1024 * 1024;

export type NodeLimitValues = LimitValues<typeof NODE_LIMITS>;
export type NodeLimits = Limits<typeof NODE_LIMITS>;

export type GivenNodeLimits = { readonly [N in NodeLimitName]?: number | undefined };

/** Those that are not given have their default. */
export function nodeLimits(given: GivenNodeLimits = {}): NodeLimits {
  return { table: NODE_LIMITS, values: limitValues(NODE_LIMITS, given), file: "node.json" };
}

/** Of what is in use at once, in all and for each key; bytes where the limit is in MiB. */
export function gateOf<Key = string>(
  limits: NodeLimits,
  { all, each }: { readonly all?: NodeLimitName; readonly each?: NodeLimitName },
): Gate<Key> {
  const scaleOf = (name: NodeLimitName) => (limits.table[name].unit === "MiB" ? MIB : 1);
  const bound = (name: NodeLimitName) => ({
    max: limits.values[name] * scaleOf(name),
    refusal: () => limitRefusal(limits, name),
  });
  return new Gate<Key>({ ...(all && { all: bound(all) }), ...(each && { each: bound(each) }) });
}

export function modelLimits({ keptModelsMib, keptModelsPerPeerMib, keptModelVersions }: NodeLimitValues): ModelLimits {
  return { maxBytes: keptModelsMib * MIB, maxPeerBytes: keptModelsPerPeerMib * MIB, maxVersions: keptModelVersions };
}
