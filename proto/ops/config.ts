/** `ops` of a node's or a coordinator's configuration: where health and metrics are served. */
import * as z from "zod";

export const opsForm = z.strictObject({
  host: z.string().min(1).max(253).default("127.0.0.1"),
  /** 0: a free one at every start. */
  port: z.int().min(0).max(65_535).default(0),
  /** Names beside loopback's and the address itself that it is asked by. */
  hosts: z
    .array(z.string().regex(/^[a-z0-9_.-]{1,253}$/i))
    .max(20)
    .default([]),
  /** A file with the token that metrics need, in the folder or absolute; required unless `host` is loopback. */
  tokenFile: z.string().min(1).max(4096).optional(),
});

export type OpsConfig = z.infer<typeof opsForm>;
