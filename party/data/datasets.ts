/** The node's registered datasets: the store's records and the files behind them. */
import { extname, join } from "node:path";
import type { IdColumn } from "../../proto/agreement/fields.ts";
import type { DatasetDescriptor } from "../../proto/codec/session.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Progress } from "../../proto/http/progress.ts";
import { type DatasetName, datasetName } from "../../proto/ids.ts";
import type { Clock, Random } from "../../proto/ports/ports.ts";
import { metered } from "../progress/meter.ts";
import type { Store } from "../store/store.ts";
import type { Delimiter } from "./csv-dialect.ts";
import type { DatasetFormat, DatasetRegistration } from "./dataset.ts";
import { inspectDataset } from "./inspect.ts";
import { profileOf } from "./normalise.ts";

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

const FORMATS: Readonly<Record<string, DatasetFormat>> = {
  ".csv": "csv",
  ".tsv": "csv",
  ".txt": "csv",
  ".parquet": "parquet",
};

export class Datasets {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #quarantineFolder: string;
  readonly #spill: SpillSource | undefined;

  constructor(input: { store: Store; clock: Clock; quarantineFolder: string; spill?: SpillSource }) {
    this.#store = input.store;
    this.#clock = input.clock;
    this.#quarantineFolder = input.quarantineFolder;
    this.#spill = input.spill;
  }

  /**
   * Reads the file through; a second registration of a name makes a new version. `delimiter` and `columnTypes` are those
   * of `inspectDataset`, for CSV. Throws the errors of `inspectDataset`.
   */
  async register(
    input: {
      name: string;
      path: string;
      ids: readonly IdColumn[];
      delimiter?: Delimiter;
      columnTypes?: Readonly<Record<string, "number" | "text">>;
    },
    tell: (progress: Progress) => void = () => {},
  ): Promise<RegisteredDataset> {
    const name = datasetName(input.name);
    const format = FORMATS[extname(input.path).toLowerCase()];
    if (format === undefined)
      throw new EntenteError("DATASET_FORMAT", { detail: "the file name ends in none of .csv, .tsv, .txt, .parquet" });
    if (format === "parquet" && (input.delimiter !== undefined || input.columnTypes !== undefined))
      throw new EntenteError("DATASET_FORMAT", { detail: "a delimiter and column types can be given for CSV only" });
    const registration = await inspectDataset({
      ...input,
      name,
      format,
      quarantinePath: this.#quarantinePath(name),
      onProgress: metered(this.#clock, tell),
      ...(this.#spill === undefined ? {} : { spill: { ...this.#spill, key: this.#spill.random.bytes(32) } }),
    });
    const registeredAt = new Date(this.#clock.nowMs()).toISOString();
    await this.#store.putDataset({
      name,
      version: registration.version,
      registration: JSON.stringify(registration),
      registeredAt,
    });
    return { registration, registeredAt, quarantinePath: this.#quarantinePath(name) };
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

  #quarantinePath(name: DatasetName | string): string {
    return join(this.#quarantineFolder, `${name}.jsonl`);
  }
}
