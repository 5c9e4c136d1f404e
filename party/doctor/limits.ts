/** Limits that work is about to meet. */
import type { Finding } from "../../proto/http/doctor-routes.ts";
import type { LimitUses } from "../limits/handlers.ts";
import { NODE_LIMITS, type NodeLimitName, type NodeLimits } from "../limits/limits.ts";
import { fine, warned } from "./finding.ts";

/** From this share on a limit is shown. */
const NEAR = 0.8;

export async function examineLimits({ values }: NodeLimits, uses: LimitUses): Promise<Finding[]> {
  const check = "limits";
  const used = Object.entries(await uses.all()) as [NodeLimitName, number][];
  // Of the room that is kept it is what is free, which the examination of the disk is about.
  const near = used.filter(([name, use]) => name !== "freeDiskMib" && use >= NEAR * values[name]);
  if (near.length === 0) return [fine(check, `none of ${Object.keys(values).length} is near`)];
  return near.map(([name, use]) => {
    const { unit, code, what } = NODE_LIMITS[name];
    return warned(check, {
      what: `${name}: ${use} of ${values[name]} ${unit} (${what})`,
      why: code === undefined ? "what was used least recently is given up" : `what is more is refused: ${code}`,
      fix: `Find what takes so much, or raise ${name} under 'limits' in node.json and start the node again.`,
    });
  });
}
