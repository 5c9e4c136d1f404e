/** What a node hears of its peer's failure: the peer's own code where that may be said, PEER_FAILED for all else. */
import { EntenteError, type ErrorCode } from "../errors.ts";
import { RULE_CODES } from "../policy/rule-codes.ts";

/** What a peer may say of this node, the agreement or the session. All else is trouble of its own: its word must not pass
 * for a fault of this node's disk, log or link. */
const SAYABLE: readonly ErrorCode[] = [
  ...(["NOT_FOUND", "ALREADY_EXISTS", "OVERLOADED", "CANCELLED", "ATTEMPT_REPLAYED", "SESSION_MISMATCH"] as const),
  "LIMIT_EXCEEDED",
  ...([
    "WIRE_INVALID",
    "WIRE_TOO_LARGE",
    "WIRE_UNEXPECTED",
    "POINT_INVALID",
    "CIPHERTEXT_INVALID",
    "SEAL_INVALID",
  ] as const),
  ...([
    "RECEIPT_MISMATCH",
    "SIGNATURE_INVALID",
    "NORMALISER_RECEIVER_OLDER",
    "NORMALISER_PROVIDER_OLDER",
    "DATASET_CHANGED",
    "SEGMENT_CHANGED",
    "LABEL_UNFIT",
    "LOG_FORKED",
    "LOG_BEHIND",
  ] as const),
  ...(["COLLABORATION_FROZEN", "COLLABORATION_READ_ONLY"] as const),
  ...([
    "AGREEMENT_INVALID",
    "AGREEMENT_UNKNOWN",
    "AGREEMENT_UNSIGNED",
    "AGREEMENT_EXPIRED",
    "AGREEMENT_REVOKED",
    "AGREEMENT_SUPERSEDED",
    "AGREEMENT_NOT_IN_FORCE",
    "PEER_UNCONFIRMED",
  ] as const),
  ...RULE_CODES,
  ...(["POLICY_AUDIENCE", "POLICY_RESULT_FLOOR", "RELEASE_OVERDUE"] as const),
  ...(["APPROVAL_DECLINED", "APPROVAL_OVERDUE"] as const),
  "NODE_STOPPING",
];

/** What passes by itself at the peer, and is not this node's disk or rate. */
const BUSY: readonly ErrorCode[] = ["DISK_FULL", "RATE_LIMITED"];

/** Whether a peer hears the code as it is, and not as PEER_FAILED. */
export function isSayable(code: ErrorCode): boolean {
  return SAYABLE.includes(code);
}

export function peerFailure(code: ErrorCode): EntenteError {
  const detail = `the peer's node says ${code}`;
  if (BUSY.includes(code)) return new EntenteError("OVERLOADED", { detail });
  return new EntenteError(isSayable(code) ? code : "PEER_FAILED", { detail });
}
