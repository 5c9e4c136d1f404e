/** The API's route of the node's limits. */

import { NODE_LIMITS, type NodeLimitName } from "../../proto/limits/node-limits.ts";
import type { Handlers } from "../api/server.ts";
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

export function limitHandlers(node: Limited): Pick<Handlers, "limits"> {
  return {
    limits: async () => {
      const { values } = node.limits;
      const use = await node.limitUses.all();
      const names = Object.keys(NODE_LIMITS) as NodeLimitName[];
      return {
        limits: names.map((name) => {
          const { value, unit, code = null, what } = NODE_LIMITS[name];
          const shown = { name, value: values[name], unit, isDefault: values[name] === value };
          return { ...shown, used: use[name] ?? null, code, what };
        }),
      };
    },
  };
}
