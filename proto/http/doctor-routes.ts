/** The route of the node's self-examination. */
import * as z from "zod";
import { empty, type Route } from "./route.ts";

export const FINDING_STATES = ["ok", "warn", "fail"] as const;

const finding = z.object({
  /** What was looked at, as `disk` or `peer bureau`. */
  check: z.string(),
  state: z.enum(FINDING_STATES),
  /** What is so, in words. */
  what: z.string(),
  /** What it leads to; null when all is well. */
  why: z.string().nullable(),
  /** Who has to do what; null when nothing is to be done. */
  fix: z.string().nullable(),
});
export type Finding = z.infer<typeof finding>;
export type FindingState = Finding["state"];

export const DOCTOR_ROUTES = {
  /** Looks at runtime, disk, clock, certificates, coordinator, peers, databases, store and evidence; changes nothing. */
  doctor: {
    method: "GET",
    path: "/v1/doctor",
    roles: ["operator"],
    request: empty,
    response: z.object({ worst: z.enum(FINDING_STATES), findings: z.array(finding) }),
  },
} as const satisfies Record<string, Route>;
