/** What a delivery is to where it goes. */
import type { TagChange, TagPlace } from "../store/tag-records.ts";

export interface Outgoing {
  readonly deliveryId: string;
  readonly feed: string;
  readonly mode: "full" | "since-last";
  /** Up to which change the target knows everything afterwards. */
  readonly toChange: number;
  /** How far the target has acknowledged it in an earlier try. */
  readonly place: TagPlace | null;
  readonly counts: DeliveryCounts;
  /** Anew at each call, in the order of subjects. */
  changes(after: TagPlace | null): AsyncIterable<readonly TagChange[]>;
  /** For targets that take it in pieces: durable when it resolves. */
  acknowledged(place: TagPlace, counts: DeliveryCounts): Promise<void>;
}

export interface DeliveryCounts {
  readonly written: number;
  readonly ended: number;
}

/** Idempotent: the same delivery once more, after whatever stop, leaves the target as once. Throws typed errors that hold
 * nothing of a tag. */
export type Target = (outgoing: Outgoing) => Promise<DeliveryCounts>;
