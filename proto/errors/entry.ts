/** What an entry of the catalogue is made of. */

/** Who has to act on an error: this node's own users or operator, the peer's, or the coordinator's operator. */
export type Actor = "caller" | "operator" | "peer" | "coordinator" | "nobody";

export interface CatalogueEntry {
  /** gRPC status code number (google.rpc.Code). */
  readonly grpc: number;
  readonly http: number;
  readonly retryable: boolean;
  readonly who: Actor;
  readonly text: string;
}

/** Of google.rpc.Code. */
export const INVALID_ARGUMENT = 3;
export const DEADLINE_EXCEEDED = 4;
export const NOT_FOUND = 5;
export const ALREADY_EXISTS = 6;
export const PERMISSION_DENIED = 7;
export const RESOURCE_EXHAUSTED = 8;
export const FAILED_PRECONDITION = 9;
export const ABORTED = 10;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;
export const DATA_LOSS = 15;
export const UNAUTHENTICATED = 16;

export function entry(grpc: number, http: number, who: Actor, text: string, retryable = false): CatalogueEntry {
  return { grpc, http, retryable, who, text };
}
