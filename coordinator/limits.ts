/** Every number that bounds the coordinator's time and memory: fields of `limits` in coordinator.json, and their defaults. */
import type { EntenteError } from "../proto/errors.ts";
import { type LimitValues, limit, limitRefusal, limitValues } from "../proto/limits/limit.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
/** Node's timers take no longer ones. */
const TIMES = { max: 2 ** 31 - 1 } as const;

const time = (value: number, what: string) => limit(value, "ms", undefined, what, TIMES);

export const COORDINATOR_LIMITS = {
  // Connections, before and after TLS. Whoever is over is closed: nothing can be said before a handshake.
  handshakes: limit(
    128,
    "connections",
    "COORDINATOR_UNREACHABLE",
    "connections to either listener that have not finished TLS",
  ),
  handshakesPerAddress: limit(32, "connections", "COORDINATOR_UNREACHABLE", "the same, from one address"),
  handshakeMs: time(10 * SECOND, "for TLS to be finished"),
  connections: limit(1_024, "connections", "COORDINATOR_UNREACHABLE", "connections of parties"),
  connectionsPerParty: limit(16, "connections", "COORDINATOR_UNREACHABLE", "the same, under one certificate"),
  enrolConnections: limit(
    64,
    "connections",
    "COORDINATOR_UNREACHABLE",
    "connections of strangers to the enrolment listener",
  ),
  enrolConnectionsPerAddress: limit(8, "connections", "COORDINATOR_UNREACHABLE", "the same, from one address"),
  enrolConnectionMs: time(60 * SECOND, "that a stranger's connection lives"),
  enrolmentsPerAddressMinute: limit(30, "calls a minute", "RATE_LIMITED", "enrolments asked for from one address"),
  // Calls.
  callsPerPartyMinute: limit(1_200, "calls a minute", "RATE_LIMITED", "calls and streams begun by a party"),
  callsPerPartyAtOnce: limit(64, "calls", "OVERLOADED", "calls of a party that are being answered"),
  streamsPerParty: limit(
    256,
    "streams",
    "OVERLOADED",
    "open streams of a party: inbox, relayed sessions, logs that it fetches",
  ),
  streamsPerConnection: limit(
    256,
    "streams",
    undefined,
    "streams of one connection at once; further ones wait at the client",
  ),
  flowControlBytes: limit(
    1_048_576,
    "bytes",
    undefined,
    "HTTP/2 window of a stream: what one direction may have in flight to here",
    {
      min: 65_535,
      max: 2 ** 31 - 1,
    },
  ),
  // Meetings.
  meetings: limit(4_096, "meetings", "OVERLOADED", "meetings of all parties that wait or run"),
  meetingsPerParty: limit(64, "meetings", "OVERLOADED", "the same, asked for by one party"),
  meetingMs: time(60 * SECOND, "for two parties to meet at the relay after one asked"),
  relayIdleMs: time(
    HOUR,
    "after which a relayed session in which no byte moves is ended; above the longest step of a protocol",
  ),
  wakesPerInbox: limit(64, "wakes", "OVERLOADED", "wakes that a party has not read; further callers are refused"),
  // What is kept.
  freeDiskMib: limit(
    128,
    "MiB",
    "DISK_FULL",
    "free room of the coordinator's disk below which no job, agreement, invite or enrolment is taken; receipts and reports are",
    { min: 0 },
  ),
  invitesPerParty: limit(32, "invites", "OVERLOADED", "open invites of a party"),
  inviteMs: time(7 * DAY, "that an invite is good"),
  agreementsPerParty: limit(10_000, "agreements", "LIMIT_EXCEEDED", "agreements that a party is in"),
  jobsPerParty: limit(100_000, "jobs", "LIMIT_EXCEEDED", "jobs that a party has asked for"),
  // A stolen key that nobody noticed is of use for no longer. The ten days that are left at the renewal outlast a long holiday, in
  // which a coordinator may be down or a firewall closed.
  certificateMs: limit(
    30 * DAY,
    "ms",
    undefined,
    "that a party's certificate is good; the party renews it after two thirds of it",
  ),
  certificatesPerParty: limit(16, "certificates", "OVERLOADED", "certificates of a party that are good"),
  serverCertificateMs: limit(30 * DAY, "ms", undefined, "that the coordinator's own is good, renewed likewise"),
  revocationListMs: limit(
    7 * DAY,
    "ms",
    undefined,
    "that a revocation list is good; it is signed anew after a seventh of it",
  ),
  // The process.
  revocationSweepMs: time(2 * SECOND, "between two looks at open streams for a certificate that was revoked"),
  keepaliveMs: time(20 * SECOND, "without a byte after which a connection is pinged"),
  keepaliveTimeoutMs: time(10 * SECOND, "for the answer to that"),
  closeMs: time(2 * SECOND, "that a stop waits for calls in progress"),
} as const;

export type LimitName = keyof typeof COORDINATOR_LIMITS;
export type Limits = LimitValues<typeof COORDINATOR_LIMITS>;

export const DEFAULT_LIMITS: Limits = limitValues(COORDINATOR_LIMITS);

/** What is said at a limit. `retryAfterSeconds`: when it may pass again, where that is known. */
export function refusal(values: Limits, name: LimitName, retryAfterSeconds?: number): EntenteError {
  return limitRefusal({ table: COORDINATOR_LIMITS, values, file: "coordinator.json" }, name, retryAfterSeconds);
}
