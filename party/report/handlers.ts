/** The API's routes on reports: what this node keeps of them, as JSON or as a file. */
import { utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { REPORT_TYPES } from "../../proto/http/file-types.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { renderReport } from "../../proto/report/render.ts";
import type { Handlers } from "../api/server.ts";
import { storedSpec } from "../jobs/stored-spec.ts";
import type { Node } from "../node.ts";

export function reportHandlers(node: Node): Pick<Handlers, "jobReport" | "jobReportFile"> {
  /** Throws NOT_FOUND, also for what was withheld, or erased when its time had come. */
  const reportOf = async (jobId: string): Promise<RouteResponse<"jobReport">> => {
    const job = await node.book.require(jobId);
    const report = job.summary?.report;
    if (report === undefined) throw new EntenteError("NOT_FOUND", { detail: "a report of this job" });
    const { receiverDataset, providerDataset } = await storedSpec(node.connected, job);
    const { peer, agreement } = job.proposed;
    const about = { jobId, peer, agreement, dataset: receiverDataset, peerDataset: providerDataset };
    return { job: { ...about, finishedAt: job.updatedAt }, report };
  };
  return {
    jobReport: ({ jobId }) => reportOf(jobId),
    jobReportFile: async ({ jobId, format, language }) => {
      const { job, report } = await reportOf(jobId);
      const bytes = utf8(renderReport({ format, language }, job, report));
      async function* stream(): AsyncGenerator<Uint8Array> {
        yield bytes;
      }
      return { contentType: REPORT_TYPES[format], fileName: `report.${format}`, stream: stream() };
    },
  };
}
