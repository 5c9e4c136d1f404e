/**
 * Meetings: who may connect to whom at the relay, and until when. A meeting belongs to exactly two parties, each takes
 * its seat once, and the id is worth nothing to anybody else. Kept in memory: a restart ends every stream anyway.
 */
import type { SessionPurpose } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId, RelayId } from "../../proto/ids.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import { type Limits, refusal } from "../limits.ts";

export interface Meeting {
  readonly relayId: RelayId;
  readonly requester: PartyId;
  readonly peer: PartyId;
  readonly purpose: SessionPurpose;
  /** The first meeting of the session that goes on at this one. */
  readonly resumes?: RelayId | undefined;
  /** Of the peer's wakes, from 1. */
  readonly wakeNumber: number;
  /** Monotonic. */
  readonly expiresMs: number;
}

export interface MeetingsOptions {
  readonly clock: Clock;
  readonly limits: Limits;
}

interface Seats {
  readonly meeting: Meeting;
  readonly taken: Set<PartyId>;
}

export class Meetings {
  readonly #options: MeetingsOptions;
  readonly #seats = new Map<RelayId, Seats>();
  /** The last wake of each party. */
  readonly #wakes = new Map<PartyId, number>();

  constructor(options: MeetingsOptions) {
    this.#options = options;
  }

  /** Throws OVERLOADED when the requester, or all parties together, have as many meetings as they may. */
  call(request: Omit<Meeting, "wakeNumber" | "expiresMs">): Meeting {
    this.#sweep();
    const { clock, limits } = this.#options;
    const own = [...this.#seats.values()].filter(({ meeting }) => meeting.requester === request.requester);
    if (own.length >= limits.meetingsPerParty) throw refusal(limits, "meetingsPerParty");
    if (this.#seats.size >= limits.meetings) throw refusal(limits, "meetings");
    const wakeNumber = (this.#wakes.get(request.peer) ?? 0) + 1;
    this.#wakes.set(request.peer, wakeNumber);
    const meeting = { ...request, wakeNumber, expiresMs: clock.monotonicMs() + limits.meetingMs };
    this.#seats.set(request.relayId, { meeting, taken: new Set() });
    return meeting;
  }

  /** Seats a party. Throws NOT_FOUND for a third party just as for an id that never was, WIRE_UNEXPECTED the second time. */
  join(relayId: RelayId, party: PartyId): Meeting {
    const seats = this.#seats.get(relayId);
    const isMember = seats !== undefined && (seats.meeting.requester === party || seats.meeting.peer === party);
    if (!isMember || (this.#isExpired(seats.meeting) && seats.taken.size === 0))
      throw new EntenteError("NOT_FOUND", { detail: "relay id" });
    if (seats.taken.has(party)) throw new EntenteError("WIRE_UNEXPECTED", { detail: "relay id used twice" });
    if (this.#isExpired(seats.meeting)) throw new EntenteError("PEER_TIMEOUT", { detail: "the meeting is over" });
    seats.taken.add(party);
    return seats.meeting;
  }

  end(relayId: RelayId): void {
    this.#seats.delete(relayId);
  }

  /** Meetings that a party was called to after that wake and has not come to: what an inbox that opens late is told. */
  waitingFor(party: PartyId, after: number): Meeting[] {
    return [...this.#seats.values()]
      .filter(({ meeting, taken }) => meeting.peer === party && !taken.has(party) && !this.#isExpired(meeting))
      .map(({ meeting }) => meeting)
      .filter(({ wakeNumber }) => wakeNumber > after);
  }

  remainingSeconds({ expiresMs }: Meeting): number {
    return Math.max(0, Math.ceil((expiresMs - this.#options.clock.monotonicMs()) / 1_000));
  }

  #isExpired({ expiresMs }: Meeting): boolean {
    return expiresMs <= this.#options.clock.monotonicMs();
  }

  /** Meetings to which nobody came; those with a stream end with it. */
  #sweep(): void {
    for (const [relayId, { meeting, taken }] of this.#seats) {
      if (taken.size === 0 && this.#isExpired(meeting)) this.#seats.delete(relayId);
    }
  }
}
