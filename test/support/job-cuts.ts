/** Sessions of jobs that break off where a test says, and what each attempt did. */
import type { Duplex } from "node:stream";
import { vi } from "vitest";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { JobBook } from "../../party/jobs/book.ts";
import type { JobEvent } from "../../party/jobs/lifecycle.ts";
import type { Node } from "../../party/node.ts";
import { Meetings } from "../../party/session/meetings.ts";
import { EntenteError } from "../../proto/errors.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import { InlineWorker } from "./inline-worker.ts";
import type { TwoNodes } from "./two-nodes.ts";

/** The streams of the sessions between the nodes, to be destroyed as a coordinator does that lets neither in any more: no
 * session goes on over another. */
export class Cable {
  readonly #streams = new Set<Duplex>();

  readonly wrap = (link: CoordinatorLink): CoordinatorLink => ({
    ...link,
    connectRelay: async (relayId) => {
      const stream = await link.connectRelay(relayId);
      this.#streams.add(stream);
      stream.once("close", () => this.#streams.delete(stream));
      return stream;
    },
  });

  cut(): void {
    for (const stream of this.#streams) stream.destroy(new EntenteError("CERTIFICATE_REFUSED"));
  }
}

/** The pause before a new attempt is short, or lasts until the test ends it. Restores with `vi.restoreAllMocks`. */
export class Pauses {
  #isNext = false;
  readonly #held: (() => void)[] = [];
  isHolding = false;
  count = 0;

  readonly timers: Timers = {
    after: (delayMs, run) => {
      const isPause = this.#isNext;
      this.#isNext = false;
      if (!isPause) return nodePorts.timers.after(delayMs, run);
      this.count++;
      if (!this.isHolding) return nodePorts.timers.after(10, run);
      this.#held.push(run);
      return () => {};
    },
  };

  /** Call before each test. */
  watch(): void {
    this.count = 0;
    this.isHolding = false;
    this.forget();
    const report = JobBook.prototype.report;
    vi.spyOn(JobBook.prototype, "report").mockImplementation(function (this: JobBook, jobId, progress) {
      if (progress.step === "waiting-to-retry") watched.#isNext = true;
      return report.call(this, jobId, progress);
    });
    const watched = this;
  }

  get held(): number {
    return this.#held.length;
  }

  /** Those of a node that was stopped. */
  forget(): void {
    this.#held.length = 0;
  }

  end(): void {
    this.isHolding = false;
    for (const go of this.#held.splice(0)) go();
  }
}

/** Partitions that the receiver's workers began, and the exporter value of each attempt's session. */
export class Attempts {
  readonly begun: (readonly [attempt: number, partition: number])[] = [];
  readonly exporters = new Map<number, string>();
  /** Gate keys that the sender's workers were given, in order, as hex. */
  readonly sealedWith: (readonly [partition: number, key: string])[] = [];
  #attempt = 0;
  /** Before a partition is begun. */
  before: (attempt: number, partition: number) => Promise<void> = async () => {};

  /** Call before each test. */
  watch(): void {
    const watched = this;
    this.begun.length = 0;
    this.exporters.clear();
    this.sealedWith.length = 0;
    this.before = async () => {};
    const openJob = Meetings.prototype.openJob;
    vi.spyOn(Meetings.prototype, "openJob").mockImplementation(async function (this: Meetings, peer, job, purpose) {
      const channel = await openJob.call(this, peer, job, purpose);
      watched.#attempt = purpose.attempt;
      watched.exporters.set(purpose.attempt, Buffer.from(channel.exporter).toString("hex"));
      return channel;
    });
    const run = InlineWorker.prototype.run;
    vi.spyOn(InlineWorker.prototype, "run").mockImplementation(async function (this: InlineWorker, task, io) {
      if (task.kind === "receive") {
        const { partition } = task.context;
        watched.begun.push([watched.#attempt, partition]);
        await watched.before(watched.#attempt, partition);
      }
      if (task.kind === "provide")
        watched.sealedWith.push([task.context.partition, Buffer.from(task.gateKey).toString("hex")]);
      return run.call(this, task, io);
    } as typeof run);
  }
}

export function hasFinished(node: Node, jobId: string, partition: number): Promise<boolean> {
  return node.book.require(jobId).then(
    ({ finished }) => finished.some((done) => done.partition === partition),
    () => false,
  );
}

/** The only job of both nodes that has not ended. */
export async function openJobId({ bank }: TwoNodes): Promise<string> {
  const open = (await bank.book.list()).filter(({ state }) => state === "running");
  if (open.length !== 1) throw new Error(`${open.length} jobs are running`);
  return (open[0] as { jobId: string }).jobId;
}

/** The node dies, as far as its peer can see, before it has recorded the partition that its peer has recorded. */
export function forgetPartition(nodes: TwoNodes, cable: Cable, at: Node, partition: number): void {
  const other = at === nodes.bank ? nodes.bureau : nodes.bank;
  const append = at.store.appendJobEvent.bind(at.store);
  let isDone = false;
  vi.spyOn(at.store, "appendJobEvent").mockImplementation(async (jobId, length, event: JobEvent) => {
    if (isDone || event.type !== "partition-finished" || event.partition !== partition)
      return append(jobId, length, event);
    isDone = true;
    await vi.waitFor(async () => {
      if (!(await hasFinished(other, jobId, partition))) throw new Error("not yet");
    });
    cable.cut();
    throw new EntenteError("PEER_GONE");
  });
}
