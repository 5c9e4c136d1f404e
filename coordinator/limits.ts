/** Every number that bounds the coordinator's time and memory. Tests pass shorter ones; nothing else changes them. */
export interface Limits {
  /** How long two parties have to meet at the relay after one asked. */
  readonly meetingMs: number;
  /** A relayed session in which no byte moves for so long is ended. Above the longest step of a protocol. */
  readonly relayIdleMs: number;
  /** Meetings that one party may have waiting or running. */
  readonly meetingsPerParty: number;
  /** Wakes that an inbox may hold unsent. */
  readonly wakesPerInbox: number;
  readonly inviteMs: number;
  /** Invites that one party may have open. */
  readonly invitesPerParty: number;
  readonly agreementsPerParty: number;
  readonly jobsPerParty: number;
  readonly certificateMs: number;
  /** How often open streams are checked for a revoked certificate. */
  readonly revocationSweepMs: number;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly streamsPerConnection: number;
  /** HTTP/2 window of a stream: what one direction of a relay may have in flight to the coordinator. */
  readonly flowControlBytes: number;
  /** How long `close` waits for calls in progress. */
  readonly closeMs: number;
}

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;

export const DEFAULT_LIMITS: Limits = {
  meetingMs: 60 * SECOND,
  relayIdleMs: HOUR,
  meetingsPerParty: 64,
  wakesPerInbox: 64,
  inviteMs: 7 * DAY,
  invitesPerParty: 32,
  agreementsPerParty: 10_000,
  jobsPerParty: 100_000,
  certificateMs: 397 * DAY,
  revocationSweepMs: 2 * SECOND,
  keepaliveMs: 20 * SECOND,
  keepaliveTimeoutMs: 10 * SECOND,
  streamsPerConnection: 256,
  flowControlBytes: 1_048_576,
  closeMs: 2 * SECOND,
};
