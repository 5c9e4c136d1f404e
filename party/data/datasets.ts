/** The node's registered datasets: the store's records and the files behind them. */
import { join } from "node:path";
import type { IdColumn } from "../../proto/agreement/fields.ts";
import type { DatasetDescriptor } from "../../proto/codec/session-messages.ts";
import type { DuplicatePolicy } from "../../proto/duplicate-policy.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Progress } from "../../proto/http/progress.ts";
import { type DatasetName, datasetName } from "../../proto/ids.ts";
import type { Clock, Random } from "../../proto/ports/ports.ts";
import { metered } from "../progress/meter.ts";
import type { Store } from "../store/store.ts";
import { checkDataset, type DatasetCheck } from "./check.ts";
import { type DatasetRegistration, effectiveVersion, type OptedOut } from "./dataset.ts";
import { effectiveRows } from "./effective.ts";
import { type InspectBounds, inspectDataset } from "./inspect.ts";
import { profileOf } from "./normalise.ts";
import type { SourceAccess, SourceRequest } from "./source.ts";
import type { SpillPlace } from "./spill.ts";

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
  readonly claim?: SpillPlace["claim"];
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
  /** For a registration whose rows that are set aside go to this file. */
  readonly boundsOf?: (quarantinePath: string) => Promise<InspectBounds>;
  readonly access?: SourceAccess;
  /** Who has opted out, by the form of their ids. */
  readonly optOuts?: { of(form: string): Promise<OptedOut | undefined> };
}

/** Normalisers of an id in the order of its parts: ids of one form can be compared. */
export function idForm(ids: readonly Pick<IdColumn, "normaliser">[]): string {
  return ids.map(({ normaliser }) => normaliser).join("+");
}

export class Datasets {
  /** What reading a dataset needs, for `readDataset` and all that calls it. */
  readonly access: SourceAccess;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #quarantineFolder: string;
  readonly #spill: SpillSource | undefined;
  readonly #boundsOf: DatasetsInput["boundsOf"];
  readonly #optOuts: DatasetsInput["optOuts"];
  /** By dataset, for its last effective version. */
  readonly #people = new Map<string, { readonly version: string; readonly people: Promise<number> }>();

  constructor(input: DatasetsInput) {
    this.access = input.access ?? {};
    this.#optOuts = input.optOuts;
    this.#store = input.store;
    this.#clock = input.clock;
    this.#quarantineFolder = input.quarantineFolder;
    this.#spill = input.spill;
    this.#boundsOf = input.boundsOf;
  }

  /** Reads the source through; a second registration of a name makes a new version. Throws as `inspectDataset`. */
  async register(input: RegisterInput, tell: (progress: Progress) => void = () => {}): Promise<RegisteredDataset> {
    const name = datasetName(input.name);
    const reading = await this.#reading(name, this.#quarantinePath(name), tell);
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
    const check = await checkDataset({ ...input, ...(await this.#reading(name, quarantinePath, tell)) });
    return { check, quarantinePath };
  }

  async list(): Promise<RegisteredDataset[]> {
    return (await this.#store.datasets()).map((record) => ({
      registration: JSON.parse(record.registration) as DatasetRegistration,
      registeredAt: record.registeredAt,
      quarantinePath: this.#quarantinePath(record.name),
    }));
  }

  /** As a job takes it: without those who have opted out by now. Where there are some, the first call after a change reads the
   * dataset once. Throws NOT_FOUND, and what reading throws. */
  async require(name: string): Promise<DatasetRegistration> {
    const registration = await this.#registered(name);
    const optedOut = await this.#optOuts?.of(idForm(registration.ids));
    if (optedOut === undefined) return registration;
    const dataset = { ...registration, optedOut };
    return { ...dataset, people: await this.#peopleOf(dataset) };
  }

  async #peopleOf(dataset: DatasetRegistration): Promise<number> {
    const version = effectiveVersion(dataset);
    const known = this.#people.get(dataset.name);
    if (known?.version === version) return known.people;
    const spill = this.#spill && { ...this.#spill, key: this.#spill.random.bytes(32) };
    const people = effectiveRows(dataset, undefined, { access: this.access, ...(spill && { spill }) });
    this.#people.set(dataset.name, { version, people });
    people.catch(() => this.#people.delete(dataset.name));
    return people;
  }

  async #registered(name: string): Promise<DatasetRegistration> {
    const found = (await this.list()).find((dataset) => dataset.registration.name === name);
    if (found === undefined) throw new EntenteError("NOT_FOUND", { detail: `dataset ${name}` });
    return found.registration;
  }

  /** All that a peer is told of the datasets here, beside their segments. */
  async describe(): Promise<Omit<DatasetDescriptor, "segments">[]> {
    return (await this.list()).map(({ registration: { name, ids, columns } }) => ({
      name,
      ids: ids.map(({ column, normaliser }) => ({ column, normaliser: profileOf(normaliser) })),
      columns: columns.map((column) => ({ name: column.name, type: column.type })),
    }));
  }

  async #reading(name: DatasetName, quarantinePath: string, tell: (progress: Progress) => void) {
    return {
      bounds: await this.#boundsOf?.(quarantinePath),
      ...{ name, quarantinePath, access: this.access, onProgress: metered(this.#clock, tell) },
      ...(this.#spill && { spill: { ...this.#spill, key: this.#spill.random.bytes(32) } }),
    };
  }

  #quarantinePath(name: DatasetName | string): string {
    return join(this.#quarantineFolder, `${name}.jsonl`);
  }
}
