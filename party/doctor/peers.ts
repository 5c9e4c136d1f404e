/** What confirmed peers run: their version, their protocols, their clock. */

import type { Software } from "../../proto/codec/session-messages.ts";
import type { Upgrade } from "../../proto/doctor/findings.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import { failed, fine, type Place, warned } from "./finding.ts";
import { examineOffset } from "./validity.ts";

export interface PeerQuestion {
  readonly party: string;
  /** Asks the peer's node. */
  ask(): Promise<Software>;
}

/** Findings about the peer and about the clock, as far as it answers. */
export async function examinePeer({ party, ask }: PeerQuestion, own: Software, clock: Clock): Promise<Finding[]> {
  const place: Place = { check: "peer", subject: party };
  const [wallMs, startMs] = [clock.nowMs(), clock.monotonicMs()];
  let peer: Software;
  try {
    peer = await ask();
  } catch (error) {
    return [warned(place, "peer-silent", { error: toEntenteError(error).code })];
  }
  const tookMs = clock.monotonicMs() - startMs;
  const offsetMs = Date.parse(peer.at) - (wallMs + tookMs / 2);
  return [compare(place, party, peer, own), examineOffset(party, offsetMs, tookMs / 2)];
}

function compare(place: Place, party: string, theirs: Software, own: Software): Finding {
  const nameOf = (suite: string) => suite.split("/")[0] as string;
  const differing = own.suites.filter((suite) => !theirs.suites.includes(suite)).map(nameOf);
  const { version } = theirs;
  if (differing.length === 0 && version === own.version) return fine(place, "peer-alike", { version });
  const order = compareVersions(version, own.version);
  const upgrade: Upgrade = order < 0 ? "peer" : order > 0 ? "here" : "either";
  const values = { peer: party, version, own: own.version, upgrade };
  if (differing.length === 0) return warned(place, "peer-other-version", values);
  return failed(place, "peer-other-protocols", { ...values, protocols: differing.join(", ") });
}

/** Below 0 when `a` is the older one (semver.org, section 11: numbers, then a release after its pre-releases). */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  for (let i = 0; i < 3; i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.pre === right.pre) return 0;
  if (left.pre === "") return 1;
  if (right.pre === "") return -1;
  return left.pre.localeCompare(right.pre, "en", { numeric: true });
}

function parse(version: string): { readonly numbers: readonly number[]; readonly pre: string } {
  const [, core = "", pre = ""] = /^([0-9.]*)(?:-([^+]*))?/.exec(version) ?? [];
  return { numbers: core.split(".").map(Number), pre };
}
