/** Routes about feeds: where tags go, and what has gone. */
import * as z from "zod";
import { tagKeyField } from "../agreement/fields.ts";
import { empty, type Route } from "./route.ts";

export const FEED_MODES = ["full", "since-last"] as const;
const feedName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/);
/** Of PostgreSQL, quoted where it is used. */
const sqlName = z.string().regex(/^[a-z_][a-z0-9_]{0,47}$/);
const path = z.string().min(1).max(4096);

/** `folder` and `secretFile` are absolute paths on the node's machine. */
export const feedTarget = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("csv"), folder: path, forSpreadsheet: z.boolean().default(false) }),
  z.strictObject({ kind: z.literal("parquet"), folder: path }),
  z.strictObject({
    kind: z.literal("postgres"),
    database: z.string().min(1).max(63).describe("One of node.json's `databases`."),
    schema: sqlName.default("public"),
    table: sqlName.default("entente_tags"),
  }),
  z.strictObject({
    kind: z.literal("webhook"),
    url: z
      .url({ protocol: /^https?$/ })
      .max(2048)
      .refine((url) => !/^[^/]*\/\/[^/?#]*@/.test(url), "user names and passwords do not belong into it"),
    allowPlainHttp: z
      .boolean()
      .default(false)
      .describe("Lets tags cross a network in clear: http:// to another machine than the node's own."),
    secretFile: path.describe("Holds `whsec_` and the key in Base64, as the Standard Webhooks specification has it."),
    maxEvents: z.int().min(1).max(1000).default(500).describe("Events in one request at most."),
  }),
]);

const config = {
  target: feedTarget,
  keys: z.array(tagKeyField).min(1).max(64).optional().describe("Only tags of these keys."),
  everyMinutes: z
    .int()
    .min(1)
    .max(10_080)
    .optional()
    .describe("The node delivers what has changed by itself, that often."),
};
export const feedConfig = z.strictObject(config);

const delivery = z.object({
  deliveryId: z.string(),
  mode: z.enum(FEED_MODES),
  state: z.enum(["running", "done", "failed"]),
  person: z.string(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  written: z.number().describe("Tags written."),
  ended: z.number().describe("Tags taken back."),
  fromChange: z.number(),
  toChange: z.number(),
  code: z.string().nullable(),
});

const feed = z.object({
  name: z.string(),
  config: z.object(config),
  createdAt: z.string(),
  createdBy: z.string(),
  behind: z.number().describe("Changes that the target has not heard of."),
  last: delivery.nullable(),
});

export const FEED_ROUTES = {
  feeds: {
    method: "GET",
    path: "/v1/feeds",
    summary: "List the feeds",
    roles: ["analyst", "auditor", "operator"],
    request: empty,
    response: z.object({ feeds: z.array(feed) }),
  },
  addFeed: {
    method: "POST",
    path: "/v1/feeds",
    summary: "Add a feed",
    roles: ["operator"],
    request: z.strictObject({ name: feedName, ...config }),
    response: feed,
  },
  removeFeed: {
    method: "POST",
    path: "/v1/feeds/:name/removal",
    summary: "Remove a feed",
    description: "The node forgets the feed and its deliveries; what its target holds stays there.",
    roles: ["operator"],
    request: z.strictObject({ name: feedName }),
    response: z.object({ name: z.string() }),
  },
  runFeed: {
    method: "POST",
    path: "/v1/feeds/:name/deliveries",
    summary: "Deliver a feed now",
    description: "Answers when the delivery has ended, or after some seconds while it goes on.",
    roles: ["analyst"],
    request: z.strictObject({ name: feedName, mode: z.enum(FEED_MODES).default("since-last") }),
    response: delivery,
  },
  deliveries: {
    method: "GET",
    path: "/v1/feeds/:name/deliveries",
    summary: "List a feed's deliveries",
    description: "Newest first.",
    roles: ["analyst", "auditor", "operator"],
    request: z.strictObject({ name: feedName }),
    response: z.object({ deliveries: z.array(delivery) }),
  },
} as const satisfies Record<string, Route>;
