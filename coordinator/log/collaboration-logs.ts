/**
 * The coordinator's evidence logs, one per collaboration: the receipts that both parties signed. A receipt is stored as
 * pending in the transaction that accepts it and appended here, so a stop between the two loses and doubles nothing.
 *
 * One origin for each collaboration, whatever the year: a register of receipts grows by one entry a job, and its parties
 * hold the same receipts in logs of their own.
 */
import { join } from "node:path";
import type { LogCheckpoint } from "../../proto/codec/coordinator.ts";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import type { SigningKey, VerifyingKey } from "../../proto/encoding/ed25519.ts";
import { EvidenceLog, type LogFile } from "../../proto/evidence/log.ts";
import { encodeNote } from "../../proto/evidence/note.ts";
import type { CollaborationId, PartyId } from "../../proto/ids.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import type { PendingEntry, Store } from "../store/store.ts";

export interface CollaborationLogsOptions {
  readonly ports: Pick<Ports, "files" | "clock">;
  readonly folder: string;
  readonly name: PartyId;
  readonly key: SigningKey;
  readonly store: Store;
}

export class CollaborationLogs {
  readonly #options: CollaborationLogsOptions;
  readonly #logs = new Map<CollaborationId, Promise<EvidenceLog>>();
  /** Per collaboration: what runs now, so that no entry is appended by two flushes. */
  readonly #flushing = new Map<CollaborationId, Promise<void>>();

  constructor(options: CollaborationLogsOptions) {
    this.#options = options;
  }

  /** Resolves when every entry that was pending at the call is durable in the log. */
  flush(collaboration: CollaborationId): Promise<void> {
    const before = this.#flushing.get(collaboration) ?? Promise.resolve();
    const flush = before.catch(() => undefined).then(() => this.#flush(collaboration));
    this.#flushing.set(collaboration, flush);
    return flush;
  }

  /** All files of a collaboration's log at one moment. */
  async files(collaboration: CollaborationId): Promise<LogFile[]> {
    return (await this.#log(collaboration)).exportFiles();
  }

  /** The newest checkpoint, and the proof that it extends one of `oldSize`: none when the log is no longer than that. */
  async checkpoint(collaboration: CollaborationId, oldSize: number): Promise<LogCheckpoint> {
    const log = await this.#log(collaboration);
    const { size } = log;
    const proof = oldSize === 0 || oldSize >= size ? [] : log.consistencyProof(oldSize, size);
    return { note: encodeNote(log.checkpointNote()), proof };
  }

  /** Durable when it resolves. Throws as `EvidenceLog.addCosignature`. */
  async addCosignature(
    collaboration: CollaborationId,
    line: string,
    by: { readonly size: number; readonly cosigner: VerifyingKey },
  ): Promise<void> {
    await (await this.#log(collaboration)).addCosignature(line, by);
  }

  /** Of those that have been opened since the start. */
  async sizes(): Promise<{ readonly collaboration: CollaborationId; readonly size: number }[]> {
    return Promise.all(
      [...this.#logs].map(async ([collaboration, log]) => ({ collaboration, size: (await log).size })),
    );
  }

  async #flush(collaboration: CollaborationId): Promise<void> {
    const { store } = this.#options;
    const pending = await store.pendingEntries(collaboration);
    if (pending.length === 0) return;
    const log = await this.#log(collaboration);
    const missing = await notYetIn(log, pending);
    try {
      if (missing.length > 0) await log.append(missing.map((entry) => entry.bytes));
    } catch (error) {
      // It may be in the log all the same: the next flush reads the disk before it looks.
      this.#logs.delete(collaboration);
      throw error;
    }
    await store.removePending(pending.map((entry) => entry.id));
  }

  #log(collaboration: CollaborationId): Promise<EvidenceLog> {
    const known = this.#logs.get(collaboration);
    if (known !== undefined) return known;
    const opened = this.#open(collaboration);
    this.#logs.set(collaboration, opened);
    // A log that could not be opened is tried again at the next call.
    opened.catch(() => this.#logs.delete(collaboration));
    return opened;
  }

  /** The newest log that is there; the first one is of the current year. */
  async #open(collaboration: CollaborationId): Promise<EvidenceLog> {
    const { ports, folder, name, key } = this.#options;
    const base = join(folder, "log", collaboration);
    const years = (await ports.files.list(base)).filter((year) => /^\d{4}$/.test(year));
    const year = years.at(-1) ?? String(new Date(ports.clock.nowMs()).getUTCFullYear());
    return EvidenceLog.open({
      files: ports.files,
      folder: join(base, year),
      origin: `${name}/${collaboration}/${year}`,
      key,
    });
  }
}

/** A batch is appended whole and only then leaves the store: when the log's last entry is one of those pending, all up
 * to that one are in. No two entries are alike, as a job has one receipt. */
async function notYetIn(log: EvidenceLog, pending: readonly PendingEntry[]): Promise<readonly PendingEntry[]> {
  if (log.size === 0) return pending;
  const last = await log.entry(log.size - 1);
  return pending.slice(pending.findIndex((entry) => equalBytes(entry.bytes, last)) + 1);
}
