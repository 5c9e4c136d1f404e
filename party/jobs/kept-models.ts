/**
 * Encrypted models on disk, from job to job, sealed under the node's key: encrypting one, or sending it, is done once for a
 * version. They are the peer's to send and tens of megabytes each, so what is kept has limits; what was used least recently
 * goes first, and is encrypted or sent again when it is wanted.
 */
import { join } from "node:path";
import type { Files, Random } from "../../proto/ports/ports.ts";
import { openAtRest, SEAL_OVERHEAD_BYTES, sealAtRest } from "../store/at-rest.ts";
import type { Store } from "../store/store.ts";
import { Turns } from "../turns.ts";

/** At the bank it holds the secret key too. */
export type ModelRole = "bank" | "partner";

export interface ModelName {
  readonly role: ModelRole;
  readonly peer: string;
  /** Of the model version, hex. */
  readonly commitment: string;
}

export interface ModelLimits {
  /** Of all files together, as they lie on the disk. */
  readonly maxBytes: number;
  /** Of those of one peer. */
  readonly maxPeerBytes: number;
  /** Of one peer in one role. */
  readonly maxVersions: number;
}

export interface KeptModelsOptions {
  readonly store: Pick<Store, "setting" | "putSetting">;
  readonly files: Files;
  readonly random: Random;
  /** The node's at-rest key, 32 bytes. */
  readonly key: Uint8Array;
  /** Absolute; nothing else lies in it. */
  readonly folder: string;
  readonly limits: ModelLimits;
}

interface Entry extends ModelName {
  readonly bytes: number;
  /** Digests of the agreements under whose jobs it was used. */
  readonly agreements: readonly string[];
}

const SETTING = "kept-models";

export class KeptModels {
  readonly #options: KeptModelsOptions;
  readonly #turns = new Turns<"index">();

  constructor(options: KeptModelsOptions) {
    this.#options = options;
  }

  /** Undefined when there is none that can be read. `agreement`: digest of the one that it is used under. */
  get(name: ModelName, agreement: string): Promise<Uint8Array | undefined> {
    return this.#turns.take("index", async () => {
      const entries = await this.#entries();
      const entry = entries.find((other) => isSame(other, name));
      if (entry === undefined) return undefined;
      const model = await this.#read(entry);
      const others = entries.filter((other) => other !== entry);
      await this.#putEntries(model === undefined ? others : [...others, usedUnder(entry, agreement)]);
      return model;
    });
  }

  /** Keeps it, unless it alone is larger than what one peer may have, and removes what that pushes out. */
  put(name: ModelName, agreement: string, model: Uint8Array): Promise<void> {
    return this.#turns.take("index", async () => {
      const { key, random, files } = this.#options;
      const before = await this.#entries();
      const known = before.find((other) => isSame(other, name));
      const bytes = model.length + SEAL_OVERHEAD_BYTES;
      const entry = usedUnder({ agreements: [], ...known, ...name, bytes }, agreement);
      const after = this.#within([...before.filter((other) => other !== known), entry]);
      // Room first, then the index, then the file: at no time is there more on the disk than the limits allow, nor a file
      // that the index does not count.
      await this.#removeAll(before.filter((other) => !after.some((kept) => isSame(kept, other))));
      await this.#putEntries(after);
      if (!after.includes(entry)) return;
      await files.writeDurable(this.#path(name), sealAtRest({ key, random, purpose: purposeOf(name), secret: model }));
    });
  }

  /** Those that were used under this agreement and no other. */
  forget(agreement: string): Promise<void> {
    return this.#turns.take("index", async () => {
      const entries = (await this.#entries()).map((entry) => ({
        ...entry,
        agreements: entry.agreements.filter((digest) => digest !== agreement),
      }));
      await this.#removeAll(entries.filter(({ agreements }) => agreements.length === 0));
      await this.#putEntries(entries.filter(({ agreements }) => agreements.length > 0));
    });
  }

  /** Bytes of each on the disk. */
  async sizes(): Promise<readonly { readonly peer: string; readonly bytes: number }[]> {
    return (await this.#entries()).map(({ peer, bytes }) => ({ peer, bytes }));
  }

  /** At start-up: the limits as they are configured now, and no file that is not counted. */
  sweep(): Promise<void> {
    return this.#turns.take("index", async () => {
      const { files, folder } = this.#options;
      const entries = this.#within(await this.#entries());
      const names = new Set(entries.map(fileName));
      for (const name of await files.list(folder)) if (!names.has(name)) await files.remove(join(folder, name));
      await this.#putEntries(entries);
    });
  }

  /** The most recently used ones that fit, in the order given: least recently used first. */
  #within(entries: readonly Entry[]): Entry[] {
    const { maxBytes, maxPeerBytes, maxVersions } = this.#options.limits;
    const kept: Entry[] = [];
    const bytesOf = (some: readonly Entry[]) => some.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const entry of entries.toReversed()) {
      const ofPeer = [entry, ...kept.filter(({ peer }) => peer === entry.peer)];
      const versions = ofPeer.filter(({ role }) => role === entry.role).length;
      if (bytesOf([entry, ...kept]) <= maxBytes && bytesOf(ofPeer) <= maxPeerBytes && versions <= maxVersions)
        kept.unshift(entry);
    }
    return kept;
  }

  async #read(name: ModelName): Promise<Uint8Array | undefined> {
    const { key, files } = this.#options;
    const sealed = await files.read(this.#path(name));
    try {
      return sealed && openAtRest({ key, purpose: purposeOf(name), sealed });
    } catch {
      await files.remove(this.#path(name));
      return undefined;
    }
  }

  /** Least recently used first. */
  async #entries(): Promise<readonly Entry[]> {
    const stored = await this.#options.store.setting(SETTING);
    return stored === undefined ? [] : (JSON.parse(stored) as readonly Entry[]);
  }

  async #putEntries(entries: readonly Entry[]): Promise<void> {
    await this.#options.store.putSetting(SETTING, JSON.stringify(entries));
  }

  async #removeAll(entries: readonly ModelName[]): Promise<void> {
    for (const entry of entries) await this.#options.files.remove(this.#path(entry));
  }

  #path(name: ModelName): string {
    return join(this.#options.folder, fileName(name));
  }
}

function isSame(a: ModelName, b: ModelName): boolean {
  return a.role === b.role && a.peer === b.peer && a.commitment === b.commitment;
}

function usedUnder(entry: Entry, agreement: string): Entry {
  return { ...entry, agreements: [...new Set([...entry.agreements, agreement])] };
}

function fileName({ role, peer, commitment }: ModelName): string {
  return `${role}-${peer}-${commitment}.sealed`;
}

function purposeOf({ role, peer, commitment }: ModelName): string {
  return `model/${role}/${peer}/${commitment}`;
}
