/**
 * Every bound that an operator of a node may set, under `limits` in node.json. What is refused with which code stands here, and
 * what a person is told of each in another language, in `text.ts`.
 */
import { limit } from "./limit.ts";

export const HTTP_LIMITS = {
  connections: limit(
    512,
    "connections",
    "OVERLOADED",
    "open connections to the API; a further one is answered and closed",
  ),
  requestsAtOnce: limit(256, "requests", "OVERLOADED", "requests in hand, event streams among them"),
  requestsPerTokenAtOnce: limit(
    64,
    "requests",
    "OVERLOADED",
    "requests of one token in hand, event streams among them",
  ),
  requestsPerTokenMinute: limit(1_200, "requests a minute", "RATE_LIMITED", "requests with one token"),
  anonymousRequestsPerMinute: limit(
    300,
    "requests a minute",
    "RATE_LIMITED",
    "requests without a good token, from one address (of IPv6 a /56 network)",
  ),
  signInsPerAddressMinute: limit(
    60,
    "requests a minute",
    "RATE_LIMITED",
    "sign-ins begun and ended from one address; people behind one proxy have one",
  ),
  signInsBegun: limit(
    1_000,
    "sign-ins",
    undefined,
    "sign-ins that have begun and not ended; the oldest gives way, and each is forgotten after 10 minutes",
  ),
  bodyMib: limit(16, "MiB", "LIMIT_EXCEEDED", "a request's body; most routes take 1 MiB at most whatever this is", {
    max: 1_024,
  }),
  largeBodiesAtOnce: limit(
    8,
    "requests",
    "OVERLOADED",
    "requests in hand whose body has more than 1 MiB, or an unknown length",
  ),
  eventStreams: limit(64, "streams", "OVERLOADED", "open event streams"),
  eventStreamsPerToken: limit(16, "streams", "OVERLOADED", "open event streams of one token"),
} as const;

/** What people and peers begin. */
export const WORK_LIMITS = {
  jobs: limit(16, "jobs", "OVERLOADED", "own jobs that run, or are being asked for"),
  servedJobs: limit(
    8,
    "jobs",
    "OVERLOADED",
    "jobs of peers whose rows are read or held; those that wait longest for their peer give way",
  ),
  servedJobsPerPeer: limit(6, "jobs", "OVERLOADED", "jobs of one peer whose rows are read or held"),
  openJobsPerPeer: limit(
    1_000,
    "jobs",
    "OVERLOADED",
    "jobs of a peer that have not ended; a further one is not looked at",
  ),
  offersPerPeerMinute: limit(60, "offers a minute", "RATE_LIMITED", "jobs that a peer offers"),
  readsPerPeer: limit(
    16,
    "offers",
    "OVERLOADED",
    "offers of a peer for which a dataset is read, or which wait for that",
  ),
  sessions: limit(128, "sessions", "OVERLOADED", "sessions in which peers ask this node"),
  sessionsPerPeer: limit(16, "sessions", "OVERLOADED", "sessions in which one peer asks this node"),
  questionsPerPeerMinute: limit(
    600,
    "questions a minute",
    "RATE_LIMITED",
    "questions of a peer, in all its sessions; its revocations pass",
  ),
  datasetRows: limit(1_000_000_000, "rows", "LIMIT_EXCEEDED", "rows of a dataset that is registered", {
    max: 2 ** 32 - 1,
  }),
  jobRows: limit(500_000_000, "rows", "LIMIT_EXCEEDED", "people that either side brings into a job", {
    max: 2 ** 32 - 1,
  }),
} as const;

/** What stays on the disk. */
export const DISK_LIMITS = {
  freeDiskMib: limit(
    256,
    "MiB",
    "DISK_FULL",
    "free room of the node's disk below which nothing new begins: kept for what runs, and its end",
    {
      min: 0,
    },
  ),
  spillMib: limit(102_400, "MiB", "OVERLOADED", "what jobs, registrations and lists have on the disk while they run"),
  spillPerPeerMib: limit(51_200, "MiB", "OVERLOADED", "what jobs with one peer have on the disk while they run"),
  quarantineMib: limit(4_096, "MiB", "LIMIT_EXCEEDED", "rows that registrations and checks have set aside"),
  resultsMib: limit(
    20_480,
    "MiB",
    "LIMIT_EXCEEDED",
    "kept results with labels, until retention ends: at that no job with labels is asked for",
  ),
  resultsPerPeerMib: limit(10_240, "MiB", "LIMIT_EXCEEDED", "kept results of jobs with one peer"),
  // The largest bundles, of 512 groups of leaves, have 142 MB: three versions of them, or eight usual ones.
  keptModelsMib: limit(
    1_024,
    "MiB",
    undefined,
    "encrypted models that are kept for later jobs; the least recently used goes",
    {
      min: 0,
    },
  ),
  keptModelsPerPeerMib: limit(512, "MiB", undefined, "kept encrypted models of one peer", { min: 0 }),
  keptModelVersions: limit(8, "versions", undefined, "kept versions of a model, of one peer in one role"),
} as const;

export const NODE_LIMITS = { ...HTTP_LIMITS, ...WORK_LIMITS, ...DISK_LIMITS } as const;

export type NodeLimitName = keyof typeof NODE_LIMITS;
