/**
 * An append-only log in one folder of files, laid out as C2SP tlog-tiles with two notes beside the tiles: `checkpoint`,
 * the log's newest, and `cosigned`, the newest that a peer cosigned. One process opens a folder at a time.
 *
 * Durability: `append` writes entry bundles, then tiles, then the checkpoint, each synced before the next, and resolves
 * after the last. What the checkpoint on disk does not cover was never acknowledged nor signed, and is dropped when
 * the log is opened; what it covers is there. A checkpoint may have become durable although its write failed, so an
 * append that threw may have happened: the next one reads the disk again before it signs anything.
 */
import { equalBytes, toHex } from "../encoding/bytes.ts";
import type { SigningKey, VerifyingKey } from "../encoding/ed25519.ts";
import { EntenteError } from "../errors.ts";
import { diskError } from "../ports/disk-error.ts";
import type { Files } from "../ports/ports.ts";
import {
  type Checkpoint,
  checkpointBody,
  openCheckpoint,
  parseCheckpointBody,
  signCheckpoint,
  type TreeHead,
  treeHead,
} from "./checkpoint.ts";
import { cosignatureVerifier } from "./cosignature.ts";
import { leafHash, MerkleTree } from "./merkle.ts";
import { encodeNote, isFrom, type Note, noteVerifier, parseSignatureLine, verifyNote } from "./note.ts";
import { rebuild } from "./rebuild.ts";
import { removeStrays } from "./strays.ts";
import {
  encodeBundle,
  MAX_ENTRY_BYTES,
  parseBundle,
  TILE_WIDTH,
  type TileName,
  tileBytes,
  tilePath,
  tilesOf,
} from "./tiles.ts";

export interface EvidenceLogOptions {
  readonly files: Files;
  /** Absolute; made when it is not there. */
  readonly folder: string;
  /** `<party>/<collaboration>/<year>`. */
  readonly origin: string;
  /** The party's log key, `<party>/log`. */
  readonly key: SigningKey;
  /** Log keys that the party had before: what is on disk may be signed by one of them. */
  readonly earlierKeys?: readonly VerifyingKey[];
}

export interface Appended {
  readonly firstIndex: number;
  readonly checkpoint: Checkpoint;
}

export interface Cosigned {
  readonly head: TreeHead;
  /** The checkpoint with the log's signature and all cosignatures gathered for it. */
  readonly note: Note;
}

/** A file of the log by its path below the log's folder. */
export interface LogFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What a folder held when it was read; replaced as a whole when it is read again. */
interface State {
  readonly tree: MerkleTree;
  /** Leaves that the durable checkpoint covers; the tree runs ahead of it only within an append. */
  size: number;
  /** Entries of the last, partial bundle. */
  tail: readonly Uint8Array[];
  note: Note;
  cosigned: Cosigned | undefined;
}

function corrupt(detail: string, cause?: unknown): EntenteError {
  return new EntenteError("LOG_CORRUPT", { detail, cause });
}

