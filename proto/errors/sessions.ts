/** Errors of sessions and of what comes over the wire. */
import {
  ABORTED,
  type CatalogueEntry,
  DATA_LOSS,
  DEADLINE_EXCEEDED,
  entry,
  INVALID_ARGUMENT,
  RESOURCE_EXHAUSTED,
  UNAVAILABLE,
} from "./entry.ts";

export const SESSIONS = {
  SESSION_RESUMED: entry(
    ABORTED,
    502,
    "peer",
    "The session was resumed or replayed; only fresh handshakes are accepted.",
  ),
  SESSION_MISMATCH: entry(
    ABORTED,
    502,
    "peer",
    "The peer signed another job, attempt, role or plan than this one. Nothing was sent.",
  ),
  ATTEMPT_REPLAYED: entry(
    ABORTED,
    409,
    "peer",
    "That attempt number was used before. A new attempt needs a higher number.",
  ),
  RELEASE_OVERDUE: entry(
    DEADLINE_EXCEEDED,
    504,
    "peer",
    "The receipt was signed, and no key was released: the two nodes did not meet within 24 hours, or the peer's job had ended before. The keys are destroyed; run the job again.",
    true,
  ),
  PEER_GONE: entry(
    UNAVAILABLE,
    502,
    "peer",
    "The peer's connection ended before the job was finished. Nothing was released; run the job again when the peer is back.",
    true,
  ),
  PEER_FAILED: entry(
    ABORTED,
    502,
    "peer",
    "The peer's node gave up for a reason of its own. Its operator finds the cause in its log; nothing was released.",
  ),
  PEER_TIMEOUT: entry(
    DEADLINE_EXCEEDED,
    504,
    "peer",
    "The peer did not answer in time. Nothing was released; ask its operator whether its node is running.",
    true,
  ),
  COORDINATOR_UNREACHABLE: entry(
    UNAVAILABLE,
    503,
    "coordinator",
    "The coordinator does not answer. Check the network, then ask its operator.",
    true,
  ),
  WIRE_INVALID: entry(
    INVALID_ARGUMENT,
    502,
    "peer",
    "A message from the other side breaks the protocol's format. The session was ended and nothing was released.",
  ),
  WIRE_TOO_LARGE: entry(
    RESOURCE_EXHAUSTED,
    502,
    "peer",
    "A message from the other side is larger than the protocol allows. The session was ended.",
  ),
  WIRE_UNEXPECTED: entry(
    ABORTED,
    502,
    "peer",
    "A message came out of order or twice. The session was ended and nothing was released.",
  ),
  POINT_INVALID: entry(
    INVALID_ARGUMENT,
    502,
    "peer",
    "The peer sent an invalid, identity or duplicate group element. The session was ended and nothing was released.",
  ),
  CIPHERTEXT_INVALID: entry(
    INVALID_ARGUMENT,
    502,
    "peer",
    "The peer sent a ciphertext of the wrong length, modulus or parameters. The session was ended and nothing was released.",
  ),
  SEAL_INVALID: entry(
    DATA_LOSS,
    502,
    "peer",
    "The gate key does not open what the peer sealed. Nothing was released; keep the evidence log.",
  ),
  RECEIPT_MISMATCH: entry(
    ABORTED,
    502,
    "peer",
    "The two nodes do not describe the job alike in the receipt. Nothing was released.",
  ),
} as const satisfies Record<string, CatalogueEntry>;
