/** Routes about the evidence logs. */
import * as z from "zod";
import { empty, type Route } from "./route.ts";

/** A collaboration's log at this node. */
const collaboration = z.object({
  collaboration: z.string(),
  peer: z.string(),
  origin: z.string(),
  entries: z.number(),
  /** How many of them are under a checkpoint that the peer has cosigned. */
  cosigned: z.number(),
  state: z.enum(["open", "read-only", "forked", "frozen"]),
  /** What a person should do, when it is not open. */
  advice: z.string().nullable(),
});
const inCollaboration = z.strictObject({ collaboration: z.string().regex(/^[0-9a-f]{32}$/) });

export const EVIDENCE_ROUTES = {
  auditFiles: {
    method: "GET",
    path: "/v1/audit/:collaboration/files",
    roles: ["auditor"],
    request: z.strictObject({ collaboration: z.string().regex(/^[0-9a-f]{32}$/) }),
    response: z.object({ files: z.array(z.object({ path: z.string(), base64: z.string() })) }),
  },
  collaborations: {
    method: "GET",
    path: "/v1/collaborations",
    roles: ["analyst", "steward", "auditor", "operator"],
    request: empty,
    response: z.object({ collaborations: z.array(collaboration) }),
  },
  /** Checkpoints of one log that do not agree, as this node has kept them. */
  forks: {
    method: "GET",
    path: "/v1/collaborations/:collaboration/forks",
    roles: ["auditor", "operator"],
    request: inCollaboration,
    response: z.object({ files: z.array(z.object({ path: z.string(), base64: z.string() })) }),
  },
  recoverLog: {
    method: "POST",
    path: "/v1/collaborations/:collaboration/recovery",
    roles: ["operator"],
    request: inCollaboration,
    response: collaboration,
  },
  resumeCollaboration: {
    method: "POST",
    path: "/v1/collaborations/:collaboration/resumption",
    roles: ["steward"],
    request: inCollaboration,
    response: collaboration,
  },
} as const satisfies Record<string, Route>;
