/** The coordinator's check of a receipt: that both parties of this job signed it, and that it is about this job. */
import { keyId, verifyKeyset } from "../../proto/agreement/keyset.ts";
import type { Job } from "../../proto/codec/coordinator.ts";

import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { type VerifyingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import { parseStatement, verifyStatement } from "../../proto/evidence/statements.ts";
import type { StoredParty } from "../store/store.ts";

/** The key for specs and receipts in a party's enrolled keyset. */
export function jobsKey({ party, keyset, identityPublicKey }: StoredParty): VerifyingKey {
  const { keys } = verifyKeyset(decodeEnvelope(keyset), identityPublicKey);
  return verifyingKey(keyId(party, "jobs"), keys.jobs);
}

/** Throws WIRE_INVALID on the form, RECEIPT_MISMATCH when it is of another job, SIGNATURE_INVALID unless exactly the two
 * parties of the job signed. */
export function checkReceipt(entry: Uint8Array, job: Job, signers: readonly VerifyingKey[]): void {
  const { event, statement, envelope } = parseStatement(entry);
  if (event !== "receipt") throw new EntenteError("WIRE_INVALID", { detail: "not a receipt" });
  const { predicate } = statement;
  const isOfJob =
    predicate.job.jobId === job.jobId &&
    predicate.job.jobDigest === job.jobDigest &&
    predicate.agreementDigest === job.agreementDigest &&
    new Set([predicate.parties.receiver, predicate.parties.sender, job.requester, job.peer]).size === 2;
  if (!isOfJob) throw new EntenteError("RECEIPT_MISMATCH", { detail: "receipt of another job" });
  if (envelope.signatures.length !== signers.length)
    throw new EntenteError("SIGNATURE_INVALID", { detail: "signers of a receipt" });
  for (const signer of signers) verifyStatement(envelope, signer);
}
