/** What a node has beside once it is enrolled: the link to the coordinator, and everything that meets peers through it. */
import { join } from "node:path";
import type { Agreement } from "../proto/agreement/agreement.ts";
import type { Wake } from "../proto/codec/coordinator.ts";
import type { EntenteError } from "../proto/errors.ts";
import type { CollaborationId } from "../proto/ids.ts";
import { limitRefusal } from "../proto/limits/limit.ts";
import { Agreements } from "./agreements/agreements.ts";
import { InForce } from "./agreements/in-force.ts";
import { Revocations } from "./agreements/revocations.ts";
import type { Enrolled } from "./coordinator-link/enrol.ts";
import type { CoordinatorLink } from "./coordinator-link/link.ts";
import { CertificateRenewal } from "./coordinator-link/renewal.ts";
import { watchInbox } from "./coordinator-link/watch-inbox.ts";
import { keepEnrolment } from "./enrolment.ts";
import type { Forks } from "./evidence/forks.ts";
import { collaborationsOf, Witnessing } from "./evidence/witnessing.ts";
import { JobChannels } from "./jobs/channels.ts";
import type { JobDeps } from "./jobs/deps.ts";
import { unfinishedJobs } from "./jobs/interrupted.ts";
import { PendingJobs } from "./jobs/pending.ts";
import { ServedJobs } from "./jobs/served.ts";
import { stopUnder } from "./jobs/stop.ts";
import { WorkGates } from "./limits/work-gates.ts";
import type { NodeParts } from "./parts.ts";
import { PolicyDesk } from "./policy/desk.ts";
import { Leases } from "./policy/leases.ts";
import { RunHistory } from "./policy/run-history.ts";
import { Sketches } from "./policy/sketches.ts";
import { Meetings } from "./session/meetings.ts";
import { PeerHistory } from "./session/peer-history.ts";
import { Peers } from "./session/peers.ts";
import { Successions } from "./session/successions.ts";
import { Turns } from "./turns.ts";

export interface Connected extends JobDeps {
  readonly enrolled: Enrolled;
  readonly revocations: Revocations;
  readonly witnessing: Witnessing;
  readonly forks: Forks;
  readonly inForce: InForce;
  /** Knows the certificate of now; `enrolled` is as it was at the start. */
  readonly renewal: CertificateRenewal;
  /** Another enrolment, under the same name at the same coordinator, in the place of the present one. */
  readonly enrolAgain: (enrolled: Enrolled) => void;
  readonly isOnline: () => boolean;
  /** No peer can call this node any more: it is told at once that nobody is there. */
  readonly closeInbox: () => void;
  /** Why the coordinator cannot be reached; undefined when it can. */
  readonly offline: () => EntenteError | undefined;
  readonly disconnect: () => void;
}

/** What the node does about what happens. */
export interface Happenings {
  readonly onWake: (wake: Wake) => void;
  /** The coordinator can be reached. */
  readonly onReached: () => Promise<void>;
  /** A log that could not be written is open again. */
  readonly onOpen: (collaboration: CollaborationId) => Promise<void>;
}

/** Begins to watch the inbox: what happens may be told before this returns. */
export function connect(
  parts: NodeParts,
  enrolled: Enrolled,
  link: CoordinatorLink,
  { onWake, onReached, onOpen }: Happenings,
): Connected {
  const { ports, machinery, keyring, store, clock, logger, logbook, sideNotes, witness, forks } = parts;
  const { timers } = ports;
  const { limits, disk, book } = parts;
  const own = keyring.party;
  const signers = keyring;
  const peerHistory = new PeerHistory(store);
  const following = { keyring, store, history: peerHistory, link, clock: ports.clock, logger, logbook };
  const successions = new Successions({ ...following, collaborations: () => collaborationsOf(store, own) });
  const peers = new Peers({ own, store, link, clock: ports.clock, history: peerHistory, successions });
  const meetings = new Meetings({
    ...{ own, signers, link, timers, random: ports.random, clock: ports.clock },
    ...{ secure: machinery.secure, direct: parts.direct },
  });
  const history = new RunHistory({ logbook, store, macKey: keyring.epochSeed });
  const agreements = new Agreements({ keyring, store, peers, meetings, logbook, link, clock, history });
  const leases = new Leases({ clock, party: own, signers });
  const policy = new PolicyDesk({ history, agreements, clock, standings: logbook.standings });
  const known = { keyring, store, peers, meetings, agreements, logbook, sideNotes };
  const revocations = new Revocations({
    ...{ ...known, link, clock, history, timers, logger },
    inTurn: policy.inTurn.bind(policy),
    stop: (agreement: Agreement) => stopUnder(connected, agreement),
  });
  const witnessing = new Witnessing({
    ...{ signers, store, peers, meetings, logbook, witness, forks, link, enrolled, clock: ports.clock, logger },
    isBusy: async (collaboration) => (await unfinishedJobs(parts.book, collaboration)).length > 0,
    onOpen,
  });
  let isOnline = false;
  let offline: EntenteError | undefined;
  let changes = 0;
  const watch = () =>
    watchInbox(
      link,
      {
        onWake,
        onState: (state, error) => {
          isOnline = false;
          offline = error;
          const change = ++changes;
          logger.info({ state, code: error?.code }, "inbox");
          if (state === "open") void onReached().then(() => (isOnline = change === changes));
        },
      },
      ports,
    );
  let stopWatching = watch();
  const renewal = new CertificateRenewal(enrolled, {
    ...{ link, ports, logger, clock: parts.wallClock },
    keep: (renewed) => keepEnrolment(ports.files, parts.folder, renewed),
  });
  const sketchFolder = join(parts.folder, "sketches");
  const gates = new WorkGates({ limits, clock: ports.clock, disk, book });
  const served = new ServedJobs();
  parts.limitUses.add(() => gates.used(served));
  const connected: Connected = {
    ...parts,
    ...{ peers, meetings, agreements, witnessing, link, policy, leases, enrolled, revocations },
    sketches: new Sketches({
      ...{ files: ports.files, random: ports.random, key: keyring.atRestKey, folder: sketchFolder },
    }),
    ...{ served, gates },
    pending: new PendingJobs(),
    channels: new JobChannels(),
    turns: new Turns(),
    // Of an own dataset, for offers of one peer: one runs, the others wait. Each may take minutes.
    reads: new Turns({ max: limits.values.readsPerPeer, refusal: () => limitRefusal(limits, "readsPerPeer") }),
    inForce: new InForce({ own, agreements, leases, peers, meetings, clock }),
    renewal,
    enrolAgain(again) {
      isOnline = false;
      stopWatching();
      renewal.replace(again);
      stopWatching = watch();
    },
    isOnline: () => isOnline,
    closeInbox: () => {
      isOnline = false;
      stopWatching();
    },
    offline: () => offline,
    disconnect: () => {
      stopWatching();
      witnessing.close();
      revocations.close();
      link.close();
    },
  };
  return connected;
}
