/**
 * The quarantine: a JSONL file in the node's own folder, mode 0600, with one line per row that was set aside. It is the
 * only place that keeps the id as it was written, so that the owner can mend the source; it never leaves the node.
 */
import type { RawId } from "./composite-id.ts";
import { LineWriter, writeWhole } from "./private-file.ts";
import type { RejectReason } from "./rejection.ts";

export interface QuarantineEntry {
  /** Of a dataset of several files: which one. */
  readonly file?: string | undefined;
  /** CSV: the line of the file on which the record begins. Parquet: the number of the row. From 1. */
  readonly line: number;
  readonly reason: RejectReason | "duplicate";
  /** The column at fault: for `number-invalid`, and of an id of several columns the first part that is not usable. */
  readonly column?: string;
  /** As in the file, a list of its parts where it has several columns; absent where the reader could not tell them apart. */
  readonly id?: RawId;
}

export type Quarantine = (entry: QuarantineEntry) => Promise<void>;

/**
 * Runs `fill` with a function that records entries; the file appears (and replaces an earlier one) when it resolves.
 * Without a path nothing is written. `take` is told of bytes before they are written, and may throw. Throws STORAGE_FAILED, DISK_FULL.
 */
export async function withQuarantine<T>(
  path: string | undefined,
  fill: (record: Quarantine) => Promise<T>,
  take: (bytes: number) => void = () => {},
): Promise<T> {
  if (path === undefined) return fill(async () => {});
  let result: T | undefined;
  await writeWhole(path, async (temporary) => {
    const writer = await LineWriter.create(temporary);
    try {
      result = await fill(async ({ file, line, reason, column, id }) => {
        const text = `${JSON.stringify({ file, line, reason, column, id })}\n`;
        take(Buffer.byteLength(text));
        await writer.write(text);
      });
    } finally {
      await writer.close();
    }
  });
  return result as T;
}
