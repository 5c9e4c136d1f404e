/** The job that made a report, as a reader of it is told. */
import * as z from "zod";

export const reportedJobSchema = z.strictObject({
  jobId: z.string(),
  peer: z.string(),
  dataset: z.string(),
  peerDataset: z.string(),
  /** Digest. */
  agreement: z.string(),
  /** ISO time. */
  finishedAt: z.string(),
});
export type ReportedJob = z.infer<typeof reportedJobSchema>;
