/** Whether the coordinator can be reached, and at which step it fails if not: each has another who must act. */

import { formatEndpoint } from "../../proto/codec/endpoint.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import type { Enrolled } from "../coordinator-link/enrol.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import { failed, fine } from "./finding.ts";
import { codeOf } from "./local.ts";
import type { Machine } from "./machine.ts";

const CHECK = "coordinator";

type Reached = Pick<Enrolled, "endpoint" | "caPem" | "certPem" | "keyPem" | "coordinator">;

/** Without `link`, as when the node is not running, the last step is left out. */
export async function examineCoordinator(
  machine: Machine,
  enrolled: Reached,
  link?: Pick<CoordinatorLink, "listParties">,
): Promise<Finding[]> {
  const { endpoint, coordinator } = enrolled;
  const { host } = endpoint;
  const at = formatEndpoint(endpoint);
  try {
    await machine.resolveHost(host);
  } catch (error) {
    return [failed(CHECK, "host-unknown", { host, reason: codeOf(error) })];
  }
  try {
    await machine.reachPort(endpoint);
  } catch (error) {
    const reason = codeOf(error);
    if (reason === "ECONNREFUSED") return [failed(CHECK, "port-closed", { at })];
    return [failed(CHECK, "port-unreachable", { at, reason })];
  }
  try {
    await machine.shakeHands({ ...endpoint, ...enrolled });
  } catch (error) {
    return [failed(CHECK, "tls-failed", { at, reason: codeOf(error) })];
  }
  if (link === undefined) return [fine(CHECK, "coordinator-answers", { coordinator, at, parties: -1 })];
  try {
    const parties = await link.listParties();
    return [fine(CHECK, "coordinator-answers", { coordinator, at, parties: parties.length })];
  } catch (error) {
    return [failed(CHECK, "coordinator-refuses", { coordinator, error: toEntenteError(error).code })];
  }
}
