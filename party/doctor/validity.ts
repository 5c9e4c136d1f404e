/** Certificates and keysets: how long they are still good; and the clock by which that is judged. */
import { X509Certificate } from "node:crypto";
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

interface Lasting {
  readonly what: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly warnMs: number;
  readonly why: string;
  readonly fix: string;
}

function validity(check: string, nowMs: number, { what, fromMs, untilMs, warnMs, why, fix }: Lasting): Finding {
  const days = Math.floor((untilMs - nowMs) / DAY_MS);
  const until = new Date(untilMs).toISOString();
  if (nowMs < fromMs)
    return failed(check, {
      what: `${what} is valid only from ${new Date(fromMs).toISOString()}`,
      why: `by this machine's clock, ${new Date(nowMs).toISOString()}, it is not yet`,
      fix: "Set this machine's clock by NTP.",
    });
  if (untilMs <= nowMs) return failed(check, { what: `${what} expired on ${until}`, why, fix });
  if (untilMs - nowMs < warnMs)
    return warned(check, { what: `${what} expires in ${days} days, on ${until}`, why, fix });
  return fine(check, `${what} is good for ${days} days more`);
}

/** The certificate that the coordinator issued to this party, and the CA that enrolment has pinned. PEM. */
export function examineCertificates({ certPem, caPem }: Pems, nowMs: number): Finding[] {
  const why = "the coordinator then refuses this node";
  const timesOf = (pem: string) => {
    const { validFromDate, validToDate } = new X509Certificate(pem);
    return { fromMs: validFromDate.getTime(), untilMs: validToDate.getTime() };
  };
  const [own, ca] = [timesOf(certPem), timesOf(caPem)];
  return [
    validity("certificate", nowMs, {
      ...{ what: "this party's certificate", ...own, why },
      warnMs: (own.untilMs - own.fromMs) * CERTIFICATE_WARN_PART,
      fix:
        own.untilMs <= nowMs
          ? "Ask the coordinator's operator for a new invite, and run 'entente enroll': the node keeps its identity."
          : "The node should have renewed it: look in its log for why it could not, and at the coordinator.",
    }),
    validity("certificate", nowMs, {
      ...{ what: "the coordinator's CA", ...ca, why, warnMs: CA_WARN_DAYS * DAY_MS },
      fix: "The coordinator's operator must make a new CA and invite all parties again.",
    }),
  ];
}

export function examineKeyset(keyset: Dated, nowMs: number): Finding {
  return validity("keyset", nowMs, {
    what: "this node's keyset",
    fromMs: Date.parse(keyset.validFrom),
    untilMs: Date.parse(keyset.validUntil),
    warnMs: KEYSET_WARN_DAYS * DAY_MS,
    why: "peers then refuse its sessions and signatures",
    fix: "The node renews it when no job runs, and could not: wait for the jobs to end, then 'entente keys rotate'.",
  });
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

function seconds(ms: number): string {
  return `${(Math.abs(ms) / 1000).toFixed(1)} s`;
}

const CLOCK_FIX = "Set this machine's clock by NTP (chrony or systemd-timesyncd), and let it run.";

/** Whether the wall clock has jumped since `start`, and whether the node's own time, which never goes back, has left it behind. */
export function examineClock(clock: Clock, start: ClockStart, nodeNowMs: number): Finding[] {
  const check = "clock";
  const jumpMs = clock.nowMs() - start.wallMs - (clock.monotonicMs() - start.monotonicMs);
  const aheadMs = nodeNowMs - clock.nowMs();
  const found: Finding[] = [];
  if (Math.abs(jumpMs) > WARN_SKEW_MS)
    found.push(
      (Math.abs(jumpMs) > FAIL_SKEW_MS ? failed : warned)(check, {
        what: `the clock was set ${jumpMs > 0 ? "forward" : "back"} by ${seconds(jumpMs)} while the node ran`,
        why: "what is valid, due or used up is judged by it",
        fix: CLOCK_FIX,
      }),
    );
  if (aheadMs > WARN_SKEW_MS)
    found.push(
      warned(check, {
        what: `the node's time is ${seconds(aheadMs)} ahead of the clock: that was later once`,
        why: "the node never goes back; until the clock has caught up agreements may count as expired",
        fix: "If the clock is right now, wait until it has caught up.",
      }),
    );
  return found.length > 0 ? found : [fine(check, "steady since the node started")];
}

/** `offsetMs`: how far the peer's clock is ahead, give or take half the time that asking took. */
export function examineOffset(peer: string, offsetMs: number, uncertainMs: number): Finding {
  const offMs = Math.max(0, Math.abs(offsetMs) - uncertainMs);
  if (offMs <= WARN_SKEW_MS) return fine("clock", `within ${seconds(Math.abs(offsetMs) + uncertainMs)} of ${peer}'s`);
  const trouble = {
    what: `${seconds(offsetMs)} ${offsetMs > 0 ? "behind" : "ahead of"} ${peer}'s clock`,
    why: "from ten minutes on peers refuse each other's keys",
    fix: `${CLOCK_FIX} If it is right, ${peer}'s operator has to.`,
  };
  return offMs > FAIL_SKEW_MS ? failed("clock", trouble) : warned("clock", trouble);
}
