/** The route of the node's self-examination. */
import * as z from "zod";
import { empty, type Route } from "./route.ts";

export const FINDING_STATES = ["ok", "warn", "fail"] as const;

const finding = z.object({
  check: z.string().describe("What was looked at, as `disk` or `peer bureau`."),
  state: z.enum(FINDING_STATES),
  what: z.string().describe("What is so, in words."),
  why: z.string().nullable().describe("What it leads to; null when all is well."),
  fix: z.string().nullable().describe("Who has to do what; null when nothing is to be done."),
});
export type Finding = z.infer<typeof finding>;
export type FindingState = Finding["state"];

export const DOCTOR_ROUTES = {
  doctor: {
    method: "GET",
    path: "/v1/doctor",
    summary: "Examine the node",
    description:
      "Looks at runtime, disk, clock, certificates, coordinator, peers, databases, store and evidence; changes nothing.",
    roles: ["operator"],
    request: empty,
    response: z.object({ worst: z.enum(FINDING_STATES), findings: z.array(finding) }),
  },
} as const satisfies Record<string, Route>;
