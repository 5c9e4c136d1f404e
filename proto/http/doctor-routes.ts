/** The route of the node's self-examination. */
import * as z from "zod";
import { CHECKS } from "../doctor/findings.ts";
import { empty, type Route } from "./route.ts";

export const FINDING_STATES = ["ok", "warn", "fail"] as const;

const finding = z.object({
  check: z.enum(CHECKS).describe("What was looked at."),
  subject: z
    .string()
    .nullable()
    .describe("Of several the one, as a peer's or a database's name; null where there is one."),
  state: z.enum(FINDING_STATES),
  code: z.string().describe("What is so, for programs."),
  values: z.record(z.string(), z.union([z.string(), z.number()])).describe("What the code says it of."),
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
