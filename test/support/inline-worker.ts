/**
 * A session's worker on this thread: the driver of the real one with the real kernels, which this process loads once. What
 * goes in and comes out is copied, as between threads. Saves tests a thread, and SEAL's loading, for every session.
 */
import { createHe, type He } from "../../party/he/he.ts";
import type { PsiVolePlatform } from "../../party/protocols/psi-vole/platform.ts";
import { Driver, type FrameIo } from "../../party/session/drive.ts";
import type { Task, TaskOutput } from "../../party/session/task.ts";
import { createWorkerPlatform } from "../../party/session/worker-platform.ts";
import type { TaskWorker } from "../../party/session/worker-port.ts";
import { wasmModule } from "../../party/wasm/modules.ts";
import { EntenteError } from "../../proto/errors.ts";

let platform: Promise<PsiVolePlatform> | undefined;
let he: He | undefined;

function realPlatform(): Promise<PsiVolePlatform> {
  platform ??= createWorkerPlatform();
  return platform;
}

function loadHe(): He {
  he ??= createHe(wasmModule("score"));
  return he;
}

type DriverPlatform = ConstructorParameters<typeof Driver>[0];

export class InlineWorker implements TaskWorker {
  readonly #platform: DriverPlatform | undefined;
  #driver: Driver | undefined;
  #isClosed = false;

  /** `platform`: in place of the real one. */
  constructor(platform?: DriverPlatform) {
    this.#platform = platform;
  }

  async run<T extends Task>(task: T, io?: FrameIo): Promise<TaskOutput<T>> {
    this.#driver ??= new Driver(this.#platform ?? (await realPlatform()), loadHe);
    if (this.#isClosed) throw new EntenteError("INTERNAL", { cause: new Error("the worker was closed") });
    const output = await runOn(this.#driver, structuredClone(task), io);
    return structuredClone(output) as TaskOutput<T>;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }
}

async function runOn(driver: Driver, task: Task, io: FrameIo | undefined): Promise<TaskOutput<Task>> {
  if (task.kind === "open") return driver.open(task);
  if (io === undefined) throw new EntenteError("INTERNAL");
  return task.kind === "receive" ? driver.receive(task, io) : driver.provide(task, io);
}
