/** Errors of agreements: what ended, what is unsigned. */
import {
  type CatalogueEntry,
  entry,
  FAILED_PRECONDITION,
  INVALID_ARGUMENT,
  NOT_FOUND,
  PERMISSION_DENIED,
} from "./entry.ts";

export const AGREEMENTS = {
  AGREEMENT_INVALID: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The agreement document is not of the published form. Correct the named field.",
  ),
  AGREEMENT_UNKNOWN: entry(
    NOT_FOUND,
    404,
    "caller",
    "This node holds no agreement with that digest signed by all its parties.",
  ),
  AGREEMENT_UNSIGNED: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "The agreement does not carry every party's signature yet. The missing party signs with 'entente agreement sign'.",
  ),
  AGREEMENT_EXPIRED: entry(
    FAILED_PRECONDITION,
    403,
    "caller",
    "The agreement is no longer valid. Propose and sign a new version.",
  ),
  SIGNATURE_INVALID: entry(
    PERMISSION_DENIED,
    403,
    "peer",
    "A signature does not verify under the key that it names. The document was refused.",
  ),
  AGREEMENT_REVOKED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "One of the parties has revoked the agreement. Nothing more runs under it; make a new one if both want to go on.",
  ),
  AGREEMENT_SUPERSEDED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "A later version of the agreement is in force. Use its digest.",
  ),
  AGREEMENT_NOT_IN_FORCE: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "The peer has not said within 24 hours that the agreement is still in force. Try again when its node can be reached.",
    true,
  ),
} as const satisfies Record<string, CatalogueEntry>;
