/**
 * Asks how many of a dataset's people both know, and nothing else: an aggregate, for which nobody gets a tag.
 *
 *     ENTENTE_URL=http://127.0.0.1:7430 ENTENTE_TOKEN=... node sdk/examples/match-rate.ts AGREEMENT
 */
// In a program of your own: from "entente".
import { EntenteClient } from "../client.ts";

export interface MatchRate {
  readonly people: number;
  /** A whole percent or `>85%`; undefined when it was withheld, since too few matched to tell. */
  readonly rate: string | undefined;
}

export async function matchRate(
  client: EntenteClient,
  wish: { readonly agreement: string; readonly dataset: string; readonly peerDataset: string },
): Promise<MatchRate> {
  const { jobId } = await client.call("startJob", { ...wish, operation: "audience", output: "match-rate" });
  const job = await client.waitForJob(jobId, { onProgress: ({ state }) => console.log(state) });
  if (job.state !== "done") throw new Error(`${job.state}: ${job.reason?.message} Who must act: ${job.reason?.who}`);
  return { people: job.ownRows, rate: job.summary?.matchRate };
}

if (import.meta.main) {
  const { ENTENTE_URL: url = "http://127.0.0.1:7430", ENTENTE_TOKEN: token } = process.env;
  const [agreement = ""] = process.argv.slice(2);
  const wish = { agreement, dataset: "customers", peerDataset: "subscribers" };
  const { people, rate = "too few to tell" } = await matchRate(new EntenteClient({ url, token }), wish);
  console.log(`${rate} of ${people} people`);
}
