/**
 * Secrets and sealed results of jobs on disk, all encrypted at rest: gate keys and salts in the store, received
 * partitions as files. `destroy` leaves nothing of a job that has ended.
 */
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { EntenteError } from "../../proto/errors.ts";
import type { Files, Random } from "../../proto/ports/ports.ts";
import type { ReceivedPartition } from "../session/task.ts";
import { openAtRest, sealAtRest } from "../store/at-rest.ts";
import type { Store } from "../store/store.ts";

export interface VaultOptions {
  readonly store: Store;
  readonly files: Files;
  readonly random: Random;
  /** The node's at-rest key, 32 bytes. */
  readonly key: Uint8Array;
  /** Absolute. */
  readonly folder: string;
}

export class JobVault {
  readonly #options: VaultOptions;

  constructor(options: VaultOptions) {
    this.#options = options;
  }

  async put(jobId: string, name: string, secret: Uint8Array): Promise<void> {
    await this.#options.store.putJobSecret(jobId, name, this.#seal(`${jobId}/${name}`, secret));
  }

  /** Throws STORAGE_FAILED when it is not there or was changed. */
  async get(jobId: string, name: string): Promise<Uint8Array> {
    const sealed = await this.#options.store.jobSecret(jobId, name);
    if (sealed === undefined) throw new EntenteError("STORAGE_FAILED", { detail: `secret ${name} of the job is gone` });
    return this.#open(`${jobId}/${name}`, sealed);
  }

  /** Fresh 32 bytes, durable before they are used. */
  async draw(jobId: string, name: string): Promise<Uint8Array> {
    const secret = this.#options.random.bytes(32);
    await this.put(jobId, name, secret);
    return secret;
  }

  async putPartition(jobId: string, attempt: number, partition: number, received: ReceivedPartition): Promise<void> {
    const name = `${attempt}-${partition}`;
    await this.#options.files.writeDurable(
      this.#path(jobId, name),
      this.#seal(`${jobId}/partition/${name}`, serialize(received)),
    );
  }

  /** Throws STORAGE_FAILED when it is not there or was changed. */
  async partition(jobId: string, attempt: number, partition: number): Promise<ReceivedPartition> {
    const name = `${attempt}-${partition}`;
    const sealed = await this.#options.files.read(this.#path(jobId, name));
    if (sealed === undefined) throw new EntenteError("STORAGE_FAILED", { detail: "a received partition is gone" });
    return deserialize(this.#open(`${jobId}/partition/${name}`, sealed)) as ReceivedPartition;
  }

  async destroy(jobId: string): Promise<void> {
    await this.#options.store.destroyJobSecrets(jobId);
    await this.#options.files.remove(join(this.#options.folder, jobId));
  }

  /** At start-up, when no job runs: what a process that was killed had no time to destroy. */
  async sweep(): Promise<void> {
    await this.#options.store.destroyAllJobSecrets();
    await this.#options.files.remove(this.#options.folder);
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
