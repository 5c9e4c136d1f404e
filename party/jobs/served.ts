/** Jobs that this node serves now, in memory: which attempt it expects, its own data read for it, its open session. */
import { EntenteError } from "../../proto/errors.ts";
import type { Channel } from "../session/channel.ts";
import type { JobInput } from "./inputs.ts";
import type { FinishedPartition } from "./lifecycle.ts";
import type { JobShape } from "./shape.ts";

export interface ExpectedAttempt {
  readonly attempt: number;
  readonly finished: readonly FinishedPartition[];
  readonly shape: JobShape;
  readonly jobKey: Uint8Array;
}

interface Entry {
  peer: string;
  lastMs: number;
  expected: ExpectedAttempt | undefined;
  /** The dataset is read once for all attempts. */
  input: Promise<JobInput> | undefined;
  channel: Channel | undefined;
}

export class ServedJobs {
  readonly #jobs = new Map<string, Entry>();
  readonly #confirming = new Set<string>();

  /** Jobs whose data are being read or held. */
  get size(): number {
    return [...this.#jobs.values()].filter(({ input }) => input !== undefined).length;
  }

  /** Of one peer. */
  sizeOf(peer: string): number {
    return [...this.#jobs.values()].filter((entry) => entry.input !== undefined && entry.peer === peer).length;
  }

  has(jobId: string): boolean {
    return this.#jobs.get(jobId)?.input !== undefined;
  }

  touch(jobId: string, nowMs: number): void {
    this.#entry(jobId).lastMs = nowMs;
  }

  /** True when nothing has happened since, and no session is open. */
  isIdleSince(jobId: string, sinceMs: number): boolean {
    const entry = this.#jobs.get(jobId);
    return entry !== undefined && entry.lastMs <= sinceMs && entry.channel?.isOpen !== true;
  }

  /** A new attempt takes over: the session of the one before, if the peer has lost it, is ended. */
  expect(jobId: string, peer: string, expected: ExpectedAttempt, read: () => Promise<JobInput>): void {
    const entry = this.#entry(jobId);
    entry.peer = peer;
    void entry.channel?.fail(new EntenteError("CANCELLED"));
    entry.channel = undefined;
    entry.expected = expected;
    entry.input ??= read();
    // Awaited in the session, where the peer can be told.
    entry.input.catch(() => {});
  }

  expected(jobId: string): ExpectedAttempt | undefined {
    return this.#jobs.get(jobId)?.expected;
  }

  begin(jobId: string, channel: Channel): void {
    const entry = this.#entry(jobId);
    entry.expected = undefined;
    entry.channel = channel;
  }

  /** False when somebody asks the receiver already whether it has the job's keys. */
  beginConfirming(jobId: string): boolean {
    if (this.#confirming.has(jobId)) return false;
    this.#confirming.add(jobId);
    return true;
  }

  endConfirming(jobId: string): void {
    this.#confirming.delete(jobId);
  }

  /** Throws what reading threw. */
  async input(jobId: string): Promise<JobInput> {
    const input = this.#jobs.get(jobId)?.input;
    if (input === undefined) throw new EntenteError("CANCELLED");
    return input;
  }

  /** Gives up what was read for the job, of that peer or of any, that has waited longest without a session; it is read again
   * if its peer comes. False when all are at work. */
  async makeRoom(of?: string): Promise<boolean> {
    const waiting = [...this.#jobs.values()].filter(
      ({ input, channel, peer }) =>
        input !== undefined && channel?.isOpen !== true && (of === undefined || of === peer),
    );
    const [oldest] = waiting.sort((a, b) => a.lastMs - b.lastMs);
    if (oldest === undefined) return false;
    const { input } = oldest;
    oldest.input = undefined;
    oldest.expected = undefined;
    await (await input?.catch(() => undefined))?.destroy().catch(() => {});
    return true;
  }

  /** The job has ended: its data are removed. Never throws. */
  async forget(jobId: string): Promise<void> {
    const entry = this.#jobs.get(jobId);
    this.#jobs.delete(jobId);
    const input = await entry?.input?.catch(() => undefined);
    await input?.destroy().catch(() => {});
  }

  #entry(jobId: string): Entry {
    const known = this.#jobs.get(jobId);
    if (known !== undefined) return known;
    const entry = { peer: "", lastMs: 0, expected: undefined, input: undefined, channel: undefined };
    this.#jobs.set(jobId, entry);
    return entry;
  }
}
