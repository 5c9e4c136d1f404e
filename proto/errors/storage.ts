/** Errors of the databases in which nodes and coordinators keep their state. */
import { ALREADY_EXISTS, type CatalogueEntry, DATA_LOSS, entry, FAILED_PRECONDITION, UNAVAILABLE } from "./entry.ts";

export const STORAGE = {
  STORE_UNREACHABLE: entry(
    UNAVAILABLE,
    503,
    "operator",
    "The store's database does not answer. Nothing was lost; what was asked can be asked again when it is back.",
    true,
  ),
  STORE_TOO_NEW: entry(
    FAILED_PRECONDITION,
    500,
    "operator",
    "A newer Entente has written this store. Start that version or a later one, or restore the backup from before the upgrade; nothing was changed.",
  ),
  STORE_TOO_OLD: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "This store has the schema of an earlier Entente. Run 'entente store migrate', or start the node or coordinator once, and try again.",
  ),
  STORE_IN_USE: entry(
    ALREADY_EXISTS,
    409,
    "operator",
    "Another process serves from this store. Stop it first; a node or coordinator runs once.",
  ),
  STORE_OF_ANOTHER: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "This database holds the store of another node or coordinator. Give each its own database, or its own schema in one.",
  ),
  STORE_LOST: entry(
    DATA_LOSS,
    500,
    "operator",
    "A node or coordinator has run in this folder before, and its store is empty. Put the store's file back (node.db, coordinator.db), name its place under 'store' in the configuration, or restore a backup; nothing was changed.",
  ),
  STORE_DAMAGED: entry(
    DATA_LOSS,
    500,
    "operator",
    "The store's database is damaged or not of any known form. Run 'entente store check', keep the file, and restore from backup.",
  ),
  BACKUP_DAMAGED: entry(
    DATA_LOSS,
    500,
    "operator",
    "The backup is not whole: a file is missing or not as it was written. Nothing was restored; use another backup.",
  ),
} as const satisfies Record<string, CatalogueEntry>;
