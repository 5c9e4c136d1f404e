/**
 * The node's own check of its evidence: the offline verifier over this node's export, on a thread of its own. One at a time, for
 * so long at most, and no longer than somebody waits for it.
 */
import { Worker } from "node:worker_threads";
import { EntenteError, type ErrorCode } from "../../../proto/errors.ts";
import type { LogFile } from "../../../proto/evidence/log.ts";
import type { Timers } from "../../../proto/ports/ports.ts";
import type { AuditReport } from "../../../sdk/verify/report.ts";
import type { ProgressReport } from "../../progress/meter.ts";

export interface CheckTask {
  /** What places in the report call the export by. */
  readonly name: string;
  readonly files: readonly LogFile[];
  readonly trust: readonly string[] | undefined;
}

export type FromCheck =
  | { readonly kind: "progress"; readonly done: number; readonly total: number }
  | { readonly kind: "done"; readonly report: AuditReport }
  | { readonly kind: "error"; readonly code: ErrorCode; readonly detail?: string; readonly stack?: string };

/** Some millions of entries; whoever has more verifies the folder elsewhere. */
const DEADLINE_MS = 15 * 60_000;
const MAX_MEMORY_MB = 2048;
/** Of what the machine or its container has: the node and its jobs live in the rest. */
const MEMORY_PART = 1 / 4;
const MIB = 1024 * 1024;

export interface CheckOptions {
  readonly name: string;
  readonly collect: () => Promise<readonly LogFile[]>;
  readonly trust?: readonly string[] | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  readonly onProgress: (report: ProgressReport) => void;
  readonly timers: Timers;
}

/** In MiB of a thread's heap. */
export function checkMemoryMb(machineBytes: number): number {
  return Math.floor(Math.min(MAX_MEMORY_MB, (machineBytes * MEMORY_PART) / MIB));
}

export class EvidenceCheck {
  readonly #memoryMb: number;
  #isRunning = false;

  constructor(memoryMb: number) {
    this.#memoryMb = memoryMb;
  }

  /** Throws OVERLOADED while another runs, CANCELLED when its caller leaves, LIMIT_EXCEEDED when it takes too long or too much memory,
   * and what `collect` throws. */
  async run({ name, collect, trust, ...watched }: CheckOptions): Promise<AuditReport> {
    if (this.#isRunning) throw new EntenteError("OVERLOADED", { detail: "another check of the evidence" });
    this.#isRunning = true;
    try {
      watched.onProgress({ step: "collecting-evidence", done: 0, total: null, unit: "steps" });
      const files = await collect();
      if (watched.signal.aborted) throw new EntenteError("CANCELLED");
      return await onThread({ name, files, trust }, { ...watched, memoryMb: this.#memoryMb });
    } finally {
      this.#isRunning = false;
    }
  }
}

async function onThread(
  task: CheckTask,
  {
    signal,
    onProgress,
    timers,
    memoryMb,
  }: Pick<CheckOptions, "signal" | "onProgress" | "timers"> & { readonly memoryMb: number },
): Promise<AuditReport> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./check-worker.${extension}`, import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  const { promise, resolve, reject } = Promise.withResolvers<AuditReport>();
  const leave = () => reject(new EntenteError("CANCELLED"));
  const cancelDeadline = timers.after(DEADLINE_MS, () => reject(tooMuch("time")));
  signal.addEventListener("abort", leave);
  worker.on("message", (message: FromCheck) => {
    if (message.kind === "done") resolve(message.report);
    else if (message.kind === "error") reject(errorOf(message));
    else onProgress({ step: "checking-entries", unit: "entries", done: message.done, total: message.total });
  });
  worker.on("error", (cause: NodeJS.ErrnoException) =>
    reject(cause.code === "ERR_WORKER_OUT_OF_MEMORY" ? tooMuch("memory") : new EntenteError("INTERNAL", { cause })),
  );
  worker.on("exit", () => reject(new EntenteError("INTERNAL", { cause: new Error("the check's thread ended") })));
  try {
    return await promise;
  } finally {
    cancelDeadline();
    signal.removeEventListener("abort", leave);
    await worker.terminate();
  }
}

function tooMuch(what: "time" | "memory"): EntenteError {
  return new EntenteError("LIMIT_EXCEEDED", { detail: `${what} of a check; verify the exported file elsewhere` });
}

function errorOf({ code, detail, stack }: FromCheck & { readonly kind: "error" }): EntenteError {
  const cause = stack === undefined ? undefined : Object.assign(new Error(), { stack });
  return new EntenteError(code, { ...(detail === undefined ? {} : { detail }), cause });
}
