/** `node.json` of a node's folder: what an operator may set. Unknown fields are refused, so that a typing error is seen. */
import { isAbsolute, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { partyName } from "../proto/agreement/fields.ts";
import { storeForm } from "../proto/database/place.ts";
import { fromUtf8, utf8 } from "../proto/encoding/bytes.ts";
import { mergePatch } from "../proto/encoding/merge-patch.ts";
import { EntenteError } from "../proto/errors.ts";
import { Secret } from "../proto/keys/secret.ts";
import { limitsForm } from "../proto/limits/limit.ts";
import { NODE_LIMITS } from "../proto/limits/node-limits.ts";
import { refusedConfig } from "../proto/limits/refused-config.ts";
import { opsForm } from "../proto/ops/config.ts";
import type { Files } from "../proto/ports/ports.ts";
import { DATABASE_USES } from "./databases/databases.ts";
import { signInForm } from "./sign-in/config.ts";

const secretText = z
  .string()
  .min(1)
  .max(4096)
  .transform((text) => new Secret(text));

const schema = z.strictObject({
  format: z.literal("entente-node/1"),
  party: partyName,
  /** For this organisation's own users. Port 0: a free one at every start. */
  api: z.strictObject({
    host: z.string().min(1).max(253),
    port: z.int().min(0).max(65535),
    /** Names beside loopback's that users call it by, as that of a proxy with TLS; requests for any other are refused. */
    hosts: z
      .array(z.string().regex(/^[a-z0-9_.-]{1,253}$/i))
      .max(20)
      .optional(),
  }),
  /** With the organisation's own accounts, beside by token. */
  signIn: signInForm.optional(),
  /** Connections with peers beside the relay; off without it. */
  direct: z
    .strictObject({
      /** Where this node takes them. */
      listen: z.strictObject({ host: z.string().min(1).max(253), port: z.int().min(0).max(65535) }).optional(),
      /** What peers are told to dial, when it is not `listen`. */
      address: z.strictObject({ host: z.string().min(1).max(253), port: z.int().min(1).max(65535) }).optional(),
      /** Peers whose addresses this node dials, as they say them. */
      dial: z.array(partyName).max(1_000).default([]),
    })
    .optional(),
  /** PostgreSQL in the place of the file `node.db`. */
  store: storeForm.optional(),
  /** PostgreSQL connections by name, for datasets and feeds; the secret is better in a file of its own. */
  databases: z
    .record(
      z.string().regex(/^[a-z][a-z0-9-]{0,62}$/),
      z.union([
        z.strictObject({ urlFile: z.string().min(1).max(4096), use: z.enum(DATABASE_USES).optional() }),
        z.strictObject({ url: secretText, use: z.enum(DATABASE_USES).optional() }),
      ]),
    )
    .default({}),
  /** Absolute: data files are read from these and what is in them; without it from anywhere but the node's own folder. */
  dataFolders: z.array(z.string().max(4096).refine(isAbsolute, "not absolute")).max(100).optional(),
  /** Of `party/limits/README.md`; those that are not here have their default. */
  limits: limitsForm(NODE_LIMITS).prefault({}),
  /** Health, readiness and metrics, for this machine's monitoring unless told otherwise. */
  ops: opsForm.prefault({}),
  /** How long a node that is asked to stop lets the partition at hand and requests go on. */
  stopSeconds: z.int().min(0).max(3_600).default(25),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
});

export type NodeConfig = z.infer<typeof schema>;
/** What has a default may be left out. */
export type WrittenConfig = z.input<typeof schema>;

const FILE = "node.json";

/** Throws NOT_FOUND when the folder holds no node, BAD_REQUEST naming the field. */
export async function readConfig(files: Files, folder: string): Promise<NodeConfig> {
  return checkConfig(await readJson(files, folder));
}

/** Whether there is one. */
export async function hasConfig(files: Files, folder: string): Promise<boolean> {
  return (await files.read(join(folder, FILE))) !== undefined;
}

async function readJson(files: Files, folder: string): Promise<unknown> {
  const bytes = await files.read(join(folder, FILE));
  if (bytes === undefined) throw new EntenteError("NOT_FOUND", { detail: "node.json: run 'entente init' first" });
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw new EntenteError("BAD_REQUEST", { detail: "node.json is not JSON", cause });
  }
}

/** Throws BAD_REQUEST naming the field. */
export function checkConfig(value: unknown): NodeConfig {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw refusedConfig(FILE, parsed.error);
  return parsed.data;
}

/** `settings`: a JSON merge patch (RFC 7396) of what the file says. Writes only what differs. Throws as `readConfig`; nothing has changed
 * then, and BAD_REQUEST for another party's name. */
export async function changeConfig(files: Files, folder: string, settings: unknown): Promise<void> {
  const before = await readJson(files, folder);
  const after = mergePatch(before, settings);
  if (checkConfig(after).party !== checkConfig(before).party)
    throw new EntenteError("BAD_REQUEST", { detail: "node.json: party: a node keeps its name" });
  if (isDeepStrictEqual(before, after)) return;
  await files.writeDurable(join(folder, FILE), utf8(`${JSON.stringify(after, null, 2)}\n`));
}

/** Throws ALREADY_EXISTS: a node's folder is never overwritten. */
export async function writeConfig(files: Files, folder: string, config: WrittenConfig): Promise<void> {
  if (await hasConfig(files, folder)) throw new EntenteError("ALREADY_EXISTS", { detail: "node.json" });
  const { databases = {} } = config;
  // As they were given: what was read holds its secrets so that nothing prints them.
  const text = JSON.stringify({ ...schema.parse(config), databases }, null, 2);
  await files.writeDurable(join(folder, FILE), utf8(`${text}\n`));
}

/** Says that a database's URL is in that file of the folder, and no longer in `node.json`. */
export async function moveDatabaseUrl(files: Files, folder: string, name: string, urlFile: string): Promise<void> {
  const bytes = await files.read(join(folder, FILE));
  const config = JSON.parse(fromUtf8(bytes ?? new Uint8Array())) as { databases: Record<string, { url?: string }> };
  const { url: _, ...rest } = config.databases[name] ?? {};
  const databases = { ...config.databases, [name]: { ...rest, urlFile } };
  await files.writeDurable(join(folder, FILE), utf8(`${JSON.stringify({ ...config, databases }, null, 2)}\n`));
}
