/** What a node has whether it is enrolled or not: keys, store, evidence, data, and what it keeps of jobs. */
import { join } from "node:path";
import type { Logger } from "pino";
import { type StoreConfig, urlFileOf } from "../proto/database/place.ts";
import type { Clock, Ports } from "../proto/ports/ports.ts";
import type { Enrolled } from "./coordinator-link/enrol.ts";
import type { CoordinatorLink } from "./coordinator-link/link.ts";
import { Datasets } from "./data/datasets.ts";
import { type DatabaseConfig, Databases } from "./databases/databases.ts";
import { Forks } from "./evidence/forks.ts";
import { Logbook } from "./evidence/logbook.ts";
import { SideNotes } from "./evidence/side-notes.ts";
import { Witness } from "./evidence/witness.ts";
import { feedSecretFiles } from "./feeds/feeds.ts";
import { JobBook } from "./jobs/book.ts";
import { KeptModels } from "./jobs/kept-models.ts";
import { JobResults } from "./jobs/results.ts";
import { Stopping } from "./jobs/stopping.ts";
import { JobVault } from "./jobs/vault.ts";
import { Disk } from "./limits/disk.ts";
import { Kept } from "./limits/kept.ts";
import { type GivenNodeLimits, modelLimits, type NodeLimits, nodeLimits } from "./limits/limits.ts";
import { LimitUses } from "./limits/uses.ts";
import { type Machinery, REAL_MACHINERY } from "./machinery.ts";
import type { SteadyClock } from "./policy/steady-clock.ts";
import { Segments } from "./segments/segments.ts";
import type { Direct } from "./session/direct.ts";
import type { Keyring } from "./store/keyring.ts";
import type { Store } from "./store/store.ts";
import { TagCatalogue } from "./tags/catalogue.ts";
import { OptOuts } from "./tags/opt-outs.ts";

export interface NodeOptions {
  readonly ports: Ports;
  readonly folder: string;
  readonly party: string;
  readonly logger: Logger;
  /** Those that are not named have their default. */
  readonly limits?: GivenNodeLimits;
  /** Where the store is; a file in the folder without it. */
  readonly store?: StoreConfig | undefined;
  /** PostgreSQL connections by name. */
  readonly databases?: Readonly<Record<string, DatabaseConfig>>;
  /** Beside those of databases and feeds: no dataset is read from them. Absolute. */
  readonly secretFiles?: readonly string[];
  /** Where data files may be; anywhere outside of `folder` without it. Absolute. */
  readonly dataFolders?: readonly string[] | undefined;
  /** Default: over gRPC. */
  readonly dial?: (enrolled: Enrolled) => CoordinatorLink;
  /** Connections with peers beside the relay. */
  readonly direct?: Direct | undefined;
  /** In place of the real one's. */
  readonly machinery?: Partial<Machinery>;
}

export interface NodeParts {
  readonly limits: NodeLimits;
  readonly limitUses: LimitUses;
  readonly disk: Disk;
  readonly kept: Kept;
  readonly ports: Ports;
  readonly machinery: Machinery;
  readonly folder: string;
  readonly logger: Logger;
  readonly keyring: Keyring;
  readonly store: Store;
  readonly clock: SteadyClock;
  /** As the machine has it: the node's own never goes back. */
  readonly wallClock: Clock;
  readonly databases: Databases;
  readonly datasets: Datasets;
  readonly segments: Segments;
  readonly optOuts: OptOuts;
  readonly catalogue: TagCatalogue;
  readonly logbook: Logbook;
  readonly forks: Forks;
  readonly witness: Witness;
  readonly sideNotes: SideNotes;
  readonly book: JobBook;
  readonly vault: JobVault;
  readonly models: KeptModels;
  readonly results: JobResults;
  readonly stopping: Stopping;
  readonly direct: Direct | undefined;
}

export interface Opened {
  readonly keyring: Keyring;
  readonly store: Store;
  readonly clock: SteadyClock;
}

export function nodeParts(options: NodeOptions, { keyring, store, clock }: Opened): NodeParts {
  const { folder, logger } = options;
  const limits = nodeLimits(options.limits);
  // All that this node says and decides goes by one time: what was charged by another could be charged to the past.
  const timed = { nowMs: () => clock.nowMs(), monotonicMs: () => options.ports.clock.monotonicMs() };
  const ports = { ...options.ports, clock: timed };
  const { files, random } = ports;
  const key = keyring.atRestKey;
  const sealed = { store, files, random, key };
  const disk = new Disk({ files, folder, clock: timed, limits });
  const spill = { folder: join(folder, "spool", "registrations"), random, claim: () => disk.claim("") };
  const databases = new Databases({ files, folder, config: options.databases ?? {} });
  const optOuts = new OptOuts({ store, clock: timed, random, key });
  const places = {
    nodeFolder: folder,
    folders: options.dataFolders,
    secretFiles: async () => [
      ...databases.secretFiles,
      ...(options.secretFiles ?? []),
      ...(options.store === undefined ? [] : [urlFileOf(folder, options.store)]),
      ...(await feedSecretFiles(store)),
    ],
  };
  const quarantineFolder = join(folder, "quarantine");
  const book = new JobBook(store, timed);
  const kept: Kept = new Kept({
    ...{ files, limits, quarantineFolder, resultFolder: join(folder, "results") },
    peerOf: async (jobId) => (await book.require(jobId)).proposed.peer,
    models: () => models.sizes(),
  });
  const datasets = new Datasets({
    ...{ optOuts, store, clock: timed, spill },
    ...{ quarantineFolder, boundsOf: (path: string) => kept.boundsOf(path) },
    access: { databases, places, pipeFolder: join(folder, "spool", "pipes") },
  });
  const logbook = new Logbook({ ports, folder: join(folder, "evidence"), signers: keyring, store });
  const forks = new Forks({ files, folder: join(folder, "forks") });
  const models = new KeptModels({ ...sealed, folder: join(folder, "models"), limits: modelLimits(limits.values) });
  const limitUses = new LimitUses();
  limitUses.add(() => disk.used());
  limitUses.add(() => kept.used());
  return {
    ...{
      limits,
      limitUses,
      kept,
      disk,
      ports,
      folder,
      logger,
      keyring,
      store,
      clock,
      databases,
      optOuts,
      datasets,
      logbook,
      forks,
    },
    machinery: { ...REAL_MACHINERY, ...options.machinery },
    wallClock: options.ports.clock,
    stopping: new Stopping(),
    direct: options.direct,
    segments: new Segments({ ...sealed, datasets, clock: timed, folder: join(folder, "segments"), spill }),
    catalogue: new TagCatalogue({ store, clock: timed }),
    witness: new Witness({ store, clock: timed, signers: keyring, logbook, forks }),
    sideNotes: new SideNotes({ store, random, key }),
    book,
    vault: new JobVault({ ...sealed, folder: join(folder, "spool"), disk }),
    models,
    results: new JobResults({ ...sealed, folder: join(folder, "results") }),
  };
}
