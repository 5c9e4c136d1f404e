/**
 * Blocks on disk, encrypted: AES-256-GCM (NIST SP 800-38D), a file per list, mode 0600, in a fresh folder of mode 0700.
 * Spills are personal data, hashes of telephone numbers as well, so nothing is ever written in clear.
 *
 * Each spill has its own key, HKDF-SHA-256 (RFC 5869) of the caller's key under a random salt that is kept in memory only:
 * a second spill under the same caller's key repeats no nonce, and what a killed process leaves behind cannot be read by
 * anybody. Under that key a nonce is kind || partition || block number, four bytes each, big-endian; the same twelve bytes
 * are the associated data, and the number of blocks and their lengths are in memory, so that no block can be changed, moved,
 * repeated or dropped unseen.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { diskError } from "../../proto/ports/disk-error.ts";
import type { Random } from "../../proto/ports/ports.ts";
import type { DiskClaim } from "../limits/disk.ts";
import { type BlockList, type BlockStore, listName } from "./blocks.ts";
import { freshFolder, syncAndClose } from "./private-file.ts";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const INFO = utf8("entente/spill/1");
const KIND_NUMBER = { rows: 1, subjects: 2 } as const;

export interface SpillPlace {
  /** Absolute; made where it is missing. The spill is a folder in it, which `sweepPartial` removes after a crash. */
  readonly folder: string;
  /** 32 secret bytes; the spill keeps a key derived from it and not the key. */
  readonly key: Uint8Array;
  readonly random: Random;
  /** Of the disk, for each spill. */
  readonly claim?: (() => DiskClaim) | undefined;
}

/** Bytes of a list's blocks in its file, each with its tag. */
type Lengths = number[];

export class SpilledBlocks implements BlockStore {
  readonly #folder: string;
  readonly #key: Uint8Array;
  readonly #claim: DiskClaim | undefined;
  readonly #lists = new Map<string, Lengths>();
  #destroyed = false;

  private constructor(folder: string, key: Uint8Array, claim: DiskClaim | undefined) {
    this.#folder = folder;
    this.#key = key;
    this.#claim = claim;
  }

  /** Throws STORAGE_FAILED and DISK_FULL, as all of its methods; `append` OVERLOADED, too. */
  static async create({ folder, key, random, claim }: SpillPlace): Promise<SpilledBlocks> {
    if (key.length !== KEY_BYTES) throw new EntenteError("INTERNAL", { cause: new Error("spill key length") });
    const own = new Uint8Array(hkdfSync("sha256", key, random.bytes(KEY_BYTES), INFO, KEY_BYTES));
    return new SpilledBlocks(await freshFolder(folder), own, claim?.());
  }

  append(list: BlockList, block: Uint8Array): Promise<void> {
    const lengths = this.#lengths(list);
    const nonce = nonceOf(list, lengths.length);
    const cipher = createCipheriv(CIPHER, this.#openKey(), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(nonce);
    const sealed = [cipher.update(block), cipher.final(), cipher.getAuthTag()];
    const isFirst = lengths.push(block.length + TAG_BYTES) === 1;
    return this.#write(list, sealed, isFirst ? "wx" : "a");
  }

  async finish(): Promise<void> {
    try {
      for (const name of this.#lists.keys()) await syncAndClose(join(this.#folder, name), "r+");
      await syncAndClose(this.#folder, "r");
    } catch (cause) {
      throw diskError(cause);
    }
  }

  async *read(list: BlockList): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    const lengths = this.#lengths(list);
    this.#openKey();
    if (lengths.length === 0) return;
    const handle = await openFile(this.#path(list), "r");
    try {
      let position = 0;
      for (const [index, length] of lengths.entries()) {
        const sealed = await readExactly(handle, position, length);
        position += length;
        yield this.#open(nonceOf(list, index), sealed);
      }
    } finally {
      await handle.close();
    }
  }

  async destroy(): Promise<void> {
    this.#destroyed = true;
    this.#key.fill(0);
    await rm(this.#folder, { recursive: true, force: true }).catch((cause: unknown) => {
      throw diskError(cause);
    });
    this.#claim?.[Symbol.dispose]();
  }

  #lengths(list: BlockList): Lengths {
    const name = listName(list);
    const known = this.#lists.get(name);
    if (known !== undefined) return known;
    const fresh: Lengths = [];
    this.#lists.set(name, fresh);
    return fresh;
  }

  #openKey(): Uint8Array {
    if (this.#destroyed) throw new EntenteError("STORAGE_FAILED", { detail: "the spill was destroyed" });
    return this.#key;
  }

  #path(list: BlockList): string {
    return join(this.#folder, listName(list));
  }

  /** A file is open only while a block is written: a job may have two thousand of them. */
  async #write(list: BlockList, sealed: readonly Uint8Array[], flags: string): Promise<void> {
    await this.#claim?.grow(sealed.reduce((sum, { length }) => sum + length, 0));
    const handle = await openFile(this.#path(list), flags);
    try {
      for (const part of sealed) await handle.writeFile(part);
    } catch (cause) {
      throw diskError(cause);
    } finally {
      await handle.close();
    }
  }

  #open(nonce: Uint8Array, sealed: Uint8Array): Uint8Array<ArrayBuffer> {
    const body = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, this.#openKey(), nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(nonce);
    decipher.setAuthTag(sealed.subarray(body));
    try {
      const block = decipher.update(sealed.subarray(0, body));
      decipher.final();
      return block.byteOffset % 8 === 0 ? block : new Uint8Array(block);
    } catch (cause) {
      throw new EntenteError("STORAGE_FAILED", { detail: "a spilled block does not decrypt", cause });
    }
  }
}

function nonceOf({ kind, partition }: BlockList, index: number): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(0, KIND_NUMBER[kind]);
  view.setUint32(4, partition);
  view.setUint32(8, index);
  return nonce;
}

async function openFile(path: string, flags: string): Promise<FileHandle> {
  try {
    return await open(path, flags, 0o600);
  } catch (cause) {
    throw diskError(cause);
  }
}

async function readExactly(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  try {
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
      if (bytesRead === 0) throw new Error("the file is too short");
      filled += bytesRead;
    }
    return bytes;
  } catch (cause) {
    throw new EntenteError("STORAGE_FAILED", { detail: "a spilled block cannot be read", cause });
  }
}
