/** The route that shows an operator how the node is: what its pages of health, keys, storage, sessions and limits are made of. */
import * as z from "zod";
import { progress } from "./progress.ts";
import { empty, type Route } from "./route.ts";

const at = z.iso.datetime();

const readiness = z.object({
  ready: z.boolean().describe("Whether the node can take a job now."),
  checks: z.array(
    z.object({
      check: z.string().describe("As of /readyz of its listener for health."),
      why: z.string().nullable().describe("What stands in the way, as a code; null when all is well."),
    }),
  ),
});

const coordinator = z.object({
  name: z.string(),
  at: z.string().describe("Host and port that this node calls."),
  connected: z.boolean(),
  error: z.string().nullable().describe("Why it cannot be reached, as a code."),
});

/** What is shown to others to prove who one is. */
const lasting = z.object({
  of: z.enum(["certificate", "authority", "keyset"]),
  fingerprint: z.string().describe("SHA-256 in hex: of a certificate's DER, of a keyset's signed bytes."),
  validFrom: at,
  validUntil: at,
  daysLeft: z.number().describe("Whole days; below 0 when it has ended."),
  renewsAt: at.nullable().describe("When the node renews it by itself; null for what others have to renew."),
});

export const STORAGE_AREAS = [
  "store",
  "evidence",
  "spool",
  "quarantine",
  "results",
  "models",
  "segments",
  "exports",
] as const;
export type StorageArea = (typeof STORAGE_AREAS)[number];

const storage = z.object({
  folder: z.string().describe("The node's, on its machine."),
  store: z.object({
    kind: z.enum(["sqlite", "postgresql"]),
    schema: z.number().describe("Version of its tables."),
  }),
  freeBytes: z.number().nullable().describe("Of the disk of the node's folder; null when it cannot be told."),
  keptBytes: z.number().describe("Below this nothing new begins."),
  areas: z.array(
    z.object({ area: z.enum(STORAGE_AREAS), bytes: z.number().nullable().describe("Null where a server keeps it.") }),
  ),
  keysSealed: z.boolean().describe("Whether keys lie encrypted on the disk."),
  databases: z
    .array(
      z.object({
        name: z.string(),
        use: z.enum(["datasets", "feeds"]).nullable().describe("Null when it may be used for both."),
      }),
    )
    .describe("PostgreSQL connections that node.json names."),
});

const session = z.object({
  peer: z.string(),
  kind: z.enum(["control", "job", "release"]),
  jobId: z.string().nullable().describe("Of a job session."),
  openedBy: z.enum(["this-node", "peer"]),
  openedAt: at,
  way: z
    .enum(["relay", "direct"])
    .nullable()
    .describe("Null while its connection is broken and another is looked for."),
  bytesSent: z.number(),
  bytesReceived: z.number(),
});

const runningJob = z.object({
  jobId: z.string(),
  operation: z.string(),
  role: z.string(),
  peer: z.string(),
  state: z.string(),
  awaitsApproval: z.boolean(),
  updatedAt: at,
  progress: progress.nullable(),
});

const shownLimit = z.object({
  name: z.string().describe("Its field under `limits` in node.json."),
  value: z.number(),
  unit: z.string(),
  isDefault: z.boolean().describe("As it is without a word in node.json."),
  used: z
    .number()
    .nullable()
    .describe("Now, of whoever uses most where it is for each; null where nothing is counted."),
  code: z.string().nullable().describe("What is refused with when it is reached; null for what makes room by itself."),
  what: z.string(),
});

export const STATUS_ROUTES = {
  status: {
    method: "GET",
    path: "/v1/status",
    summary: "Show how the node is",
    description:
      "Readiness, coordinator, certificates and keys, storage, open sessions, jobs that have not ended, limits and their use. Looks at this node alone; GET /v1/doctor asks coordinator and peers, too.",
    roles: ["operator"],
    request: empty,
    response: z.object({
      version: z.string(),
      nodeVersion: z.string().describe("Of Node.js."),
      startedAt: at,
      at,
      memoryBytes: z.number().describe("Of the node's whole process."),
      memoryLimitBytes: z.number().describe("Of the machine, or of its container."),
      readiness,
      coordinator: coordinator.nullable().describe("Null before enrolment."),
      directAddress: z.string().nullable().describe("Where peers may connect to this node directly; null: nowhere."),
      lasting: z.array(lasting),
      storage,
      sessions: z.array(session),
      jobs: z.array(runningJob).describe("Those that have not ended."),
      limits: z.array(shownLimit),
    }),
  },
} as const satisfies Record<string, Route>;
