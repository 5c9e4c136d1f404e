/** `Files` in memory that fails where a test tells it to. */
import { concat } from "../../proto/encoding/bytes.ts";
import type { Files } from "../../proto/ports/ports.ts";

export interface Fault {
  /** Number of the call that fails, from 1, counted from `arm`. */
  readonly call: number;
  /** Whether the failing call has done its work on the disk before it throws. */
  readonly persisted: boolean;
  /** Whether all calls after it fail too, without any work: the process or the disk is gone until `disarm`. */
  readonly forGood: boolean;
}

export class MemoryFiles implements Files {
  readonly contents = new Map<string, Uint8Array>();
  /** Every durable write in its order, as far as it reached the disk. */
  readonly writes: { readonly path: string; readonly bytes: Uint8Array }[] = [];
  /** How many writes the disk has room for. */
  freeWrites = Number.POSITIVE_INFINITY;
  readonly #identities = new Map<string, number>();
  #lastIdentity = 0;
  #fault: Fault | undefined;
  #calls = 0;

  arm(fault: Fault): void {
    this.#fault = fault;
    this.#calls = 0;
  }

  /** True when the fault was reached. */
  disarm(): boolean {
    const reached = this.#fault !== undefined && this.#calls >= this.#fault.call;
    this.#fault = undefined;
    return reached;
  }

  async #call<T>(work: () => T): Promise<T> {
    this.#calls++;
    const fault = this.#fault;
    if (fault === undefined || this.#calls < fault.call || (this.#calls > fault.call && !fault.forGood)) return work();
    if (this.#calls === fault.call && fault.persisted) work();
    throw Object.assign(new Error("injected fault"), { code: "EIO" });
  }

  read(path: string): Promise<Uint8Array | undefined> {
    return this.#call(() => {
      const bytes = this.contents.get(path);
      return bytes && new Uint8Array(bytes);
    });
  }

  writeDurable(path: string, contents: Uint8Array | readonly Uint8Array[]): Promise<void> {
    const bytes = contents instanceof Uint8Array ? contents : concat(...contents);
    return this.#call(() => {
      if (this.freeWrites-- <= 0) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
      const copy = new Uint8Array(bytes);
      this.contents.set(path, copy);
      this.#identities.set(path, ++this.#lastIdentity);
      this.writes.push({ path, bytes: copy });
    });
  }

  /** Changes with every write, and with `restore`. */
  fileIdentity(path: string): Promise<string | undefined> {
    return this.#call(() => (this.contents.has(path) ? String(this.#identities.get(path) ?? 0) : undefined));
  }

  /** Puts back what a backup held, as other files. */
  restore(backup: ReadonlyMap<string, Uint8Array>): void {
    this.contents.clear();
    for (const [path, bytes] of backup) {
      this.contents.set(path, bytes);
      this.#identities.set(path, ++this.#lastIdentity);
    }
  }

  /** What the disk says of its room. */
  freeDiskBytes = Number.POSITIVE_INFINITY;

  freeBytes(_path: string): Promise<number> {
    return this.#call(() => this.freeDiskBytes);
  }

  usedBytes(path: string): Promise<number> {
    return this.#call(() => {
      const below = [...this.contents].filter(([key]) => key === path || key.startsWith(`${path}/`));
      return below.reduce((sum, [, { length }]) => sum + length, 0);
    });
  }

  list(path: string): Promise<string[]> {
    return this.#call(() => {
      const folder = path.replace(/\/$/, "");
      if (this.contents.has(folder)) throw Object.assign(new Error("not a folder"), { code: "ENOTDIR" });
      const below = [...this.contents.keys()].filter((key) => key.startsWith(`${folder}/`));
      return [...new Set(below.map((key) => key.slice(folder.length + 1).split("/")[0] as string))].sort();
    });
  }

  makeFolder(_path: string): Promise<void> {
    return this.#call(() => undefined);
  }

  remove(path: string): Promise<void> {
    return this.#call(() => {
      for (const key of this.contents.keys()) if (key === path || key.startsWith(`${path}/`)) this.contents.delete(key);
    });
  }
}
