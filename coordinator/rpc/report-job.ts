import type { Job, JobReport } from "../../proto/codec/coordinator.ts";
import type { Caller } from "../caller.ts";
import { nextState } from "../jobs/lifecycle.ts";
import type { Service } from "../service.ts";
import { jobOf } from "./get-job.ts";
import { retried } from "./retried.ts";

/** A party says how far a job is. Throws NOT_FOUND, NOT_ALLOWED (not this role's decision), WIRE_UNEXPECTED (no such
 * transition). */
export async function reportJob(service: Service, report: JobReport, { party }: Caller): Promise<Job> {
  return retried(async () => {
    const job = await jobOf(service, report.jobId, party);
    const by = job.requester === party ? "requester" : "peer";
    const state = nextState(job.state, report.state, by);
    if (state === job.state) return job;
    const updatedAt = new Date(service.ports.clock.nowMs()).toISOString();
    const next = { ...job, state, reason: report.reason, updatedAt };
    const event = { state, by, at: updatedAt, reason: report.reason } as const;
    return (await service.store.appendJobEvent(next, event)) ? next : undefined;
  });
}
