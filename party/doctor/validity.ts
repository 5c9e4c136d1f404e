/** Certificates and keysets: how long they are still good; and the clock by which that is judged. */
import { X509Certificate } from "node:crypto";
import type { Check, Lasting } from "../../proto/doctor/findings.ts";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import { failed, fine, warned } from "./finding.ts";

const DAY_MS = 86_400_000;
/** Both are renewed by the node itself long before: what is left then says that it could not. */
const CERTIFICATE_WARN_PART = 1 / 6;
const KEYSET_WARN_DAYS = 30;
/** Every party needs a new invite then: that takes months. */
const CA_WARN_DAYS = 180;

export interface Validity {
  /** Of this party's certificate; null before enrolment. Below 0: expired. */
  readonly certificateDaysLeft: number | null;
  /** Of the coordinator's CA. */
  readonly authorityDaysLeft: number | null;
  readonly keysetDaysLeft: number | null;
}

type Pems = { readonly certPem: string; readonly caPem: string };
type Dated = { readonly validFrom: string; readonly validUntil: string };

export function daysLeft(
  { enrolled, keyset }: { readonly enrolled: Pems | undefined; readonly keyset: Dated | undefined },
  nowMs: number,
): Validity {
  const days = (untilMs: number) => (untilMs - nowMs) / DAY_MS;
  const of = (pem: string | undefined) => (pem ? days(new X509Certificate(pem).validToDate.getTime()) : null);
  return {
    certificateDaysLeft: of(enrolled?.certPem),
    authorityDaysLeft: of(enrolled?.caPem),
    keysetDaysLeft: keyset === undefined ? null : days(Date.parse(keyset.validUntil)),
  };
}

interface Lifetime {
  readonly of: Lasting;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly warnMs: number;
}

function validity(check: Check, nowMs: number, { of, fromMs, untilMs, warnMs }: Lifetime): Finding {
  const days = Math.floor((untilMs - nowMs) / DAY_MS);
  const [from, until, now] = [fromMs, untilMs, nowMs].map((ms) => new Date(ms).toISOString()) as [
    string,
    string,
    string,
  ];
  if (nowMs < fromMs) return failed(check, "not-yet-valid", { of, from, now });
  if (untilMs <= nowMs) return failed(check, "ended", { of, until });
  if (untilMs - nowMs < warnMs) return warned(check, "ends-soon", { of, days, until });
  return fine(check, "lasts", { of, days });
}

/** The certificate that the coordinator issued to this party, and the CA that enrolment has pinned. PEM. */
export function examineCertificates({ certPem, caPem }: Pems, nowMs: number): Finding[] {
  const timesOf = (pem: string) => {
    const { validFromDate, validToDate } = new X509Certificate(pem);
    return { fromMs: validFromDate.getTime(), untilMs: validToDate.getTime() };
  };
  const [own, ca] = [timesOf(certPem), timesOf(caPem)];
  const warnMs = (own.untilMs - own.fromMs) * CERTIFICATE_WARN_PART;
  return [
    validity("certificate", nowMs, { of: "certificate", ...own, warnMs }),
    validity("certificate", nowMs, { of: "authority", ...ca, warnMs: CA_WARN_DAYS * DAY_MS }),
  ];
}

export function examineKeyset(keyset: Dated, nowMs: number): Finding {
  const [fromMs, untilMs] = [Date.parse(keyset.validFrom), Date.parse(keyset.validUntil)];
  return validity("keyset", nowMs, { of: "keyset", fromMs, untilMs, warnMs: KEYSET_WARN_DAYS * DAY_MS });
}

const WARN_SKEW_MS = 5_000;
/** Half of what peers put up with (`session/peers.ts`): there is time to mend it. */
const FAIL_SKEW_MS = 300_000;

export interface ClockStart {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export function startOf(clock: Clock): ClockStart {
  return { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
}

/** Whether the wall clock has jumped since `start`, and whether the node's own time, which never goes back, has left it behind. */
export function examineClock(clock: Clock, start: ClockStart, nodeNowMs: number): Finding[] {
  const check = "clock";
  const jumpMs = clock.nowMs() - start.wallMs - (clock.monotonicMs() - start.monotonicMs);
  const aheadMs = nodeNowMs - clock.nowMs();
  const found: Finding[] = [];
  if (Math.abs(jumpMs) > WARN_SKEW_MS)
    found.push((Math.abs(jumpMs) > FAIL_SKEW_MS ? failed : warned)(check, "clock-set", { byMs: jumpMs }));
  if (aheadMs > WARN_SKEW_MS) found.push(warned(check, "node-time-ahead", { byMs: aheadMs }));
  return found.length > 0 ? found : [fine(check, "clock-steady", {})];
}

/** `offsetMs`: how far the peer's clock is ahead, give or take half the time that asking took. */
export function examineOffset(peer: string, offsetMs: number, uncertainMs: number): Finding {
  const offMs = Math.max(0, Math.abs(offsetMs) - uncertainMs);
  if (offMs <= WARN_SKEW_MS)
    return fine("clock", "peer-clock-fine", { peer, withinMs: Math.abs(offsetMs) + uncertainMs });
  return (offMs > FAIL_SKEW_MS ? failed : warned)("clock", "peer-clock-off", { peer, byMs: offsetMs });
}
