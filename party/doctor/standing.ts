/** How a collaboration's log stands, as a finding. */
import type { Finding } from "../../proto/http/doctor-routes.ts";
import type { Standing } from "../evidence/standing.ts";
import { failed, warned } from "./finding.ts";

interface Shared {
  readonly collaboration: string;
  readonly peer: string;
}

export function standingFound(
  standing: Exclude<Standing, { readonly state: "open" }>,
  { collaboration, peer }: Shared,
): Finding {
  switch (standing.state) {
    case "read-only":
      return warned("evidence", "log-read-only", { peer, awaiting: standing.awaiting.join(", ") });
    case "forked":
      return failed("evidence", "log-forked", { peer, collaboration });
    case "frozen": {
      const { origin, forkDigest: fork } = standing;
      return failed("evidence", "log-frozen", { peer, collaboration, origin, fork });
    }
  }
}
