/**
 * A process between its start and its end. Everything that its code asks of its surroundings goes through here; once it has
 * been killed nothing is answered any more, so whatever still waits in it waits for ever, as if it had never been.
 */
import { diskError } from "../../proto/ports/disk-error.ts";
import type { Files, Ports } from "../../proto/ports/ports.ts";
import { byteStream, type Chance } from "./chance.ts";
import type { DiskFiles } from "./disk.ts";
import type { Scheduler } from "./scheduler.ts";

export type ProcessName = "bank" | "bureau" | "coordinator";

/** What becomes of one durable operation: nothing of it, or all of it, has happened. */
export type DiskFault = "crash-before" | "crash-after" | "error-before" | "error-after";

export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  /** Of the simulation's randomness. */
  readonly seed: string;
  /** Decides about the process's next durable operation. */
  readonly faultOf: (process: Process, operation: string) => DiskFault | undefined;
  /** A fault has ended it. */
  readonly onCrash: (process: Process) => void;
}

/** When the simulations' wall clocks begin. */
export const EPOCH_MS = Date.parse("2026-03-02T09:00:00.000Z");

/** What ports and stores make of what a file system says. */
function injected(): Error {
  return diskError(Object.assign(new Error("injected disk error"), { code: "EIO" }));
}

const NEVER = new Promise<never>(() => undefined);

export class Process {
  readonly name: ProcessName;
  readonly ports: Ports;
  isAlive = true;
  /** By how much its wall clock is wrong. */
  skewMs: number;
  readonly #surroundings: Surroundings;
  readonly #timers = new Set<() => void>();

  constructor(
    name: ProcessName,
    surroundings: Surroundings,
    { disk, incarnation, skewMs }: { readonly disk: DiskFiles; readonly incarnation: number; readonly skewMs: number },
  ) {
    this.name = name;
    this.#surroundings = surroundings;
    this.skewMs = skewMs;
    const { scheduler, seed } = surroundings;
    const startedMs = scheduler.nowMs;
    this.ports = {
      clock: {
        nowMs: () => EPOCH_MS + Math.floor(scheduler.nowMs) + this.skewMs,
        monotonicMs: () => scheduler.nowMs - startedMs,
      },
      timers: { after: (delayMs, run) => this.timer(delayMs, run) },
      random: { bytes: byteStream(`${seed}/${name}/${incarnation}`) },
      files: this.#filesOn(disk),
    };
  }

  timer(delayMs: number, run: () => void): () => void {
    if (!this.isAlive) return () => undefined;
    const cancel = this.#surroundings.scheduler.after(delayMs, `timer ${this.name}`, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }

  kill(): void {
    this.isAlive = false;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  /** Something that is durable when it has been answered: done at once, and answered a little later. */
  async persist<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (!this.isAlive) return NEVER;
    const { scheduler, chance, faultOf } = this.#surroundings;
    const fault = faultOf(this, operation);
    if (fault !== undefined) scheduler.note(`${fault} ${this.name} ${operation}`);
    if (fault === "crash-before") return this.#crash();
    const result = fault === "error-before" ? undefined : await work();
    if (fault === "crash-after") return this.#crash();
    if (!this.isAlive) return NEVER;
    await new Promise<void>((resume) => this.timer(chance.between(0.05, 2), resume));
    if (fault !== undefined) throw injected();
    return result as T;
  }

  async look<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isAlive) return NEVER;
    const result = await work();
    return this.isAlive ? result : NEVER;
  }

  #crash(): Promise<never> {
    this.kill();
    this.#surroundings.onCrash(this);
    return NEVER;
  }

  #filesOn(disk: DiskFiles): Files {
    return {
      read: (path) => this.look(() => disk.read(path)),
      list: (path) => this.look(() => disk.list(path)),
      fileIdentity: (path) => this.look(() => disk.fileIdentity(path)),
      makeFolder: () => this.look(() => disk.makeFolder()),
      freeBytes: () => this.look(() => disk.freeBytes()),
      usedBytes: (path) => this.look(() => disk.usedBytes(path)),
      writeDurable: (path, bytes) => this.persist(`write ${path}`, () => disk.writeDurable(path, bytes)),
      remove: (path) => this.persist(`remove ${path}`, () => disk.remove(path)),
    };
  }
}
