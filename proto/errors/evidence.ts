/** Errors of evidence logs. */
import { ABORTED, type CatalogueEntry, DATA_LOSS, entry, FAILED_PRECONDITION } from "./entry.ts";

export const EVIDENCE = {
  LOG_CORRUPT: entry(
    DATA_LOSS,
    500,
    "operator",
    "The evidence log on disk does not verify. Stop, keep the folder, and restore from backup.",
  ),
  LOG_FORKED: entry(
    DATA_LOSS,
    409,
    "operator",
    "Two checkpoints of one log do not agree: it was restored from a backup or changed. Nothing is signed for it; 'entente evidence' shows both and what to do.",
  ),
  COLLABORATION_FROZEN: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "The log of another party to the collaboration, or the coordinator's, has shown two histories. Both are kept; no job runs until a person here has seen them ('entente evidence').",
  ),
  COLLABORATION_READ_ONLY: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "This node may have been restored from a backup. Nothing is written in the collaboration until every peer has said up to where it knows this node's log.",
    true,
  ),
  LOG_BEHIND: entry(ABORTED, 409, "peer", "The checkpoint offered is older than the one already cosigned."),
} as const satisfies Record<string, CatalogueEntry>;
