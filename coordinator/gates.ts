/** How much each party may ask for, and strangers by address: counted for all calls in one place, before a call is answered. */
import { Buckets } from "../proto/limits/buckets.ts";
import { Gate } from "../proto/limits/gate.ts";
import type { Clock } from "../proto/ports/ports.ts";
import { handshakeGate } from "./door.ts";
import { type LimitName, type Limits, refusal } from "./limits.ts";

export interface CallGates {
  /** By address. */
  readonly handshakes: Gate;
  /** By party: calls and streams that begin. */
  readonly calls: Buckets;
  /** By party: calls that are being answered. */
  readonly answering: Gate;
  /** By address. */
  readonly enrolments: Buckets;
}

export function callGates(limits: Limits, clock: Clock): CallGates {
  const buckets = (name: LimitName) =>
    new Buckets({ clock, perMinute: limits[name], refusal: (seconds) => refusal(limits, name, seconds) });
  return {
    handshakes: handshakeGate(limits),
    calls: buckets("callsPerPartyMinute"),
    answering: new Gate({
      each: { max: limits.callsPerPartyAtOnce, refusal: () => refusal(limits, "callsPerPartyAtOnce") },
    }),
    enrolments: buckets("enrolmentsPerAddressMinute"),
  };
}
