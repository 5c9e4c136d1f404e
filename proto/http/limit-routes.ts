/** The route that shows a node's limits, and how much of each is in use. */
import * as z from "zod";
import { empty, type Route } from "./route.ts";

const shownLimit = z.object({
  /** Its field under `limits` in node.json. */
  name: z.string(),
  value: z.number(),
  unit: z.string(),
  /** As it is without a word in node.json. */
  isDefault: z.boolean(),
  /** Now, of whoever uses most where it is for each; null where nothing is counted. */
  used: z.number().nullable(),
  /** What is refused with when it is reached; null for what makes room by itself. */
  code: z.string().nullable(),
  what: z.string(),
});

export const LIMIT_ROUTES = {
  limits: {
    method: "GET",
    path: "/v1/node/limits",
    roles: ["operator"],
    request: empty,
    response: z.object({ limits: z.array(shownLimit) }),
  },
} as const satisfies Record<string, Route>;
