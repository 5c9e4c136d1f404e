/** Errors of enrolment and identity. */
import {
  ALREADY_EXISTS,
  type CatalogueEntry,
  entry,
  FAILED_PRECONDITION,
  NOT_FOUND,
  PERMISSION_DENIED,
  UNAUTHENTICATED,
} from "./entry.ts";

export const IDENTITY = {
  INVITE_INVALID: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The invite code is damaged, unknown or expired. Ask the coordinator's operator or your peer for a new one.",
  ),
  INVITE_USED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The invite code has been used. An invite enrols one party once; ask for a new one.",
  ),
  PARTY_NAME_TAKEN: entry(
    ALREADY_EXISTS,
    409,
    "caller",
    "Another identity is enrolled under that party name. Choose another name.",
  ),
  NOT_ENROLLED: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "This node is not enrolled at a coordinator. Run 'entente enroll' with an invite code.",
  ),
  PEER_UNKNOWN: entry(
    NOT_FOUND,
    404,
    "caller",
    "No party of that name is enrolled at the coordinator, or it was revoked there. Check the name, or wait for the peer to enrol.",
  ),
  PEER_UNCONFIRMED: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The peer's identity has not been confirmed. Compare fingerprints by telephone, then run 'entente peer confirm'.",
  ),
  FINGERPRINT_MISMATCH: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The fingerprint given is not the one that the directory shows for this peer. Do not go on: tell the peer and the coordinator's operator.",
  ),
  PEER_REFUSED_IDENTITY: entry(
    PERMISSION_DENIED,
    502,
    "peer",
    "The peer closed the session before proving itself: it does not accept this node's identity. Ask it to confirm your fingerprint.",
  ),
  PEER_IDENTITY_WRONG: entry(
    UNAUTHENTICATED,
    502,
    "peer",
    "The other end of the session does not hold the key that the agreement expects. Nothing was sent.",
  ),
  CERTIFICATE_EXPIRED: entry(
    UNAUTHENTICATED,
    401,
    "operator",
    "This node was off or cut off until its certificate had expired. Ask the coordinator's operator for a new invite and run 'entente enroll': the node keeps its identity, agreements and data.",
  ),
  KEY_REQUIRED: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "The secrets in this folder are encrypted. Give their key in the file that ENTENTE_KEY_FILE names, or in ENTENTE_KEY.",
  ),
  KEY_WRONG: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "The key given is not the one that this folder's secrets are encrypted under. Nothing was changed; give the right one.",
  ),
  KEY_UNREADABLE: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "The key that encrypts secrets cannot be read from where it was said to be. Nothing was changed; mend the file or the variable.",
  ),
  KEY_UNUSED: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "A key was given, and the secrets in this folder are not encrypted. Run 'entente keys seal --dir FOLDER', or give no key.",
  ),
  CERTIFICATE_REFUSED: entry(
    UNAUTHENTICATED,
    401,
    "operator",
    "The certificate is not one that this coordinator issued to an enrolled party, or it was revoked. Enrol again.",
  ),
} as const satisfies Record<string, CatalogueEntry>;
