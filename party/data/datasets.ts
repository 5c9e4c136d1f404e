/** The node's registered datasets: the store's records and the files behind them. */
import { join } from "node:path";
import type { IdColumn } from "../../proto/agreement/fields.ts";
import type { DatasetDescriptor } from "../../proto/codec/session.ts";
import type { DuplicatePolicy } from "../../proto/duplicate-policy.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Progress } from "../../proto/http/progress.ts";
import { type DatasetName, datasetName } from "../../proto/ids.ts";
import type { Clock, Random } from "../../proto/ports/ports.ts";
import { metered } from "../progress/meter.ts";
import type { Store } from "../store/store.ts";
import { checkDataset, type DatasetCheck } from "./check.ts";
import type { DatasetRegistration } from "./dataset.ts";
import { inspectDataset } from "./inspect.ts";
import { profileOf } from "./normalise.ts";
import type { SourceAccess, SourceRequest } from "./source.ts";

export interface RegisteredDataset {
  readonly registration: DatasetRegistration;
  readonly registeredAt: string;
  /** Where the rows that were set aside are, on this node's disk. */
  readonly quarantinePath: string;
}

/** Where registrations may spill; each gets a key of its own. */
export interface SpillSource {
  /** Absolute. */
  readonly folder: string;
  readonly random: Random;
}

/** What a caller asks to register. */
export interface RegisterInput extends SourceRequest {
  readonly name: string;
  readonly ids: readonly IdColumn[];
  /** `first` without it. */
  readonly duplicatePolicy?: DuplicatePolicy | undefined;
}

export interface DatasetsInput {
  readonly store: Store;
  readonly clock: Clock;
  readonly quarantineFolder: string;
  readonly spill?: SpillSource;
  readonly access?: SourceAccess;
}

export class Datasets {
  /** What reading a dataset needs, for `readDataset` and all that calls it. */
  readonly access: SourceAccess;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #quarantineFolder: string;
  readonly #spill: SpillSource | undefined;

  constructor(input: DatasetsInput) {
    this.access = input.access ?? {};
    this.#store = input.store;
    this.#clock = input.clock;
    this.#quarantineFolder = input.quarantineFolder;
    this.#spill = input.spill;
  }

  /** Reads the source through; a second registration of a name makes a new version. Throws as `inspectDataset`. */
  async register(input: RegisterInput, tell: (progress: Progress) => void = () => {}): Promise<RegisteredDataset> {
    const name = datasetName(input.name);
    const reading = this.#reading(name, this.#quarantinePath(name), tell);
    const registration = await inspectDataset({ ...input, ...reading });
    const registeredAt = new Date(this.#clock.nowMs()).toISOString();
    await this.#store.putDataset({
      name,
      version: registration.version,
      registration: JSON.stringify(registration),
      registeredAt,
    });
    return { registration, registeredAt, quarantinePath: this.#quarantinePath(name) };
  }

  /** Looks at what would be registered; only a quarantine file is written, beside those of registrations. Throws as `checkDataset`. */
  async check(
    input: RegisterInput,
    tell: (progress: Progress) => void = () => {},
  ): Promise<{ check: DatasetCheck; quarantinePath: string }> {
    const name = datasetName(input.name);
    const quarantinePath = join(this.#quarantineFolder, "checks", `${name}.jsonl`);
    const check = await checkDataset({ ...input, ...this.#reading(name, quarantinePath, tell) });
    return { check, quarantinePath };
  }

  async list(): Promise<RegisteredDataset[]> {
    return (await this.#store.datasets()).map((record) => ({
      registration: JSON.parse(record.registration) as DatasetRegistration,
      registeredAt: record.registeredAt,
      quarantinePath: this.#quarantinePath(record.name),
    }));
  }

  /** Throws NOT_FOUND. */
  async require(name: string): Promise<DatasetRegistration> {
    const found = (await this.list()).find((dataset) => dataset.registration.name === name);
    if (found === undefined) throw new EntenteError("NOT_FOUND", { detail: `dataset ${name}` });
    return found.registration;
  }

  /** All that a peer is told of the datasets here. */
  async describe(): Promise<DatasetDescriptor[]> {
    return (await this.list()).map(({ registration: { name, ids, columns } }) => ({
      name,
      ids: ids.map(({ column, normaliser }) => ({ column, normaliser: profileOf(normaliser) })),
      columns: columns.map((column) => ({ name: column.name, type: column.type })),
    }));
  }

  #reading(name: DatasetName, quarantinePath: string, tell: (progress: Progress) => void) {
    return {
      ...{ name, quarantinePath, access: this.access, onProgress: metered(this.#clock, tell) },
      ...(this.#spill && { spill: { ...this.#spill, key: this.#spill.random.bytes(32) } }),
    };
  }

  #quarantinePath(name: DatasetName | string): string {
    return join(this.#quarantineFolder, `${name}.jsonl`);
  }
}
