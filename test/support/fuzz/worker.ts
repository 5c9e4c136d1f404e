/** Runs a campaign for the bench, in a thread that can be ended from outside. */
import { parentPort, workerData } from "node:worker_threads";
import { campaign, describeFinding, type Finding, runCase, type Tally } from "./campaign.ts";
import { FUZZ_TARGETS } from "./targets/all.ts";

export interface FuzzJob {
  readonly seed: string;
  readonly executions: number;
  /** Of one target only, and of one case. */
  readonly target: string | undefined;
  readonly number: number | undefined;
  readonly from: readonly [target: number, number: number];
  /** Number of the case at hand, and how many there were: told as they begin. */
  readonly at: Int32Array;
}

export type FuzzMessage =
  | { readonly kind: "target"; readonly index: number; readonly name: string }
  | { readonly kind: "finding"; readonly text: string }
  | ({ readonly kind: "tally"; readonly findings: number; readonly isLast: boolean } & Tally);

const { seed, executions, target: only, number, from, at } = workerData as FuzzJob;
const post = (message: FuzzMessage) => parentPort?.postMessage(message);
const targets = FUZZ_TARGETS.filter(({ name }) => only === undefined || name === only);
if (targets.length === 0) throw new Error(`no target is named ${only}: names are in test/support/fuzz/targets/`);

let findings = 0;
const onFinding = (finding: Finding) => {
  findings++;
  post({ kind: "finding", text: describeFinding(finding) });
};

if (number !== undefined) {
  const outcome = await runCase({ seed, target: targets[0] as (typeof targets)[number], number });
  if (typeof outcome !== "string") {
    onFinding(outcome);
    // One case is looked at closely.
    process.stderr.write(`${outcome.thrown instanceof Error ? outcome.thrown.stack : ""}\n`);
  }
  const tally = { executions: 1, accepted: Number(outcome === "accepted"), refused: Number(outcome === "refused") };
  post({ kind: "tally", ...tally, findings, isLast: true });
} else {
  for (const [index, target] of targets.entries()) {
    if (index < from[0]) continue;
    post({ kind: "target", index, name: target.name });
    const onCase = (one: { readonly number: number }) => {
      Atomics.store(at, 0, one.number);
      Atomics.add(at, 1, 1);
    };
    const only = [index, index === from[0] ? from[1] : 0] as const;
    const tally = await campaign({ seed, targets, executions, only, onFinding, onCase });
    post({ kind: "tally", ...tally, findings, isLast: index === targets.length - 1 });
    findings = 0;
  }
}
