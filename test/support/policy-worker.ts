/**
 * The worker as an ideal: what the protocols compute, without computing it privately. For tests of who may run what, of
 * which each needs many jobs. The gate is as real as in the protocols: nothing opens but with the key of that partition.
 */
import type { Task, TaskOutput } from "../../party/session/task.ts";
import type { TaskWorker } from "../../party/session/worker-port.ts";
import { concat, equalBytes, toHex } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";

interface Provided {
  /** The row of each. */
  readonly ids: ReadonlyMap<string, number>;
  /** Of every row. */
  readonly labels: Uint8Array;
  readonly gateKey: Uint8Array;
}

const provided = new Map<string, Provided>();

function hexOf(ids: Uint8Array): string[] {
  const text = toHex(ids);
  return Array.from({ length: ids.length / 16 }, (_, i) => text.slice(i * 32, (i + 1) * 32));
}

/** Slot and share of a score are zeros. */
function labelOf({ ids, labels }: Provided, id: string, labelBytes: number): Uint8Array[] {
  const row = ids.get(id);
  if (row === undefined) return [];
  const width = labels.length / ids.size;
  const own = labels.subarray(row * width, (row + 1) * width);
  return [concat(new Uint8Array(labelBytes - width), own)];
}

export const startIdealWorker = (): TaskWorker => new IdealWorker();

export class IdealWorker implements TaskWorker {
  /** Runs at the beginning of every task of every worker; a test may break off a job here. */
  static before: (kind: Task["kind"], partition: number) => Promise<void> = async () => {};

  async run<T extends Task>(task: T): Promise<TaskOutput<T>> {
    return (await this.#output(task)) as TaskOutput<T>;
  }

  async close(): Promise<void> {}

  async #output(task: Task): Promise<TaskOutput<Task>> {
    const { sessionId, partition } = task.context;
    await IdealWorker.before(task.kind, partition);
    const key = `${toHex(sessionId)}/${partition}`;
    if (task.kind === "provide") {
      const ids = new Map(hexOf(task.ids).map((id, row) => [id, row]));
      provided.set(key, { ids, labels: task.labels.slice(), gateKey: task.gateKey.slice() });
      return {};
    }
    if (task.kind === "receive") {
      const sealed = { outputs: task.ids.slice(), sealed: [] };
      return task.score === undefined ? { sealed } : { sealed, masked: new Uint32Array(1) };
    }
    const theirs = provided.get(key);
    if (theirs === undefined || !equalBytes(theirs.gateKey, task.gateKey)) throw new EntenteError("SEAL_INVALID");
    const rows = hexOf(task.sealed.outputs).flatMap((id, row) => (theirs.ids.has(id) ? [row] : []));
    const labels = hexOf(task.sealed.outputs).flatMap((id) => labelOf(theirs, id, task.context.labelBytes));
    return { rows: Uint32Array.from(rows), labels: concat(...labels) };
  }
}
