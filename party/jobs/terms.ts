/** What a job was asked to do, as both sides signed and admitted it: for whoever looks at it later. */
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { JobDeps } from "./deps.ts";
import type { Job } from "./lifecycle.ts";
import { storedSpec } from "./stored-spec.ts";

/** Throws NOT_FOUND as long as this node has not read the spec, or when it keeps it no more. */
export async function jobTerms(deps: JobDeps, job: Job): Promise<RouteResponse<"jobTerms">> {
  const spec = await storedSpec(deps, job);
  const { document } = (await deps.agreements.require(spec.agreement)).agreement;
  const { receiverDataset, providerDataset, purpose, providerSegment = null, tagDays, labels = [], createdAt } = spec;
  return {
    agreementTitle: document.title,
    ...{ receiverDataset, providerDataset, purpose, providerSegment, tagDays, createdAt },
    purposeText: document.purposes.find(({ id }) => id === purpose)?.text ?? "",
    labels: labels.map(({ name }) => name),
  };
}
