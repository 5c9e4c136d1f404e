import { type Job, PAGE_SIZE } from "../../proto/codec/coordinator.ts";
import type { JobId } from "../../proto/ids.ts";
import type { Caller } from "../caller.ts";
import type { Service } from "../service.ts";

/** A page of the caller's jobs, by id. */
export async function listJobs(
  { store }: Service,
  { after = "" as JobId }: { readonly after?: JobId | undefined },
  { party }: Caller,
): Promise<readonly Job[]> {
  return store.listJobs(party, after, PAGE_SIZE);
}
