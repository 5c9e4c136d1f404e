/** Routes about tags. */
import * as z from "zod";
import { tagKeyField, writtenText } from "../agreement/fields.ts";
import { empty, type Route } from "./route.ts";

export const TAG_ROUTES = {
  tags: {
    method: "GET",
    path: "/v1/tags",
    roles: ["analyst"],
    request: empty,
    response: z.object({
      tags: z.array(z.object({ key: z.string(), value: z.string(), jobId: z.string(), count: z.number() })),
    }),
  },
  /** Answers with a file, not JSON. */
  exportTags: {
    method: "GET",
    path: "/v1/tags/export",
    roles: ["analyst"],
    /** The destination is committed to in the log; its text stays at this node. */
    request: z.strictObject({
      format: z.enum(["csv", "parquet"]),
      key: tagKeyField.optional(),
      destination: writtenText(200).optional(),
    }),
    response: z.never(),
  },
} as const satisfies Record<string, Route>;
