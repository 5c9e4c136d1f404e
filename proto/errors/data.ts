/** Errors of own data: datasets, databases, filters, segments. */
import {
  type CatalogueEntry,
  entry,
  FAILED_PRECONDITION,
  INTERNAL,
  INVALID_ARGUMENT,
  NOT_FOUND,
  PERMISSION_DENIED,
  UNAVAILABLE,
} from "./entry.ts";

export const DATA = {
  DATASET_FILE_MISSING: entry(
    NOT_FOUND,
    400,
    "caller",
    "The data file is not there or cannot be read. Check the path and the node's permissions.",
  ),
  DATASET_PLACE: entry(
    PERMISSION_DENIED,
    403,
    "operator",
    "The node reads no data file from that place. Ask its operator where data files belong: outside of the node's own folder and, where node.json names 'dataFolders', in one of those.",
  ),
  DATASET_EMPTY: entry(FAILED_PRECONDITION, 400, "caller", "The data file has no rows. Check the export that made it."),
  DATASET_FORMAT: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The file cannot be read as the registered format. Check that it is the CSV or Parquet file that you meant.",
  ),
  DATASET_COLUMN_UNKNOWN: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The dataset has no column of that name. List the columns and use one of them.",
  ),
  DATASET_COLUMN_TYPE: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "A column has another type than the operation needs. Use a numeric column for a feature.",
  ),
  DATASET_ID_EMPTY: entry(
    FAILED_PRECONDITION,
    400,
    "caller",
    "The id column holds no usable id: every row is blank or malformed. Check the column and its normaliser.",
  ),
  DATASET_CHANGED: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The data changed since it was registered. Register it again to make a new version.",
  ),
  DATABASE_UNKNOWN: entry(
    NOT_FOUND,
    400,
    "operator",
    "The node's configuration has no usable database of that name. Mend 'databases' in node.json, and restart the node.",
  ),
  DATABASE_UNREACHABLE: entry(
    UNAVAILABLE,
    502,
    "operator",
    "The database cannot be reached, or the connection to it broke. Check that it runs, its address and TLS; then try again.",
    true,
  ),
  DATABASE_REFUSED: entry(
    FAILED_PRECONDITION,
    400,
    "operator",
    "The database refuses the request. Look up the SQLSTATE, and check the table or query and the user's rights.",
  ),
  STORAGE_FAILED: entry(
    INTERNAL,
    500,
    "operator",
    "The node could not write to its disk. Free space or mend the permissions, then try again.",
    true,
  ),
  FILTER_INVALID: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The filter is not one SQL expression over the dataset's own columns. Correct the named part.",
  ),
  SEGMENT_INVALID: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The segment cannot be defined or used like that. Correct what is named.",
  ),
  SEGMENT_CHANGED: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "Other people are in the segment now than when the job was asked for. Ask for the job again.",
  ),
  SEGMENT_UNPUBLISHED: entry(
    PERMISSION_DENIED,
    403,
    "peer",
    "The provider publishes no segment of that name of that dataset. List those it does with 'entente peer segments', or ask its people to publish it.",
  ),
  SEGMENT_VERSION: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The provider publishes another version of that segment. Look at 'entente peer segments' and ask with the version shown there.",
  ),
} as const satisfies Record<string, CatalogueEntry>;
