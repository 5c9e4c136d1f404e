import type { SubmitReceiptRequest, SubmittedReceipt } from "../../proto/codec/coordinator.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Caller } from "../caller.ts";
import { checkReceipt, jobsKey } from "../log/receipt.ts";
import type { Service } from "../service.ts";
import { jobOf } from "./get-job.ts";
import { enrolledParty } from "./lookup.ts";

/** Puts the receipt that both parties signed into the collaboration's log; durable when it resolves. Both parties may
 * submit it. Throws NOT_FOUND, WIRE_INVALID, SIGNATURE_INVALID, RECEIPT_MISMATCH (another job's, or another receipt than
 * the one in the log). */
export async function submitReceipt(
  service: Service,
  { jobId, envelope }: SubmitReceiptRequest,
  { party }: Caller,
): Promise<SubmittedReceipt> {
  const { store, logs } = service;
  const job = await jobOf(service, jobId, party);
  const entryDigest = digestOf(envelope);
  const known = await store.findReceipt(jobId);
  if (known === undefined) {
    const parties = [await enrolledParty(service, job.requester), await enrolledParty(service, job.peer)];
    checkReceipt(envelope, job, parties.map(jobsKey));
    await store.addReceipt(job, entryDigest, envelope);
  }
  if ((await store.findReceipt(jobId)) !== entryDigest)
    throw new EntenteError("RECEIPT_MISMATCH", { detail: "the job has another receipt" });
  await logs.flush(job.collaborationId);
  return { collaborationId: job.collaborationId, entryDigest };
}
