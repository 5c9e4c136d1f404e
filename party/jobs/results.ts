/**
 * What a job with labels has found, person by person, on disk: sealed in batches under a key of the job's own, which the
 * node's key wraps in the store. A result is there once its key is; without the key what a disk keeps of it is unreadable.
 */
import { join } from "node:path";
import type { LabelValue } from "../../proto/codec/labels.ts";
import { concat, fromHex, fromUtf8, toHex, uintBe, utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { diskError } from "../../proto/ports/disk-error.ts";
import type { Files, Random } from "../../proto/ports/ports.ts";
import { openAtRest, sealAtRest } from "../store/at-rest.ts";
import type { Store } from "../store/store.ts";

/** A matched person, with what the job's output shows of the score and the labels in the order of the job spec. */
export interface ResultRow {
  readonly subject: string;
  readonly tier: string | null;
  readonly score: number | null;
  readonly labels: readonly LabelValue[];
}

interface ResultsOptions {
  readonly store: Pick<Store, "setting" | "putSetting" | "eraseSetting">;
  readonly files: Files;
  readonly random: Random;
  /** The node's at-rest key, 32 bytes. */
  readonly key: Uint8Array;
  /** Absolute; nothing else lies in it. */
  readonly folder: string;
}

type Stored = readonly [subject: string, tier: string | null, score: number | null, ...labels: LabelValue[]];

const KEY_BYTES = 32;
const COUNT_BYTES = 4;

function settingOf(jobId: string): string {
  return `result-key/${jobId}`;
}

/** Where the `opened` entry of a job with a result is remembered to have committed to its output. */
export function outputCommitmentSetting(jobId: string): string {
  return `output-commitment/${jobId}`;
}

/** Bound to its place: a batch cannot be moved. */
function batchPurpose(jobId: string, batch: number): string {
  return `${jobId}/result/${batch}`;
}

export interface StoredResult {
  readonly idForm: string;
  /** In the order in which they were put; can be read once. Throws STORAGE_FAILED when a part is gone or was changed. */
  readonly rows: AsyncIterable<ResultRow>;
}

export class JobResults {
  readonly #options: ResultsOptions;

  constructor(options: ResultsOptions) {
    this.#options = options;
  }

  /** Durable when it resolves; a job's result is written once. `idForm`: of the subjects, as opt-outs know it. */
  async put(jobId: string, idForm: string, batches: AsyncIterable<readonly ResultRow[]>): Promise<void> {
    const { store, files, random, key } = this.#options;
    await this.forget(jobId);
    const resultKey = random.bytes(KEY_BYTES);
    let count = 0;
    for await (const rows of batches) {
      const stored = rows.map(({ subject, tier, score, labels }): Stored => [subject, tier, score, ...labels]);
      const secret = utf8(JSON.stringify(stored));
      const sealed = sealAtRest({ key: resultKey, random, purpose: batchPurpose(jobId, count), secret });
      await files.writeDurable(this.#path(jobId, count++), sealed).catch((error: unknown) => {
        throw diskError(error);
      });
    }
    const secret = concat(resultKey, uintBe(count, COUNT_BYTES), utf8(idForm));
    await store.putSetting(settingOf(jobId), toHex(sealAtRest({ key, random, purpose: settingOf(jobId), secret })));
  }

  async has(jobId: string): Promise<boolean> {
    return (await this.#options.store.setting(settingOf(jobId))) !== undefined;
  }

  /** Throws NOT_FOUND when there is no result, STORAGE_FAILED when it was changed. */
  async open(jobId: string): Promise<StoredResult> {
    const { store, key } = this.#options;
    const setting = await store.setting(settingOf(jobId));
    if (setting === undefined) throw new EntenteError("NOT_FOUND", { detail: "result of the job" });
    const opened = openAtRest({ key, purpose: settingOf(jobId), sealed: fromHex(setting) });
    const resultKey = opened.subarray(0, KEY_BYTES);
    const count = new DataView(opened.buffer, opened.byteOffset).getUint32(KEY_BYTES);
    const idForm = fromUtf8(opened.subarray(KEY_BYTES + COUNT_BYTES));
    return { idForm, rows: this.#rows(jobId, resultKey, count) };
  }

  async *#rows(jobId: string, resultKey: Uint8Array, count: number): AsyncGenerator<ResultRow, void, undefined> {
    const { files } = this.#options;
    for (let batch = 0; batch < count; batch++) {
      const sealed = await files.read(this.#path(jobId, batch));
      if (sealed === undefined) throw new EntenteError("STORAGE_FAILED", { detail: "a part of the result is gone" });
      const plain = openAtRest({ key: resultKey, purpose: batchPurpose(jobId, batch), sealed });
      for (const [subject, tier, score, ...labels] of JSON.parse(fromUtf8(plain)) as Stored[])
        yield { subject, tier, score, labels };
    }
  }

  /** Whether there is a result or not. */
  async forget(jobId: string): Promise<void> {
    const { store, files, folder } = this.#options;
    if (await this.has(jobId)) await store.eraseSetting(settingOf(jobId));
    await files.remove(join(folder, jobId));
  }

  /** At start-up: what a stop left of results that were not whole. */
  async sweep(): Promise<void> {
    const { files, folder } = this.#options;
    for (const jobId of await files.list(folder)) if (!(await this.has(jobId))) await this.forget(jobId);
  }

  #path(jobId: string, batch: number): string {
    return join(this.#options.folder, jobId, `${batch}.sealed`);
  }
}
