/** Limits that work is about to meet. */
import type { Finding } from "../../proto/http/doctor-routes.ts";
import type { NodeLimitName } from "../../proto/limits/node-limits.ts";
import type { NodeLimits } from "../limits/limits.ts";
import type { LimitUses } from "../limits/uses.ts";
import { fine, warned } from "./finding.ts";

/** From this share on a limit is shown. */
const NEAR = 0.8;

export async function examineLimits({ values }: NodeLimits, uses: LimitUses): Promise<Finding[]> {
  const used = Object.entries(await uses.all()) as [NodeLimitName, number][];
  // Of the room that is kept it is what is free, which the examination of the disk is about.
  const near = used.filter(([name, use]) => name !== "freeDiskMib" && use >= NEAR * values[name]);
  if (near.length === 0) return [fine("limits", "limits-far", { limits: Object.keys(values).length })];
  return near.map(([limit, use]) => warned("limits", "limit-near", { limit, used: use, allowed: values[limit] }));
}