export class EvidenceLog {
  readonly #files: Files;
  readonly #folder: string;
  readonly #origin: string;
  #key: SigningKey;
  #earlierKeys: readonly VerifyingKey[];
  #state: State;
  /** Set while it is unknown what a failed write left on disk. */
  #inDoubt = false;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor({ files, folder, origin, key, earlierKeys = [] }: EvidenceLogOptions, state: State) {
    this.#files = files;
    this.#folder = folder;
    this.#origin = origin;
    this.#key = key;
    this.#earlierKeys = earlierKeys;
    this.#state = state;
  }

  /**
   * Reads and verifies the folder: the tree is rebuilt from the entries and compared with all tiles, the checkpoint's
   * root and signature, and the cosigned checkpoint. A folder without any file becomes an empty log with a checkpoint of
   * size 0. Throws LOG_CORRUPT when anything does not fit, STORAGE_FAILED when the folder cannot be read or written.
   * A folder restored from an old backup verifies: ask the peers for the head they cosigned last before appending.
   */
  static async open(options: EvidenceLogOptions): Promise<EvidenceLog> {
    return new EvidenceLog(options, await load(options));
  }

  get origin(): string {
    return this.#origin;
  }

  /** Number of acknowledged entries. */
  get size(): number {
    return this.#state.size;
  }

  /** The newest durable head. */
  get head(): TreeHead {
    const { tree, size } = this.#state;
    return treeHead({ origin: this.#origin, size, root: tree.root(size) });
  }

  /** The tree's root when it had `size` (at most `this.size`) entries, hex. Throws BAD_REQUEST out of range. */
  rootAt(size: number): string {
    this.#requireDurable(size);
    return toHex(this.#state.tree.root(size));
  }

  /** The newest checkpoint with this log's signature and the cosignatures gathered for this size. */
  checkpointNote(): Note {
    const { note, cosigned, size } = this.#state;
    if (cosigned?.head.size !== size) return note;
    const own = noteVerifier(this.#key);
    return {
      text: note.text,
      signatures: [...note.signatures, ...cosigned.note.signatures.filter((s) => !isFrom(s, own))],
    };
  }

  /** The newest checkpoint that a peer cosigned; undefined before the first. */
  lastCosigned(): Cosigned | undefined {
    return this.#state.cosigned;
  }

  /**
   * Appends entries of at most 65,535 bytes each, in one checkpoint; resolves when all is durable. Calls run one after
   * another. Throws BAD_REQUEST on no entry or one too large, STORAGE_FAILED when the disk refused (the entries may or
   * may not be in the log then: look before appending them again), LOG_CORRUPT as `open`.
   */
  append(entries: readonly Uint8Array[]): Promise<Appended> {
    return this.#exclusive(async () => {
      if (entries.length === 0 || entries.some((entry) => entry.length > MAX_ENTRY_BYTES))
        throw new EntenteError("BAD_REQUEST", { detail: "log entries" });
      await this.#settleDoubt();
      try {
        return await this.#write(entries);
      } catch (cause) {
        this.#inDoubt = true;
        this.#state.tree.truncate(this.#state.size);
        throw diskError(cause);
      }
    });
  }

  /** Checkpoints are signed by `key` from now on, the newest one anew. Throws STORAGE_FAILED. */
  rekey(key: SigningKey): Promise<void> {
    return this.#exclusive(async () => {
      await this.#settleDoubt();
      this.#earlierKeys = [...this.#earlierKeys, this.#key];
      this.#key = key;
      this.#state.note = await signedNow(
        { files: this.#files, folder: this.#folder, origin: this.#origin, key },
        this.#state.note,
      );
    });
  }

  /** The bytes of an acknowledged entry. Throws BAD_REQUEST out of range, LOG_CORRUPT when the disk has other bytes. */
  entry(index: number): Promise<Uint8Array> {
    return this.#exclusive(async () => {
      const { entries, skip } = await this.#bundleOf(index);
      return entries[skip] as Uint8Array;
    });
  }

  /** Where the log holds these bytes: of several the last; undefined when it does not. Looks at the disk again after a write that
   * failed. Throws as `append`. */
  find(entry: Uint8Array): Promise<number | undefined> {
    return this.#exclusive(async () => {
      await this.#settleDoubt();
      const { tree, size } = this.#state;
      const wanted = leafHash(entry);
      for (let index = size - 1; index >= 0; index--) if (equalBytes(tree.node(0, index), wanted)) return index;
      return undefined;
    });
  }

  /** The bytes of all entries from an index on, in order. Looks at the disk again after a write that failed: its entries may be
   * there. Throws as `entry` and `append`. */
  async *entriesFrom(index: number): AsyncGenerator<Uint8Array> {
    await this.#exclusive(() => this.#settleDoubt());
    for (let at = index; at < this.size; ) {
      const { entries, skip } = await this.#exclusive(() => this.#bundleOf(at));
      yield* entries.slice(skip);
      at += entries.length - skip;
    }
  }

  /** Entries from the start of a bundle up to and with `index`: for whoever reads from the end. Throws as `entry`. */
  entriesUpTo(index: number): Promise<{ readonly first: number; readonly entries: readonly Uint8Array[] }> {
    return this.#exclusive(async () => {
      const { entries, skip } = await this.#bundleOf(index);
      return { first: index - skip, entries: entries.slice(0, skip + 1) };
    });
  }

  /** RFC 6962 audit path in the tree of `size` (at most `this.size`) leaves. Throws BAD_REQUEST out of range. */
  inclusionProof(index: number, size: number): Uint8Array[] {
    this.#requireDurable(size);
    return this.#state.tree.inclusionProof(index, size);
  }

  /** RFC 6962 consistency proof between two sizes up to `this.size`. Throws BAD_REQUEST out of range. */
  consistencyProof(oldSize: number, size: number): Uint8Array[] {
    this.#requireDurable(size);
    return this.#state.tree.consistencyProof(oldSize, size);
  }

  /**
   * Stores a peer's cosignature (a note signature line with its newline) of this log's checkpoint of `size` leaves.
   * Durable when it resolves; the same one again changes nothing. Returns false when a newer checkpoint was cosigned
   * already. Throws SIGNATURE_INVALID when `cosigner` did not make it for that checkpoint, WIRE_INVALID on its form.
   */
  addCosignature(line: string, { size, cosigner }: { size: number; cosigner: VerifyingKey }): Promise<boolean> {
    return this.#exclusive(async () => {
      await this.#settleDoubt();
      this.#requireDurable(size);
      const known = this.#state.cosigned;
      if (known !== undefined && known.head.size > size) return false;
      const signature = parseSignatureLine(line);
      const checkpoint = { origin: this.#origin, size, root: this.#state.tree.root(size) };
      const verifier = cosignatureVerifier(cosigner);
      verifyNote({ text: checkpointBody(checkpoint), signatures: [signature] }, [verifier]);
      const base = known?.head.size === size ? known.note : signCheckpoint(checkpoint, this.#key);
      const others = base.signatures.filter((other) => !isFrom(other, verifier));
      const note = { text: base.text, signatures: [...others, signature] };
      await writeTo(this.#files, this.#folder, "cosigned", encodeNote(note));
      this.#state.cosigned = { head: treeHead(checkpoint), note };
      return true;
    });
  }

  /** All files of the log as it is now, for an export: no more and no less than a verifier expects. */
  exportFiles(): Promise<LogFile[]> {
    return this.#exclusive(async () => {
      await this.#settleDoubt();
      const { size, note, cosigned } = this.#state;
      const out: LogFile[] = [{ path: "checkpoint", bytes: encodeNote(note) }];
      if (cosigned !== undefined) out.push({ path: "cosigned", bytes: encodeNote(cosigned.note) });
      for (const path of tilesOf(size).map(tilePath)) {
        const bytes = await readFrom(this.#files, this.#folder, path);
        if (bytes === undefined) throw corrupt(path);
        out.push({ path, bytes });
      }
      return out;
    });
  }

  /** The entries of the bundle that holds an entry, each compared with the tree, and its place among them. */
  async #bundleOf(index: number): Promise<{ readonly entries: readonly Uint8Array[]; readonly skip: number }> {
    const { tree, size } = this.#state;
    if (!Number.isSafeInteger(index) || index < 0 || index >= size)
      throw new EntenteError("BAD_REQUEST", { detail: "log index out of range" });
    const bundle = Math.floor(index / TILE_WIDTH);
    const first = bundle * TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, size - first);
    const path = tilePath({ level: "entries", index: bundle, width });
    const bytes = await readFrom(this.#files, this.#folder, path);
    const entries = bytes === undefined ? [] : parseBundle(bytes, width);
    const isWhole =
      entries.length === width && entries.every((entry, i) => equalBytes(leafHash(entry), tree.node(0, first + i)));
    if (!isWhole) throw corrupt(path);
    return { entries, skip: index - first };
  }

  #requireDurable(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.#state.size)
      throw new EntenteError("BAD_REQUEST", { detail: "tree size out of range" });
  }

  /** Runs after everything before it, whether that failed or not. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** After a failed write: takes what the disk holds, which must extend what was acknowledged. Signing another entry at
   * an index for which a checkpoint may be on disk would fork the log. */
  async #settleDoubt(): Promise<void> {
    if (!this.#inDoubt) return;
    const place = { files: this.#files, folder: this.#folder, origin: this.#origin };
    const options = { ...place, key: this.#key, earlierKeys: this.#earlierKeys };
    const [state, before] = [await load(options), this.#state];
    const keepsAcknowledged =
      state.size >= before.size && equalBytes(state.tree.root(before.size), before.tree.root(before.size));
    if (!keepsAcknowledged) throw corrupt("acknowledged entries are gone");
    this.#state = state;
    this.#inDoubt = false;
  }

  async #write(entries: readonly Uint8Array[]): Promise<Appended> {
    const state = this.#state;
    const { tree, size: firstIndex } = state;
    for (const entry of entries) tree.appendEntry(entry);
    const size = tree.size;
    const pending = [...state.tail, ...entries];
    const pendingFrom = firstIndex - state.tail.length;
    const written = tilesOf(size, firstIndex);
    for (const tile of written) {
      const at = tile.index * TILE_WIDTH - pendingFrom;
      const bytes =
        tile.level === "entries"
          ? encodeBundle(pending.slice(at, at + tile.width))
          : tileBytes(tree, tile.level, tile.index, tile.width);
      await writeTo(this.#files, this.#folder, tilePath(tile), bytes);
    }
    const checkpoint = { origin: this.#origin, size, root: tree.root(size) };
    const note = signCheckpoint(checkpoint, this.#key);
    await writeTo(this.#files, this.#folder, "checkpoint", encodeNote(note));
    state.size = size;
    state.note = note;
    state.tail = pending.slice(pending.length - (size % TILE_WIDTH)).map((entry) => new Uint8Array(entry));
    await this.#removeSuperseded(written, firstIndex);
    return { firstIndex, checkpoint };
  }

  /** The partial files of the size before. A failure leaves a stray that the next `open` removes: no reason to fail an
   * append that is durable. */
  async #removeSuperseded(written: readonly TileName[], oldSize: number): Promise<void> {
    for (const { level, index, width } of written) {
      const oldItems = level === "entries" ? oldSize : Math.floor(oldSize / TILE_WIDTH ** level);
      const oldWidth = oldItems - index * TILE_WIDTH;
      if (oldWidth <= 0 || oldWidth >= width) continue;
      const old = tilePath({ level, index, width: oldWidth });
      const path = width === TILE_WIDTH ? old.slice(0, old.lastIndexOf("/")) : old;
      await this.#files.remove(`${this.#folder}/${path}`).catch(() => undefined);
    }
  }
}

async function readFrom(files: Files, folder: string, path: string): Promise<Uint8Array | undefined> {
  try {
    return await files.read(`${folder}/${path}`);
  } catch (cause) {
    throw new EntenteError("STORAGE_FAILED", { detail: path, cause });
  }
}

async function writeTo(files: Files, folder: string, path: string, bytes: Uint8Array): Promise<void> {
  try {
    await files.writeDurable(`${folder}/${path}`, bytes);
  } catch (cause) {
    throw diskError(cause, path);
  }
}

async function namesIn(files: Files, folder: string): Promise<string[]> {
  try {
    return await files.list(folder);
  } catch (cause) {
    throw diskError(cause);
  }
}

async function create({ files, folder, origin, key }: EvidenceLogOptions): Promise<State> {
  // A checkpoint is the first file of a log: one that is missing beside others was lost, not never written.
  const found = await namesIn(files, folder);
  if (found.some((name) => ["tile", "cosigned"].includes(name))) throw corrupt("checkpoint is missing");
  const tree = new MerkleTree();
  const note = signCheckpoint({ origin, size: 0, root: tree.root() }, key);
  await writeTo(files, folder, "checkpoint", encodeNote(note));
  return { tree, size: 0, tail: [], note, cosigned: undefined };
}

/** Form, signature or origin of a note of our own that is not as we wrote it. */
function openOwn(
  bytes: Uint8Array,
  path: string,
  { origin, key, earlierKeys = [] }: EvidenceLogOptions,
): ReturnType<typeof openCheckpoint> {
  try {
    return openCheckpoint(bytes, { origin, verifiers: [key, ...earlierKeys].map(noteVerifier) });
  } catch (cause) {
    throw corrupt(path, cause);
  }
}

async function load(options: EvidenceLogOptions): Promise<State> {
  const { files, folder } = options;
  const read = (path: string) => readFrom(files, folder, path);
  const bytes = await read("checkpoint");
  if (bytes === undefined) return create(options);
  const { note: found, checkpoint } = openOwn(bytes, "checkpoint", options);
  const { size, root } = checkpoint;
  const rebuilt = await rebuild(size, read);
  if ("what" in rebuilt) throw corrupt(`${rebuilt.path} ${rebuilt.what}`);
  const { tree, tail } = rebuilt;
  if (!equalBytes(tree.root(), root)) throw corrupt("checkpoint: root");
  const cosigned = await loadCosigned(options, tree);
  const note = await signedNow(options, found);
  await removeStrays(files, folder, size);
  return { tree, size, tail, note, cosigned };
}

/** The note of the newest checkpoint, by the key that the log has now: a witness knows no earlier one. */
async function signedNow({ files, folder, key }: EvidenceLogOptions, note: Note): Promise<Note> {
  if (note.signatures.some((signature) => isFrom(signature, noteVerifier(key)))) return note;
  const signed = signCheckpoint(parseCheckpointBody(note.text), key);
  await writeTo(files, folder, "checkpoint", encodeNote(signed));
  return signed;
}

async function loadCosigned(options: EvidenceLogOptions, tree: MerkleTree): Promise<Cosigned | undefined> {
  const bytes = await readFrom(options.files, options.folder, "cosigned");
  if (bytes === undefined) return undefined;
  const { note, checkpoint } = openOwn(bytes, "cosigned", options);
  // A cosigned head ahead of the log means that the log was put back to an older state.
  if (checkpoint.size > tree.size || !equalBytes(tree.root(checkpoint.size), checkpoint.root))
    throw corrupt("cosigned: not a head of this log");
  return { head: treeHead(checkpoint), note };
}
