/** Many seeds, in this thread or in several. */
import "./memo.ts";
import { Worker } from "node:worker_threads";
import { makeBase } from "./base.ts";
import { planOf } from "./plan.ts";
import { runSeed, type SeedResult } from "./run.ts";

export interface SimulateOptions {
  readonly from: number;
  readonly seeds: number;
  readonly tls: boolean;
  /** 1: here. */
  readonly threads: number;
  /** Keeps every line of each seed; here only. */
  readonly wantsLines?: boolean;
}

/** Each result as it comes: in the order of the seeds with one thread. */
export async function simulate(options: SimulateOptions, onResult: (result: SeedResult) => void): Promise<void> {
  const { from, seeds, tls, threads, wantsLines = false } = options;
  const end = from + seeds;
  if (threads > 1) return inThreads(options, onResult);
  const base = await makeBase(tls);
  for (let seed = from; seed < end; seed++) onResult(await runSeed(planOf(seed, { tls }), { base, wantsLines }));
}

async function inThreads({ from, seeds, tls, threads }: SimulateOptions, onResult: (result: SeedResult) => void) {
  let next = from;
  const runners = Array.from({ length: Math.min(threads, seeds) }, async () => {
    const worker = new Worker(new URL("./thread.ts", import.meta.url), {
      workerData: { tls },
      // Most of what a simulation makes is soon forgotten.
      resourceLimits: { maxYoungGenerationSizeMb: 96 },
    });
    await new Promise<void>((resolve, reject) => {
      worker.on("error", reject);
      worker.on("message", (message: "ready" | SeedResult) => {
        if (message !== "ready") onResult(message);
        if (next < from + seeds) worker.postMessage(next++);
        else resolve();
      });
    });
    await worker.terminate();
  });
  await Promise.all(runners);
}

/** What a failing seed's report says, and how to run it again. */
export function reportOf({ seed, outcomes, problems }: SeedResult, tls: boolean): string {
  const lines = problems.map((problem) => `  ${problem}`);
  const again = `  again: npm run simulate -- --seeds 1 --from ${seed}${tls ? " --tls" : ""}`;
  return [`seed ${seed} (${outcomes.join(", ")})`, ...lines, again].join("\n");
}
