/** What can be looked at without a running node: runtime, disk, store. */
import { join } from "node:path";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import { sealingState } from "../../proto/keys/sealed-folder.ts";
import type { Files } from "../../proto/ports/ports.ts";
import { RECOVERY_KEY_FILE } from "../store/key-files.ts";
import { MIN_NODE_MAJOR } from "../version.ts";
import { failed, fine, warned } from "./finding.ts";
import type { Machine } from "./machine.ts";

const MB = 1e6;
/** Below the first no job of any size fits; below the second one partition of an audience does not. */
const LEAST_MEMORY = 400 * MB;
const GOOD_MEMORY = 1_100 * MB;
/** Below the first logs and evidence soon cannot be written. */
const LEAST_DISK = 200 * MB;
const SLOW_SYNC_MS = 500;

/** What the largest registered dataset needs, by `data/estimate.ts`. */
export interface Need {
  readonly memoryMB: number;
  readonly diskMB: number;
}

export async function examineRuntime(machine: Machine, need?: Need): Promise<Finding[]> {
  const { nodeVersion: version, architecture } = machine;
  const check = "runtime";
  const found: Finding[] = [];
  if (Number.parseInt(version, 10) < MIN_NODE_MAJOR)
    found.push(failed(check, "runtime-old", { version, needed: MIN_NODE_MAJOR }));
  if (architecture !== "x64" && architecture !== "arm64")
    found.push(warned(check, "architecture-untested", { architecture }));
  const flags = await machine.cpuFlags();
  if (flags !== undefined && !flags.includes("aes")) found.push(warned(check, "aes-missing", {}));
  const bytes = machine.memoryLimitBytes();
  const neededBytes = need === undefined ? 0 : need.memoryMB * MB;
  const say = bytes < LEAST_MEMORY ? failed : warned;
  if (neededBytes > bytes) found.push(say(check, "memory-below-job", { bytes, neededBytes }));
  else if (bytes < GOOD_MEMORY) found.push(say(check, "memory-small", { bytes }));
  return found.length > 0 ? found : [fine(check, "runtime-fine", { version, architecture, bytes })];
}

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "no reason given";
}

/** `folder`: the node's. `keptBytes`: below which it takes no new work. */
export async function examineDisk(
  machine: Machine,
  folder: string,
  need?: Need,
  keptBytes = LEAST_DISK,
): Promise<Finding[]> {
  const check = "disk";
  let syncMs: number;
  try {
    syncMs = Math.ceil(await machine.tryDisk(folder));
  } catch (error) {
    return [failed(check, "disk-unwritable", { folder, reason: codeOf(error) })];
  }
  const found: Finding[] = [];
  const freeBytes = await machine.freeDiskBytes(folder);
  const neededBytes = need === undefined ? 0 : need.diskMB * MB;
  if (freeBytes < keptBytes) found.push(failed(check, "disk-room-kept", { freeBytes, keptBytes }));
  else if (freeBytes < neededBytes) found.push(failed(check, "disk-below-job", { freeBytes, neededBytes }));
  else if (freeBytes < 2 * neededBytes) found.push(warned(check, "disk-below-two-jobs", { freeBytes }));
  const mode = await machine.modeOf(folder);
  if ((mode & 0o077) !== 0) found.push(warned(check, "folder-open", { folder, mode: mode.toString(8) }));
  if (syncMs > SLOW_SYNC_MS) found.push(warned(check, "disk-slow", { syncMs }));
  return found.length > 0 ? found : [fine(check, "disk-fine", { freeBytes, syncMs })];
}

export async function examineStore(machine: Machine, folder: string, file: string): Promise<Finding[]> {
  const lines = await machine.checkStore(join(folder, file));
  if (lines.length === 1 && lines[0] === "ok") return [fine("store", "store-whole", {})];
  return [failed("store", "store-damaged", { faults: lines.length, file })];
}

/** Whether the node's keys are encrypted where they lie, and whether the recovery key lies beside them. */
export async function examineKeys(files: Pick<Files, "read">, folder: string): Promise<Finding[]> {
  const state = await sealingState(files, folder);
  const file = RECOVERY_KEY_FILE;
  const isHere = (await files.read(join(folder, file))) !== undefined;
  return [
    state === "sealed" ? fine("keys", "keys-sealed", {}) : warned("keys", "keys-plain", {}),
    ...(isHere ? [warned("keys", "recovery-key-here", { file })] : []),
  ];
}
