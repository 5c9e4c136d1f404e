import type { CreateJobRequest, Job } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Caller } from "../caller.ts";
import { refusal } from "../limits.ts";
import { requireRunning, type Service } from "../service.ts";
import type { StoredJob } from "../store/store.ts";
import { retried } from "./retried.ts";

/** Notes a job that the caller asks of a peer; the same request again changes nothing. Throws AGREEMENT_UNKNOWN,
 * AGREEMENT_REVOKED, BAD_REQUEST (the peer is no party of it), ALREADY_EXISTS, LIMIT_EXCEEDED, DISK_FULL. */
export async function createJob(service: Service, request: CreateJobRequest, { party }: Caller): Promise<Job> {
  const { store, limits, ports } = service;
  requireRunning(service);
  const { jobId, agreementDigest, peer, jobDigest } = request;
  const agreement = await store.findAgreement(agreementDigest);
  if (!agreement?.parties.includes(party)) throw new EntenteError("AGREEMENT_UNKNOWN");
  if (peer === party || !agreement.parties.includes(peer)) throw new EntenteError("BAD_REQUEST", { detail: "peer" });
  return retried(async () => {
    const known = await store.findJob(jobId);
    if (known !== undefined) return requireSame(known, request, party);
    await service.room.require();
    if (agreement.state === "revoked") throw new EntenteError("AGREEMENT_REVOKED");
    if ((await store.countJobs(party)) >= limits.jobsPerParty) throw refusal(limits, "jobsPerParty");
    const job: StoredJob = {
      jobId,
      agreementDigest,
      collaborationId: agreement.collaborationId,
      requester: party,
      peer,
      jobDigest,
      state: "proposed",
      updatedAt: new Date(ports.clock.nowMs()).toISOString(),
      revision: 0,
    };
    const event = { state: job.state, by: "requester", at: job.updatedAt } as const;
    return (await store.appendJobEvent(job, event)) ? job : undefined;
  });
}

function requireSame(known: StoredJob, request: CreateJobRequest, requester: string): StoredJob {
  const isSame =
    known.requester === requester &&
    known.peer === request.peer &&
    known.agreementDigest === request.agreementDigest &&
    known.jobDigest === request.jobDigest;
  if (!isSame) throw new EntenteError("ALREADY_EXISTS", { detail: "job id" });
  return known;
}
