/** Trouble of the moment: what may be tried again. */
import { type ErrorCode, toEntenteError } from "../../proto/errors.ts";

/** Another attempt may succeed. */
export const PASSING: readonly ErrorCode[] = [
  ...(["PEER_GONE", "PEER_TIMEOUT", "COORDINATOR_UNREACHABLE", "OVERLOADED", "DISK_FULL"] as const),
  "NODE_STOPPING",
];

/**
 * After the receipt neither side is done with the job before its day is over, so more is worth another try: a peer that stops
 * within a handshake looks as if it refused, one whose disk is full fails for a reason of its own.
 */
const PASSING_LATER: readonly ErrorCode[] = [
  ...PASSING,
  ...(["CANCELLED", "PEER_REFUSED_IDENTITY", "PEER_FAILED", "STORAGE_FAILED"] as const),
  ...(["LOG_BEHIND", "COLLABORATION_READ_ONLY"] as const),
];

/** This node's own: what was being written may be there, or not. */
export function isOfDisk(error: unknown): boolean {
  const { code } = toEntenteError(error);
  return code === "STORAGE_FAILED" || code === "DISK_FULL";
}

export function mayPass(error: unknown): boolean {
  return PASSING_LATER.includes(toEntenteError(error).code);
}
