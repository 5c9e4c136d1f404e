/**
 * A million fuzz cases over every decoder: `npm run bench -- fuzz [--executions N] [--seed S] [--target NAME [--case N]]`. Cases run in a
 * worker with little memory; one that gets nowhere in ten seconds of CPU time is a hang, which the watchdog here finds. Exit 1 when there is a
 * finding; each prints the command that repeats it.
 */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { repeatCommand } from "../support/fuzz/campaign.ts";
import type { FuzzJob, FuzzMessage } from "../support/fuzz/worker.ts";

const { values } = parseArgs({
  options: {
    executions: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    target: { type: "string" },
    case: { type: "string" },
  },
  args: process.argv.slice(3),
});
const HANG_MS = 10_000;
const LOOK_MS = 500;
/** Far more than any message, and far less than what would be noticed on a server. */
const MAX_HEAP_MB = 512;

const at = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
const tally = { executions: 0, accepted: 0, refused: 0, findings: 0 };
const started = performance.now();
process.stdout.write(`seed ${values.seed}\n`);

/** Where to go on, after a case that never came back; undefined when all have been run. */
async function run(from: FuzzJob["from"]): Promise<FuzzJob["from"] | undefined> {
  const number = values.case === undefined ? undefined : Number(values.case);
  const executions = Number(values.executions);
  const workerData: FuzzJob = { seed: values.seed, executions, target: values.target, number, from, at };
  const worker = new Worker(new URL("../support/fuzz/worker.ts", import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  let [isDone, target] = [false, { index: 0, name: "" }];
  worker.on("message", (message: FuzzMessage) => {
    if (message.kind === "target") target = message;
    if (message.kind === "finding") process.stdout.write(`${message.text}\n`);
    if (message.kind === "tally") {
      for (const name of ["executions", "accepted", "refused", "findings"] as const) tally[name] += message[name];
      isDone = message.isLast;
    }
  });
  worker.on("error", (error) => process.stdout.write(`the worker is lost: ${String(error).slice(0, 300)}\n`));
  // Not of the clock: on a busy machine a thread may wait for its turn longer than any case takes.
  const cpuMs = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  let [before, since] = [-1, cpuMs()];
  const watch = setInterval(() => {
    const count = Atomics.load(at, 1);
    if (count !== before) [before, since] = [count, cpuMs()];
    else if (count > 0 && cpuMs() - since > HANG_MS) {
      process.stdout.write("a case does not end\n");
      clearInterval(watch);
      void worker.terminate();
    }
  }, LOOK_MS);
  await once(worker, "exit");
  clearInterval(watch);
  if (isDone) return undefined;
  if (target.name === "") throw new Error("no case was run");
  const lost = Atomics.load(at, 0);
  tally.findings++;
  process.stdout.write(`  ${repeatCommand(values.seed, target.name, lost)}\n`);
  return [target.index, lost + 1];
}

for (let from: FuzzJob["from"] | undefined = [0, 0]; from !== undefined; ) from = await run(from);
const seconds = (performance.now() - started) / 1000;
const rate = Math.round(tally.executions / seconds);
process.stdout.write(
  `${tally.executions} executions in ${seconds.toFixed(1)} s (${rate} a second): ${tally.accepted} accepted, ${tally.refused} refused, ${tally.findings} findings\n`,
);
process.exitCode = tally.findings === 0 ? 0 : 1;
