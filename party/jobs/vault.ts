/**
 * Secrets and sealed results of jobs on disk, all encrypted at rest: gate keys and salts in the store, received
 * partitions as files. `destroy` leaves nothing of a job that has ended.
 */
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { concat, fromHex, toHex } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { EntenteError } from "../../proto/errors.ts";
import { SALT_BYTES } from "../../proto/evidence/commitment.ts";
import type { OpeningKind } from "../../proto/evidence/opening-kinds.ts";
import { commitTo, type Opening, type OpeningValue, openingBytes, readOpening } from "../../proto/evidence/openings.ts";
import type { Digest } from "../../proto/ids.ts";
import type { Tiers } from "../../proto/model/header.ts";
import { diskError } from "../../proto/ports/disk-error.ts";
import type { Files, Random } from "../../proto/ports/ports.ts";
import type { SpillPlace } from "../data/spill.ts";
import type { Disk, DiskClaim } from "../limits/disk.ts";
import type { ReceivedPartition } from "../session/task.ts";
import { openAtRest, SEAL_OVERHEAD_BYTES, sealAtRest } from "../store/at-rest.ts";
import type { Store } from "../store/store.ts";
import type { JobProposed } from "./lifecycle.ts";

export interface VaultOptions {
  readonly store: Store;
  readonly files: Files;
  readonly random: Random;
  /** The node's at-rest key, 32 bytes. */
  readonly key: Uint8Array;
  /** Absolute; what lies in it belongs to jobs that have not ended. */
  readonly folder: string;
  /** Whose room is taken, where it is bounded. */
  readonly disk?: Pick<Disk, "claim">;
}

/** What opens a commitment to tier bounds. */
export interface TiersOpening {
  readonly salt: Uint8Array;
  readonly tiers: Tiers;
}

/** Received partitions are sealed under a key of their job, which is destroyed with it: what a disk keeps of removed files
 * is then unreadable. */
const SPOOL_KEY = "spool-key";
/** In a job's folder. */
const DRAFT_FILE = "draft.sealed";

/** A partition is sealed in pieces, so that no more than one is held twice. */
const PIECE_BYTES = 8 * 1024 * 1024;

function openingKey(commitment: string): string {
  return `opening/${commitment}`;
}

/** Bound to its place and to the whole's length: a piece cannot be moved, dropped or added. */
function piecePurpose(jobId: string, name: string, at: number, length: number): string {
  return `${jobId}/partition/${name}/${at}/${length}`;
}

/** Throws DISK_FULL, STORAGE_FAILED. */
function refused(error: unknown): never {
  throw diskError(error);
}

export class JobVault {
  /** Of received partitions, by job. */
  readonly #claims = new Map<string, DiskClaim>();
  readonly #options: VaultOptions;

  constructor(options: VaultOptions) {
    this.#options = options;
  }

  async put(jobId: string, name: string, secret: Uint8Array): Promise<void> {
    await this.#options.store.putJobSecret(jobId, name, this.#seal(`${jobId}/${name}`, secret));
  }

  /** Throws STORAGE_FAILED when it is not there or was changed. */
  async get(jobId: string, name: string): Promise<Uint8Array> {
    const secret = await this.find(jobId, name);
    if (secret === undefined) throw new EntenteError("STORAGE_FAILED", { detail: `secret ${name} of the job is gone` });
    return secret;
  }

  /** 32 bytes of that name: those that are there, or fresh ones, durable before they are used. Throws STORAGE_FAILED when
   * those that are there cannot be read: drawing others would silently be another job. */
  async drawOnce(jobId: string, name: string): Promise<Uint8Array> {
    const known = await this.find(jobId, name);
    if (known !== undefined) return known;
    const secret = this.#options.random.bytes(32);
    await this.put(jobId, name, secret);
    return secret;
  }

