/** The route that shows a node's limits, and how much of each is in use. */
import * as z from "zod";
import { empty, type Route } from "./route.ts";

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

export const LIMIT_ROUTES = {
  limits: {
    method: "GET",
    path: "/v1/node/limits",
    summary: "Show the node's limits and their use",
    roles: ["operator"],
    request: empty,
    response: z.object({ limits: z.array(shownLimit) }),
  },
} as const satisfies Record<string, Route>;
