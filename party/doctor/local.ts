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

function mb(bytes: number): string {
  return `${Math.floor(bytes / MB).toLocaleString("en")} MB`;
}

export async function examineRuntime(machine: Machine, need?: Need): Promise<Finding[]> {
  const { nodeVersion, architecture } = machine;
  const check = "runtime";
  const found: Finding[] = [];
  if (Number.parseInt(nodeVersion, 10) < MIN_NODE_MAJOR)
    found.push(
      failed(check, {
        what: `Node ${nodeVersion}`,
        why: `this version of entente needs Node ${MIN_NODE_MAJOR} or newer`,
        fix: `Install Node ${MIN_NODE_MAJOR}, or start the node by 'entente', which brings its own.`,
      }),
    );
  if (architecture !== "x64" && architecture !== "arm64")
    found.push(
      warned(check, {
        what: `architecture ${architecture}`,
        why: "it is tested on x64 and arm64 only",
        fix: "Run it on one of those.",
      }),
    );
  const flags = await machine.cpuFlags();
  if (flags !== undefined && !flags.includes("aes"))
    found.push(
      warned(check, {
        what: "the processor has no instructions for AES, or hides them",
        why: "sessions, spills and the protocols take several times as long",
        fix: "Let the virtual machine see the host's processor ('host' model), or use another machine.",
      }),
    );
  const memory = machine.memoryLimitBytes();
  const needed = need === undefined ? 0 : need.memoryMB * MB;
  const trouble = {
    what: `${mb(memory)} of memory`,
    why:
      needed > memory
        ? `a job over the largest dataset here takes about ${mb(needed)}`
        : "a job of a million people takes about 450 MB",
    fix: "Give the machine, or the container, more memory.",
  };
  if (memory < LEAST_MEMORY) found.push(failed(check, trouble));
  else if (memory < Math.max(GOOD_MEMORY, needed)) found.push(warned(check, trouble));
  return found.length > 0 ? found : [fine(check, `Node ${nodeVersion} on ${architecture}, ${mb(memory)} of memory`)];
}

const DISK_REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  EROFS: "the disk is mounted read-only",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  ENOENT: "the folder is not there",
};

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
    syncMs = await machine.tryDisk(folder);
  } catch (error) {
    const code = codeOf(error);
    const why = `${DISK_REASONS[code] ?? "writing failed"} (${code}); nothing durable can be done`;
    const fix =
      "Free or mend the disk, or give the node's folder back to the user who runs it. Then start the node again.";
    return [failed(check, { what: `${folder} cannot be written`, why, fix })];
  }
  const found: Finding[] = [];
  const free = await machine.freeDiskBytes(folder);
  const needed = need === undefined ? 0 : need.diskMB * MB;
  const fix = "Free some, or move the node's folder to a larger disk.";
  if (free < keptBytes)
    found.push(
      failed(check, {
        what: `${mb(free)} free, of which ${mb(keptBytes)} are kept for what runs`,
        why: "new work is refused: DISK_FULL",
        fix: `${fix} Work is taken again by itself.`,
      }),
    );
  else if (free < needed)
    found.push(
      failed(check, {
        what: `${mb(free)} free`,
        why: `a job over the largest dataset here takes about ${mb(needed)}`,
        fix,
      }),
    );
  else if (free < 2 * needed)
    found.push(
      warned(check, { what: `${mb(free)} free`, why: "two jobs over the largest dataset here do not fit", fix }),
    );
  const mode = await machine.modeOf(folder);
  if ((mode & 0o077) !== 0)
    found.push(
      warned(check, {
        what: `${folder} may be read by other users of this machine (mode ${mode.toString(8)})`,
        why: "it holds keys and people's ids; the files themselves are closed, their names and sizes are not",
        fix: `chmod 700 ${folder}`,
      }),
    );
  if (syncMs > SLOW_SYNC_MS)
    found.push(
      warned(check, {
        what: `syncing a small file took ${Math.round(syncMs)} ms`,
        why: "every step of a job is synced: jobs will be slow",
        fix: "Use a local disk, not a network share, or find what else keeps it busy.",
      }),
    );
  return found.length > 0 ? found : [fine(check, `${mb(free)} free, written and synced in ${Math.ceil(syncMs)} ms`)];
}

export async function examineStore(machine: Machine, folder: string, file: string): Promise<Finding[]> {
  const lines = await machine.checkStore(join(folder, file));
  if (lines.length === 1 && lines[0] === "ok") return [fine("store", "whole, by SQLite's quick check")];
  return [
    failed("store", {
      what: `SQLite finds ${lines.length === 10 ? "ten or more" : lines.length} faults in ${file}`,
      why: "jobs, tags and budgets may be lost or wrong",
      fix: "Stop the node, keep a copy of its folder, and put the newest backup back; its peers are then asked what it has missed.",
    }),
  ];
}

/** Whether the node's keys are encrypted where they lie, and whether the recovery key lies beside them. */
export async function examineKeys(files: Pick<Files, "read">, folder: string): Promise<Finding[]> {
  const check = "keys";
  const state = await sealingState(files, folder);
  const recovery =
    (await files.read(join(folder, RECOVERY_KEY_FILE))) === undefined
      ? []
      : [
          warned(check, {
            what: `${RECOVERY_KEY_FILE} is in the node's folder`,
            why: "who gets the folder can put another identity in the place of this one",
            fix: "Move it offline, and delete it here.",
          }),
        ];
  if (state === "sealed") return [fine(check, "encrypted under the operator's key"), ...recovery];
  const trouble = {
    what: "the node's keys are not encrypted",
    why: "who gets a copy of the folder, as from a backup, can speak for this party",
    fix: "Stop the node, then: entente keys seal --dir FOLDER --key-file FILE, with a file outside of the folder.",
  };
  return [warned(check, trouble), ...recovery];
}
