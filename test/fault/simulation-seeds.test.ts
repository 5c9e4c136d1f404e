import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import type { SeedResult } from "../simulation/run.ts";
import { reportOf, simulate } from "../simulation/simulate.ts";

/** `npm run simulate` runs as many as one likes. */
const SEEDS = 100;
const TLS_SEEDS = 10;
const threads = Math.min(2, availableParallelism());

async function resultsOf(seeds: number, tls: boolean): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  await simulate({ from: 1, seeds, tls, threads }, (result) => void results.push(result));
  return results;
}

function failuresIn(results: readonly SeedResult[], tls: boolean): string[] {
  return results.filter(({ problems }) => problems.length > 0).map((result) => reportOf(result, tls));
}

test("every job ends, once and right, whatever goes wrong", { timeout: 240_000 }, async () => {
  const results = await resultsOf(SEEDS, false);
  expect(failuresIn(results, false)).toEqual([]);
  expect(results).toHaveLength(SEEDS);
  const outcomes = new Set(results.flatMap((result) => result.outcomes));
  for (const outcome of ["done", "withheld", "AGREEMENT_REVOKED", "STORAGE_FAILED"])
    expect(outcomes).toContain(outcome);
});

test("also with the sessions' TLS", { timeout: 240_000 }, async () => {
  const results = await resultsOf(TLS_SEEDS, true);
  expect(failuresIn(results, true)).toEqual([]);
  expect(results).toHaveLength(TLS_SEEDS);
});
