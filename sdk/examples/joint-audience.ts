/**
 * Finds the customers whom both know, and writes their tags to a file: asks what it would cost and tell first, follows the run, and says of
 * everything that can go wrong who has to do what.
 *
 *     ENTENTE_URL=http://127.0.0.1:7430 ENTENTE_TOKEN=... node sdk/examples/joint-audience.ts AGREEMENT joint.csv
 */
import { createWriteStream } from "node:fs";
import { Writable } from "node:stream";
// In a program of your own: from "entente".
import { EntenteClient, EntenteError, type Job, type RouteRequest } from "../client.ts";

const TAG = { key: "marketing:joint-audience", value: "spring", expiresInDays: 30 };

export async function jointAudience(
  client: EntenteClient,
  wish: Omit<RouteRequest<"startJob">, "operation" | "tag">,
  file: string,
): Promise<Job> {
  const request = { ...wish, operation: "audience", tag: TAG } as const;
  const { allowed, refusedBy, budget, leakStatement } = await client.call("dryRun", request);
  console.log(leakStatement.text);
  if (!allowed) throw new Error(`it would be refused: ${refusedBy?.message} Who must act: ${refusedBy?.who}`);
  if (budget !== null) console.log(`run ${budget.runsInEpoch + 1} of ${budget.runsPerEpoch}`);

  const { jobId } = await client.call("startJob", request);
  for await (const job of client.jobProgress(jobId)) {
    console.log(job.state, job.awaitsApproval ? "a steward decides first" : (job.progress?.step ?? ""));
  }
  const job = await client.call("job", { jobId });
  // Refused and failed are answers, not errors: nothing was released.
  if (job.state !== "done") throw new Error(`${job.state}: ${job.reason?.message} Who must act: ${job.reason?.who}`);
  const tags = await client.download("exportTags", { format: "csv", key: TAG.key });
  await tags.pipeTo(Writable.toWeb(createWriteStream(file)));
  return job;
}

if (import.meta.main) {
  const { ENTENTE_URL: url = "http://127.0.0.1:7430", ENTENTE_TOKEN: token } = process.env;
  const [agreement = "", file = "joint.csv"] = process.argv.slice(2);
  const wish = { agreement, dataset: "customers", peerDataset: "subscribers" };
  try {
    const { summary } = await jointAudience(new EntenteClient({ url, token }), wish, file);
    console.log(`${summary?.matched} people in ${file}`);
  } catch (error) {
    if (!(error instanceof EntenteError)) throw error;
    // Programs go by the code; the text says what to do.
    console.log(error.code === "OVERLOADED" ? `again in ${error.retryAfterSeconds} s` : error.message);
    process.exitCode = 1;
  }
}