  /** Undefined when there is none of that name. Throws STORAGE_FAILED when it was changed. */
  async find(jobId: string, name: string): Promise<Uint8Array | undefined> {
    const sealed = await this.#options.store.jobSecret(jobId, name);
    return sealed && this.#open(`${jobId}/${name}`, sealed);
  }

  /** How a job is going to be proposed, durable before it is charged: what was charged is then not lost with a stop. */
  async putDraft(jobId: string, draft: JobProposed): Promise<void> {
    const { files, random, key } = this.#options;
    const secret = canonicalJson(draft as unknown as Json);
    const sealed = sealAtRest({ key, random, purpose: `${jobId}/${DRAFT_FILE}`, secret });
    await files.writeDurable(join(this.#options.folder, jobId, DRAFT_FILE), sealed).catch(refused);
  }

  /** Of every job that this node holds something of, proposed by now or not. */
  async drafts(onDamaged: (jobId: string, error: unknown) => void): Promise<ReadonlyMap<string, JobProposed>> {
    const { files, folder, key } = this.#options;
    const drafts = new Map<string, JobProposed>();
    for (const jobId of await files.list(folder)) {
      const sealed = await files.read(join(folder, jobId, DRAFT_FILE));
      if (sealed === undefined) continue;
      try {
        const secret = openAtRest({ key, purpose: `${jobId}/${DRAFT_FILE}`, sealed });
        drafts.set(jobId, parseCanonicalJson(secret) as unknown as JobProposed);
      } catch (error) {
        onDamaged(jobId, error);
      }
    }
    return drafts;
  }

  /** A salted commitment, 32 bytes. Salt and value are kept when the job's secrets are destroyed, durable before it is
   * used: their owner may open it to an auditor. `saltSecret`: 32 bytes for this one commitment; fresh ones by default. */
  async commitTo<K extends OpeningKind>(
    kind: K,
    value: OpeningValue<K>,
    saltSecret: Uint8Array = this.#options.random.bytes(SALT_BYTES),
  ): Promise<Uint8Array<ArrayBuffer>> {
    const commitment = commitTo(kind, value, saltSecret);
    const key = openingKey(toHex(commitment));
    const sealed = this.#seal(key, concat(saltSecret, openingBytes(kind, value)));
    await this.#options.store.putSetting(key, toHex(sealed));
    return commitment;
  }

  /** What `commitTo` kept of a commitment (hex); null when this node has nothing of it. Throws STORAGE_FAILED when what is
   * there was changed. */
  async opening(commitment: string): Promise<Opening["opened"]> {
    const key = openingKey(commitment);
    const stored = await this.#options.store.setting(key);
    if (stored === undefined) return null;
    const bytes = this.#open(key, fromHex(stored));
    return { salt: bytes.slice(0, SALT_BYTES), value: bytes.slice(SALT_BYTES) };
  }

  /** One salt for each model version, so that versions can be counted, and opened. */
  async modelSalt(modelDigest: Digest): Promise<Uint8Array> {
    const key = `model-salt/${modelDigest}`;
    const stored = await this.#options.store.setting(key);
    if (stored !== undefined) return this.#open(key, fromHex(stored));
    const salt = this.#options.random.bytes(SALT_BYTES);
    await this.commitTo("model", modelDigest, salt);
    await this.#options.store.putSetting(key, toHex(this.#seal(key, salt)));
    return salt;
  }

  /** Tier bounds that this node has committed to (hex), with the salt, for jobs under an agreement that names them. */
  async tiers(commitment: string): Promise<TiersOpening | undefined> {
    const opened = await this.opening(commitment);
    if (opened === null) return undefined;
    const read = readOpening({ kind: "tiers", commitment, opened });
    return read?.kind === "tiers" ? { salt: opened.salt, tiers: read.value } : undefined;
  }

  /** Throws DISK_FULL, and OVERLOADED when the jobs with `peer` have as much on the disk as they may. */
  async putPartition(
    jobId: string,
    attempt: number,
    partition: number,
    received: ReceivedPartition,
    peer = "",
  ): Promise<void> {
    const name = `${attempt}-${partition}`;
    const { random, files } = this.#options;
    const key = await this.drawOnce(jobId, SPOOL_KEY);
    const plain = serialize(received);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < plain.length || at === 0; at += PIECE_BYTES) {
      const secret = plain.subarray(at, at + PIECE_BYTES);
      pieces.push(sealAtRest({ key, random, purpose: piecePurpose(jobId, name, at, plain.length), secret }));
    }
    await this.#claimOf(jobId, peer)?.grow(pieces.reduce((sum, { length }) => sum + length, 0));
    await files.writeDurable(this.#path(jobId, name), pieces).catch(refused);
  }

  /** Until the job's secrets are destroyed. */
  #claimOf(jobId: string, peer: string): DiskClaim | undefined {
    const { disk } = this.#options;
    const known = this.#claims.get(jobId);
    if (known !== undefined || disk === undefined) return known;
    const claim = disk.claim(peer);
    this.#claims.set(jobId, claim);
    return claim;
  }

  /** Throws STORAGE_FAILED when it is not there or was changed. */
  async partition(jobId: string, attempt: number, partition: number): Promise<ReceivedPartition> {
    const name = `${attempt}-${partition}`;
    const sealed = await this.#options.files.read(this.#path(jobId, name)).catch(refused);
    if (sealed === undefined) throw new EntenteError("STORAGE_FAILED", { detail: "a received partition is gone" });
    const key = await this.get(jobId, SPOOL_KEY);
    const sealedPiece = PIECE_BYTES + SEAL_OVERHEAD_BYTES;
    const count = Math.max(1, Math.ceil(sealed.length / sealedPiece));
    const plain = new Uint8Array(Math.max(0, sealed.length - count * SEAL_OVERHEAD_BYTES));
    for (let i = 0; i < count; i++) {
      const at = i * PIECE_BYTES;
      const piece = sealed.subarray(i * sealedPiece, (i + 1) * sealedPiece);
      plain.set(openAtRest({ key, purpose: piecePurpose(jobId, name, at, plain.length), sealed: piece }), at);
    }
    return deserialize(plain) as ReceivedPartition;
  }

  async destroy(jobId: string): Promise<void> {
    await this.#options.store.destroyJobSecrets(jobId);
    await this.#options.files.remove(join(this.#options.folder, jobId)).catch(refused);
    this.#claims.get(jobId)?.[Symbol.dispose]();
    this.#claims.delete(jobId);
  }

  /** Where reading the dataset for a job may spill. The key lives in memory only: a stop leaves nothing readable, and the
   * dataset is read again. */
  spillPlace(jobId: string, peer = ""): SpillPlace {
    const { folder, random, disk } = this.#options;
    const claim = disk === undefined ? undefined : () => disk.claim(peer);
    return { folder: join(folder, jobId, "input"), key: random.bytes(32), random, claim };
  }

  /** At start-up: what a process that was killed had no time to destroy of every job but the open ones, and of those what
   * was read of the dataset. */
  async sweep(open: ReadonlySet<string>): Promise<void> {
    const { files, folder, store } = this.#options;
    await store.keepJobSecretsOf(open);
    for (const jobId of await files.list(folder))
      await files.remove(open.has(jobId) ? join(folder, jobId, "input") : join(folder, jobId));
  }

  #path(jobId: string, name: string): string {
    return join(this.#options.folder, jobId, `${name}.sealed`);
  }

  #seal(purpose: string, secret: Uint8Array): Uint8Array {
    const { key, random } = this.#options;
    return sealAtRest({ key, random, purpose, secret });
  }

  #open(purpose: string, sealed: Uint8Array): Uint8Array {
    return openAtRest({ key: this.#options.key, purpose, sealed });
  }
}
