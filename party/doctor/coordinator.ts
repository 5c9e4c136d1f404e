/** Whether the coordinator can be reached, and at which step it fails if not: each has another who must act. */

import { formatEndpoint } from "../../proto/codec/endpoint.ts";
import { CATALOGUE, toEntenteError } from "../../proto/errors.ts";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import type { Enrolled } from "../coordinator-link/enrol.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import { failed, fine } from "./finding.ts";
import { codeOf } from "./local.ts";
import type { Machine } from "./machine.ts";

const CHECK = "coordinator";
const NO_COORDINATOR = "no session with a peer can begin, and no job goes on";

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
  const trouble = (what: string, fix: string) => [failed(CHECK, { what, why: NO_COORDINATOR, fix })];
  try {
    await machine.resolveHost(host);
  } catch (error) {
    return trouble(
      `DNS: ${host} has no address (${codeOf(error)})`,
      "Mend this machine's DNS, or ask the coordinator's operator for its present name.",
    );
  }
  try {
    await machine.reachPort(endpoint);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ECONNREFUSED")
      return trouble(
        `refused: nothing listens at ${at}`,
        "The coordinator's operator must start it, or name its present port.",
      );
    return trouble(
      `no way to ${at} (${code})`,
      `Let outgoing connections to ${at} through the firewall, and look at the route.`,
    );
  }
  try {
    await machine.shakeHands({ ...endpoint, ...enrolled });
  } catch (error) {
    return trouble(
      `TLS: the handshake with ${at} failed (${codeOf(error)})`,
      "If a proxy opens TLS on the way, take it out. Else the coordinator has another CA or another name than at enrolment: ask its operator.",
    );
  }
  if (link === undefined) return [fine(CHECK, `${coordinator} answers at ${at}`)];
  try {
    const parties = await link.listParties();
    return [
      fine(
        CHECK,
        `${coordinator} answers at ${at} and knows ${parties.length} ${parties.length === 1 ? "party" : "parties"}`,
      ),
    ];
  } catch (error) {
    const { code } = toEntenteError(error);
    return trouble(`${coordinator} answers with ${code}`, CATALOGUE[code].text);
  }
}
