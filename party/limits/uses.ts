/** The node's limits, and how much of each is in use. */
import type { RouteResponse } from "../../proto/http/routes.ts";

import { NODE_LIMITS, type NodeLimitName } from "../../proto/limits/node-limits.ts";
import type { NodeLimits } from "./limits.ts";

type LimitUse = Partial<Record<NodeLimitName, number>>;

/** Who counts how much of which limits is in use. */
export class LimitUses {
  readonly #counts: (() => LimitUse | Promise<LimitUse>)[] = [];

  add(count: () => LimitUse | Promise<LimitUse>): void {
    this.#counts.push(count);
  }

  /** Those that nobody counts are missing. */
  async all(): Promise<LimitUse> {
    return Object.assign({}, ...(await Promise.all(this.#counts.map((count) => count()))));
  }
}

export interface Limited {
  readonly limits: NodeLimits;
  readonly limitUses: LimitUses;
}

export async function shownLimits({ limits, limitUses }: Limited): Promise<RouteResponse<"status">["limits"]> {
  const { values } = limits;
  const use = await limitUses.all();
  const names = Object.keys(NODE_LIMITS) as NodeLimitName[];
  return names.map((name) => {
    const { value, unit, code = null, what } = NODE_LIMITS[name];
    const shown = { name, value: values[name], unit, isDefault: values[name] === value };
    return { ...shown, used: use[name] ?? null, code, what };
  });
}
