import type { Job } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { JobId, PartyId } from "../../proto/ids.ts";
import type { Caller } from "../caller.ts";
import type { Service } from "../service.ts";
import type { StoredJob } from "../store/store.ts";

/** Throws NOT_FOUND, also for other parties' jobs. */
export async function jobOf({ store }: Service, jobId: JobId, party: PartyId): Promise<StoredJob> {
  const found = await store.findJob(jobId);
  if (found === undefined || (found.requester !== party && found.peer !== party))
    throw new EntenteError("NOT_FOUND", { detail: "job" });
  return found;
}

/** A job of the caller's. Throws NOT_FOUND. */
export async function getJob(service: Service, { jobId }: { readonly jobId: JobId }, { party }: Caller): Promise<Job> {
  return jobOf(service, jobId, party);
}
