/** Names of what a process makes durable: what is written, not how often. */
import { basename } from "node:path";
import { parseStatement } from "../../proto/evidence/statements.ts";

/** Without numbers and ids, so that every job and every attempt has the same steps. */
function plain(name: string): string {
  return name.replace(/(-\d+)+$/, "");
}

type Args = readonly unknown[];

/** Of a party's store, by method. */
const PARTY_WRITES: Readonly<Record<string, (...args: Args) => string>> = {
  appendJobEvent: (_job, _length, event) => `event:${(event as { type: string }).type}`,
  putJobDocument: (_job, kind) => `document:${kind as string}`,
  putJobSecret: (_job, name) => `secret:${plain(name as string)}`,
  destroyJobSecrets: () => "secrets:destroyed",
  putTags: () => "tags:staged",
  publishTags: () => "tags:published",
  removeTags: () => "tags:removed",
  putWitness: () => "witness:cosigned",
  putTagDefinition: () => "tags:catalogue",
  putSetting: (key) => `setting:${(key as string).split("/")[0] as string}`,
};

/** Of the coordinator's. */
const COORDINATOR_WRITES: Readonly<Record<string, (...args: Args) => string>> = {
  appendJobEvent: (_job, event) => `event:${(event as { state: string }).state}`,
  addReceipt: () => "receipt:stored",
  removePending: () => "receipt:settled",
};

export function storeStep(of: "party" | "coordinator", method: string, args: Args): string | undefined {
  const writes = of === "party" ? PARTY_WRITES : COORDINATOR_WRITES;
  return writes[method]?.(...args);
}

/** Of a file that was written or removed; undefined for what no job has. */
export function fileStep(path: string, isRemoved: boolean): string | undefined {
  const name = basename(path);
  if (path.includes("/spool/"))
    return `file:${isRemoved ? "spool-removed" : plain(name.replace(/\.[a-z]+$/, "")) || "file"}`;
  if (name === "checkpoint" || name === "cosigned") return isRemoved ? undefined : `file:${name}`;
  if (path.includes("/tile/") && !isRemoved) return "file:tile";
  return undefined;
}

/** Of what is appended to an evidence log. */
export function entryStep(entries: readonly Uint8Array[]): string {
  return `entry:${entries.map((entry) => parseStatement(entry).event).join("+")}`;
}
