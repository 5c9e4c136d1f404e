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
    /** One of node.json's `databases`. */
    database: z.string().min(1).max(63),
    schema: sqlName.default("public"),
    table: sqlName.default("entente_tags"),
  }),
  z.strictObject({
    kind: z.literal("webhook"),
    url: z
      .url({ protocol: /^https?$/ })
      .max(2048)
      .refine((url) => !/^[^/]*\/\/[^/?#]*@/.test(url), "user names and passwords do not belong into it"),
    /** Lets tags cross a network in clear: http:// to another machine than the node's own. */
    allowPlainHttp: z.boolean().default(false),
    /** Holds `whsec_` and the key in Base64, as the Standard Webhooks specification has it. */
    secretFile: path,
    /** Events in one request at most. */
    maxEvents: z.int().min(1).max(1000).default(500),
  }),
]);

const config = {
  target: feedTarget,
  /** Only tags of these keys. */
  keys: z.array(tagKeyField).min(1).max(64).optional(),
  /** The node delivers what has changed by itself, that often. */
  everyMinutes: z.int().min(1).max(10_080).optional(),
};
export const feedConfig = z.strictObject(config);

const delivery = z.object({
  deliveryId: z.string(),
  mode: z.enum(FEED_MODES),
  state: z.enum(["running", "done", "failed"]),
  person: z.string(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  /** Tags written, and tags taken back. */
  written: z.number(),
  ended: z.number(),
  fromChange: z.number(),
  toChange: z.number(),
  code: z.string().nullable(),
});

const feed = z.object({
  name: z.string(),
  config: z.object(config),
  createdAt: z.string(),
  createdBy: z.string(),
  /** Changes that the target has not heard of. */
  behind: z.number(),
  last: delivery.nullable(),
});

export const FEED_ROUTES = {
  feeds: {
    method: "GET",
    path: "/v1/feeds",
    roles: ["analyst", "auditor", "operator"],
    request: empty,
    response: z.object({ feeds: z.array(feed) }),
  },
  addFeed: {
    method: "POST",
    path: "/v1/feeds",
    roles: ["operator"],
    request: z.strictObject({ name: feedName, ...config }),
    response: feed,
  },
  /** The node forgets the feed and its deliveries; what its target holds stays there. */
  removeFeed: {
    method: "POST",
    path: "/v1/feeds/:name/removal",
    roles: ["operator"],
    request: z.strictObject({ name: feedName }),
    response: z.object({ name: z.string() }),
  },
  /** Answers when the delivery has ended, or after some seconds while it goes on. */
  runFeed: {
    method: "POST",
    path: "/v1/feeds/:name/deliveries",
    roles: ["analyst"],
    request: z.strictObject({ name: feedName, mode: z.enum(FEED_MODES).default("since-last") }),
    response: delivery,
  },
  /** Newest first. */
  deliveries: {
    method: "GET",
    path: "/v1/feeds/:name/deliveries",
    roles: ["analyst", "auditor", "operator"],
    request: z.strictObject({ name: feedName }),
    response: z.object({ deliveries: z.array(delivery) }),
  },
} as const satisfies Record<string, Route>;
