/** Routes about the evidence logs. */
import * as z from "zod";
import { empty, type Route } from "./route.ts";

/** A collaboration's log at this node. */
const collaboration = z.object({
  collaboration: z.string(),
  peer: z.string(),
  origin: z.string(),
  entries: z.number(),
  cosigned: z.number().describe("How many of them are under a checkpoint that the peer has cosigned."),
  state: z.enum(["open", "read-only", "forked", "frozen"]),
  advice: z.string().nullable().describe("What a person should do, when it is not open."),
});
const inCollaboration = z.strictObject({ collaboration: z.string().regex(/^[0-9a-f]{32}$/) });

export const EVIDENCE_ROUTES = {
  collaborations: {
    method: "GET",
    path: "/v1/collaborations",
    summary: "List the collaborations and their logs",
    roles: ["analyst", "steward", "auditor", "operator"],
    request: empty,
    response: z.object({ collaborations: z.array(collaboration) }),
  },
  forks: {
    method: "GET",
    path: "/v1/collaborations/:collaboration/forks",
    summary: "Checkpoints of one log that do not agree, as this node has kept them",
    roles: ["auditor", "operator"],
    request: inCollaboration,
    response: z.object({ files: z.array(z.object({ path: z.string(), base64: z.string() })) }),
  },
  recoverLog: {
    method: "POST",
    path: "/v1/collaborations/:collaboration/recovery",
    summary: "Recover a collaboration's log",
    roles: ["operator"],
    request: inCollaboration,
    response: collaboration,
  },
  resumeCollaboration: {
    method: "POST",
    path: "/v1/collaborations/:collaboration/resumption",
    summary: "Resume a collaboration after a recovery",
    roles: ["steward"],
    request: inCollaboration,
    response: collaboration,
  },
} as const satisfies Record<string, Route>;
