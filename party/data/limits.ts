/** Every bound and default of the data readers, with where it comes from. */

/** What one read may take of the machine. Passed down from the node's configuration. */
export interface DataLimits {
  /** DuckDB's `memory_limit`. A streaming read needs some tens of MB; an export keeps its rows under this. */
  readonly memoryLimitMb: number;
  readonly threads: number;
}

export const DEFAULT_LIMITS: DataLimits = { memoryLimitMb: 512, threads: 2 };

/** A header longer than this is a file without line ends, not a table. */
export const MAX_HEADER_BYTES = 1 << 20;

/** Rows behind the header that a proposal of the dialect looks at, and the share that must fit an unusual delimiter. */
export const MAX_SNIFFED_RECORDS = 200;
export const SNIFFED_SHARE = 0.95;

/** A text is in an encoding when this share of its lines beyond ASCII is; the others are set aside. */
export const ENCODING_SHARE = 0.95;

/** Files of one dataset. Each is a line of the registration, and is opened anew for each pass. */
export const MAX_PARTS = 10_000;

/** Longest normalised id in UTF-8 bytes: an e-mail address has at most 254 (RFC 5321 section 4.5.3.1.3). */
export const MAX_ID_BYTES = 256;

/** A CSV column counts as numeric from this share of its non-blank cells; the rows of the others are set aside. */
export const NUMERIC_SHARE = 0.95;

/** DuckDB holds some 2,000 rows of all columns at once, and more than that of text, in the memory of a reader. */
export const MAX_COLUMNS = 1_000;

/** Columns that one pass of registration counts cells of: some 150 KB each, and thread. */
export const COUNTED_COLUMNS = 250;

/** Rows are numbered in 32 bits. */
export const MAX_ROWS = 2 ** 32 - 1;

/** Cells from which registration guesses which CSV columns are plain numbers; the whole file then decides. */
export const SAMPLE_CELLS = 20_000;

/** DuckDB refuses a longer line (its default, named so that an upgrade cannot change it). */
export const MAX_LINE_BYTES = 2_097_152;

/** More broken lines than this is not a CSV file with mistakes; bounds what DuckDB notes of them in memory. */
export const MAX_BROKEN_LINES = 100_000;

/** Bytes per read of the digest pass. */
export const DIGEST_CHUNK_BYTES = 1 << 20;

/** Bytes that a writer of JSONL or CSV gathers before it writes. */
export const WRITE_BUFFER_BYTES = 1 << 18;

/** DuckDB's vector size, the most rows of one chunk. */
export const CHUNK_ROWS = 2048;

/** Plaintext of one encrypted block of a spill, at most: large enough that the calls for it cost nothing. */
export const MAX_BLOCK_BYTES = 1 << 20;

/** At least, so that a block of many wide rows holds some; and all blocks that are being filled, of all partitions. */
export const MIN_BLOCK_BYTES = 1 << 14;
export const FILLING_BYTES = 1 << 25;

/** A dataset of one partition and at most so many rows stays in memory: 5 MB of hashes, which a spill would not lessen. */
export const MEMORY_ROWS = 2 ** 18;

/** Rows of a partition while registration counts distinct ids: each is loaded as a whole, 28 MB with its index. */
export const DISTINCT_ROWS = 2 ** 20;

/** Of a filter: characters of its text, nodes of its tree, and how deep that is. A person's filter has some tens. */
export const MAX_FILTER_CHARACTERS = 4000;
export const MAX_FILTER_NODES = 500;
export const MAX_FILTER_DEPTH = 32;
