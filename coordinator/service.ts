/** What the RPCs work on, made once in `main.ts`, or by a simulator that calls them without a network. */
import type { Logger } from "pino";
import type { Endpoint } from "../proto/codec/endpoint.ts";
import { toHex } from "../proto/encoding/bytes.ts";
import { EntenteError } from "../proto/errors.ts";
import type { PartyId } from "../proto/ids.ts";
import { DiskRoom } from "../proto/limits/disk-room.ts";
import { Tally } from "../proto/ops/tally.ts";
import type { Ports } from "../proto/ports/ports.ts";
import type { Authority } from "./authority.ts";
import { type CallGates, callGates } from "./gates.ts";
import type { CoordinatorKeys } from "./keys.ts";
import { type Limits, refusal } from "./limits.ts";
import { CollaborationLogs } from "./log/collaboration-logs.ts";
import { OpenStreams } from "./open-streams.ts";
import { Inboxes } from "./relay/inboxes.ts";
import { Meetings } from "./relay/meetings.ts";
import { Relay } from "./relay/relay.ts";
import { Revocations } from "./revocations.ts";
import type { Store } from "./store/store.ts";

export interface Endpoints {
  /** mTLS. */
  readonly main: Endpoint;
  readonly enrolment: Endpoint;
}

export interface Service {
  readonly name: PartyId;
  readonly ports: Ports;
  readonly limits: Limits;
  readonly logger: Logger;
  readonly store: Store;
  readonly authority: Authority;
  readonly identityPublicKey: Uint8Array;
  /** DSSE envelope, canonical JSON. */
  readonly keyset: Uint8Array;
  readonly logs: CollaborationLogs;
  readonly inboxes: Inboxes;
  readonly meetings: Meetings;
  readonly relay: Relay;
  readonly streams: OpenStreams;
  readonly gates: CallGates;
  readonly room: DiskRoom;
  /** Calls by name and outcome. */
  readonly answers: Tally;
  /** Aborted when the coordinator is asked to stop: nothing new begins. */
  readonly stopping: AbortController;
  readonly revocations: Revocations;
  /** Known once both listeners are bound, before the first call. */
  endpoints(): Endpoints;
}

/** What `main.ts` has opened. */
export interface ServiceParts extends Pick<Service, "name" | "ports" | "limits" | "logger" | "store" | "authority"> {
  readonly folder: string;
  readonly keys: CoordinatorKeys;
}

/** Before a job or a session begins. Throws COORDINATOR_UNREACHABLE: the caller is to try again. */
export function requireRunning({ stopping }: Pick<Service, "stopping">): void {
  if (stopping.signal.aborted) throw stoppingError();
}

export function stoppingError(): EntenteError {
  return new EntenteError("COORDINATOR_UNREACHABLE", { detail: "it is stopping" });
}

/** `endpoints`: undefined until both listeners are bound. */
export function makeService({ folder, keys, ...parts }: ServiceParts, endpoints: () => Endpoints | undefined): Service {
  const { name, ports, limits, logger, store } = parts;
  const { clock, timers } = ports;
  const meetings = new Meetings({ clock, limits });
  return {
    ...parts,
    identityPublicKey: keys.identity.publicKey,
    keyset: keys.keyset,
    logs: new CollaborationLogs({ ports, folder, name, key: keys.log, store }),
    inboxes: new Inboxes(toHex(ports.random.bytes(8)), limits),
    meetings,
    relay: new Relay({
      clock,
      timers,
      idleMs: limits.relayIdleMs,
      onEnd({ relayId, requester, peer }, bytes, error) {
        meetings.end(relayId);
        logger.info({ requester, peer, bytes, code: error?.code }, "relayed session ended");
      },
    }),
    streams: new OpenStreams(limits),
    gates: callGates(limits, clock),
    room: new DiskRoom({
      ...{ files: ports.files, folder, clock, keptBytes: limits.freeDiskMib * 1024 * 1024 },
      refusal: () => refusal(limits, "freeDiskMib"),
    }),
    answers: new Tally(),
    stopping: new AbortController(),
    revocations: new Revocations(parts),
    endpoints() {
      const bound = endpoints();
      if (bound === undefined) throw new EntenteError("INTERNAL");
      return bound;
    },
  };
}

/** At the start: entries that a stop left between store and log. */
export async function catchUp({ store, logs }: Service): Promise<void> {
  for (const collaboration of await store.collaborationsWithPendingEntries()) await logs.flush(collaboration);
}
