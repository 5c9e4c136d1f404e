/** `coordinator.json` in the coordinator's folder: written once by `initCoordinator`, edited by an operator. */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { partyName } from "../proto/agreement/fields.ts";
import { storeForm } from "../proto/database/place.ts";
import { fromUtf8, utf8 } from "../proto/encoding/bytes.ts";
import { mergePatch } from "../proto/encoding/merge-patch.ts";
import { EntenteError } from "../proto/errors.ts";
import { limitsForm } from "../proto/limits/limit.ts";
import { refusedConfig } from "../proto/limits/refused-config.ts";
import { opsForm } from "../proto/ops/config.ts";
import type { Files } from "../proto/ports/ports.ts";
import { COORDINATOR_LIMITS } from "./limits.ts";

const port = z.int().min(0).max(65_535);

const schema = z.strictObject({
  format: z.literal("entente-coordinator/1"),
  /** First part of the origin of its logs; no party may enrol under it. */
  name: partyName,
  /** The address that parties dial, and the one to listen on unless `listen` is given. */
  host: z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/),
  listen: z
    .string()
    .regex(/^[A-Za-z0-9.:-]{1,253}$/)
    .optional(),
  /** 0: a free port, chosen at every start. */
  port,
  enrolPort: port,
  /** PostgreSQL in the place of the file `coordinator.db`. */
  store: storeForm.optional(),
  /** Of the README's table; those that are not here have their default. */
  limits: limitsForm(COORDINATOR_LIMITS).prefault({}),
  /** Health, readiness and metrics; without it there is no such listener. */
  ops: opsForm.optional(),
  /** How long a coordinator that is asked to stop lets the sessions at its relay go on. */
  stopSeconds: z.int().min(0).max(3_600).default(5),
  logLevel: z.enum(["trace", "debug", "info", "warn", "error", "silent"]),
});

export type CoordinatorConfig = z.infer<typeof schema>;
/** What has a default may be left out. */
export type WrittenConfig = z.input<typeof schema>;

function configPath(folder: string): string {
  return join(folder, "coordinator.json");
}

/** Throws BAD_REQUEST and names the field. */
export function checkConfig(value: unknown): CoordinatorConfig {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw refusedConfig("coordinator.json", parsed.error);
}

/** Throws NOT_FOUND when the folder holds no coordinator, BAD_REQUEST when its configuration is malformed. */
export async function readConfig(files: Files, folder: string): Promise<CoordinatorConfig> {
  return checkConfig(await readJson(files, folder));
}

/** Whether there is one. */
export async function hasConfig(files: Files, folder: string): Promise<boolean> {
  return (await files.read(configPath(folder))) !== undefined;
}

async function readJson(files: Files, folder: string): Promise<unknown> {
  const bytes = await files.read(configPath(folder));
  if (bytes === undefined) throw new EntenteError("NOT_FOUND", { detail: "coordinator.json" });
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (cause) {
    throw new EntenteError("BAD_REQUEST", { detail: "coordinator.json is not JSON", cause });
  }
}

/** `settings`: a JSON merge patch (RFC 7396) of what the file says. Writes only what differs. Throws as `readConfig`; nothing has changed
 * then, and BAD_REQUEST for another name, which its keys and logs have. */
export async function changeConfig(files: Files, folder: string, settings: unknown): Promise<void> {
  const before = await readJson(files, folder);
  const after = mergePatch(before, settings);
  if (checkConfig(after).name !== checkConfig(before).name)
    throw new EntenteError("BAD_REQUEST", { detail: "coordinator.json: name: a coordinator keeps its name" });
  if (isDeepStrictEqual(before, after)) return;
  await files.writeDurable(configPath(folder), utf8(`${JSON.stringify(after, null, 2)}\n`));
}

/** Throws ALREADY_EXISTS: a folder is initialised once. */
export async function writeConfig(files: Files, folder: string, config: WrittenConfig): Promise<void> {
  if (await hasConfig(files, folder)) throw new EntenteError("ALREADY_EXISTS", { detail: "coordinator.json" });
  await files.writeDurable(configPath(folder), utf8(`${JSON.stringify(checkConfig(config), null, 2)}\n`));
}
