/** What a process leaves behind when it stops: its files, and its database. Processes come and go over one disk. */
import { concat } from "../../proto/encoding/bytes.ts";
import type { Files } from "../../proto/ports/ports.ts";

interface Kept {
  readonly bytes: Uint8Array;
  readonly identity: number;
}

/** `Files` in memory, each call at once. What a call wrote is durable. */
export class DiskFiles implements Files {
  readonly #kept: Map<string, Kept>;
  #lastIdentity: number;

  constructor(from?: DiskFiles) {
    this.#kept = new Map(from === undefined ? [] : from.#kept);
    this.#lastIdentity = from === undefined ? 0 : from.#lastIdentity;
  }

  paths(): string[] {
    return [...this.#kept.keys()].sort();
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const kept = this.#kept.get(path);
    return kept && new Uint8Array(kept.bytes);
  }

  async writeDurable(path: string, contents: Uint8Array | readonly Uint8Array[]): Promise<void> {
    const bytes = contents instanceof Uint8Array ? new Uint8Array(contents) : concat(...contents);
    this.#kept.set(path, { bytes, identity: ++this.#lastIdentity });
  }

  async fileIdentity(path: string): Promise<string | undefined> {
    const kept = this.#kept.get(path);
    return kept && String(kept.identity);
  }

  async list(path: string): Promise<string[]> {
    const folder = path.replace(/\/$/, "");
    if (this.#kept.has(folder)) throw Object.assign(new Error("not a folder"), { code: "ENOTDIR" });
    const names = new Set<string>();
    for (const key of this.#kept.keys())
      if (key.startsWith(`${folder}/`)) names.add(key.slice(folder.length + 1).split("/")[0] as string);
    return [...names].sort();
  }

  async makeFolder(): Promise<void> {}

  async freeBytes(): Promise<number> {
    return Number.MAX_SAFE_INTEGER;
  }

  async usedBytes(path: string): Promise<number> {
    let used = 0;
    for (const [key, { bytes }] of this.#kept) if (key === path || key.startsWith(`${path}/`)) used += bytes.length;
    return used;
  }

  async remove(path: string): Promise<void> {
    for (const key of [...this.#kept.keys()]) if (key === path || key.startsWith(`${path}/`)) this.#kept.delete(key);
  }
}
