/** What the two halves of a job need of the node. */
import type { Logger } from "pino";
import type { Ports } from "../../proto/ports/ports.ts";
import type { Agreements } from "../agreements/agreements.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { Datasets } from "../data/datasets.ts";
import type { Logbook } from "../evidence/logbook.ts";
import type { SideNotes } from "../evidence/side-notes.ts";
import type { Witness } from "../evidence/witness.ts";
import type { Kept } from "../limits/kept.ts";
import type { WorkGates } from "../limits/work-gates.ts";
import type { Machinery } from "../machinery.ts";
import type { PolicyDesk } from "../policy/desk.ts";
import type { Leases } from "../policy/leases.ts";
import type { Sketches } from "../policy/sketches.ts";
import type { SteadyClock } from "../policy/steady-clock.ts";
import type { Segments } from "../segments/segments.ts";
import type { Meetings } from "../session/meetings.ts";
import type { Peers } from "../session/peers.ts";
import type { Keyring } from "../store/keyring.ts";
import type { Store } from "../store/store.ts";
import type { TagCatalogue } from "../tags/catalogue.ts";
import type { OptOuts } from "../tags/opt-outs.ts";
import type { Turns } from "../turns.ts";
import type { JobBook } from "./book.ts";
import type { JobChannels } from "./channels.ts";
import type { KeptModels } from "./kept-models.ts";
import type { PendingJobs } from "./pending.ts";
import type { JobResults } from "./results.ts";
import type { ServedJobs } from "./served.ts";
import type { Stopping } from "./stopping.ts";
import type { JobVault } from "./vault.ts";

export interface JobDeps {
  readonly ports: Ports;
  readonly machinery: Machinery;
  readonly keyring: Keyring;
  readonly store: Store;
  readonly vault: JobVault;
  readonly results: JobResults;
  readonly models: KeptModels;
  readonly book: JobBook;
  readonly peers: Peers;
  readonly meetings: Meetings;
  readonly agreements: Agreements;
  readonly datasets: Datasets;
  readonly segments: Segments;
  readonly optOuts: OptOuts;
  readonly catalogue: TagCatalogue;
  readonly logbook: Logbook;
  readonly witness: Witness;
  readonly sideNotes: SideNotes;
  readonly clock: SteadyClock;
  readonly policy: PolicyDesk;
  readonly sketches: Sketches;
  readonly leases: Leases;
  readonly pending: PendingJobs;
  readonly channels: JobChannels;
  readonly link: CoordinatorLink;
  readonly logger: Logger;
  readonly stopping: Stopping;
  readonly kept: Kept;
  /** What may begin beside what runs. */
  readonly gates: WorkGates;
  /** Jobs that this node serves to peers. */
  readonly served: ServedJobs;
  /** What decides on a job takes its turn, by job id. */
  readonly turns: Turns<string>;
  /** What reads an own dataset to decide on a peer's offer, by peer. */
  readonly reads: Turns<string>;
}
