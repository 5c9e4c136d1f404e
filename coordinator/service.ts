/** What the RPCs work on, made once in `main.ts`. */
import type { Logger } from "pino";
import type { Endpoint } from "../proto/codec/endpoint.ts";
import type { PartyId } from "../proto/ids.ts";
import type { Ports } from "../proto/ports/ports.ts";
import type { Authority } from "./authority.ts";
import type { Limits } from "./limits.ts";
import type { CollaborationLogs } from "./log/collaboration-logs.ts";
import type { OpenStreams } from "./open-streams.ts";
import type { Inboxes } from "./relay/inboxes.ts";
import type { Meetings } from "./relay/meetings.ts";
import type { Relay } from "./relay/relay.ts";
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
  /** Known once both listeners are bound, before the first call. */
  endpoints(): Endpoints;
}
