/** What confirmed peers run: their version, their protocols, their clock. */
import type { Software } from "../../proto/codec/session-messages.ts";
import { CATALOGUE, toEntenteError } from "../../proto/errors.ts";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import { failed, fine, warned } from "./finding.ts";
import { examineOffset } from "./validity.ts";

export interface PeerQuestion {
  readonly party: string;
  /** Asks the peer's node. */
  ask(): Promise<Software>;
}

/** Findings about the peer and about the clock, as far as it answers. */
export async function examinePeer({ party, ask }: PeerQuestion, own: Software, clock: Clock): Promise<Finding[]> {
  const check = `peer ${party}`;
  const [wallMs, startMs] = [clock.nowMs(), clock.monotonicMs()];
  let peer: Software;
  try {
    peer = await ask();
  } catch (error) {
    const { code } = toEntenteError(error);
    const { text } = CATALOGUE[code];
    return [warned(check, { what: `did not answer (${code})`, why: "jobs with it cannot run now", fix: text })];
  }
  const tookMs = clock.monotonicMs() - startMs;
  const offsetMs = Date.parse(peer.at) - (wallMs + tookMs / 2);
  return [compare(check, party, peer, own), examineOffset(party, offsetMs, tookMs / 2)];
}

function compare(check: string, party: string, peer: Software, own: Software): Finding {
  const nameOf = (suite: string) => suite.split("/")[0] as string;
  const differing = own.suites.filter((suite) => !peer.suites.includes(suite)).map(nameOf);
  if (differing.length === 0 && peer.version === own.version)
    return fine(check, `version ${peer.version}, the same protocols`);
  const order = compareVersions(peer.version, own.version);
  const who =
    order < 0
      ? `${party} must upgrade to ${own.version}`
      : order > 0
        ? `this node must upgrade to ${peer.version}`
        : undefined;
  if (differing.length === 0)
    return warned(check, {
      what: `version ${peer.version}, here ${own.version}; the protocols are the same`,
      why: "jobs run; what only the newer one knows does not",
      fix: `When it suits, ${who ?? "run the same release at both"}.`,
    });
  return failed(check, {
    what: `version ${peer.version}, here ${own.version}: not the same ${differing.join(", ")}`,
    why: "jobs by these protocols end in SESSION_MISMATCH",
    fix:
      who === undefined
        ? "One of the two is no release: run the same release at both."
        : `${who[0]?.toUpperCase()}${who.slice(1)}.`,
  });
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
