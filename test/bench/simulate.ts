/** `npm run bench -- simulate [SEEDS] [FROM]`: so many simulated seeds, 100,000 without a number, in as many threads as the machine has. Prints
 * what fails with the command that repeats it, then one line of JSON. Exit 1 when one failed. */
import { availableParallelism } from "node:os";
import { reportOf, simulate } from "../simulation/simulate.ts";

const [seeds = 100_000, from = 1] = process.argv.slice(3).map(Number);
const threads = availableParallelism();
const startMs = performance.now();
let failing = 0;
let events = 0;
await simulate({ from, seeds, tls: false, threads }, (result) => {
  events += result.events;
  if (result.problems.length === 0) return;
  failing++;
  console.log(reportOf(result, false));
});
const { user, system } = process.cpuUsage();
const seconds = (performance.now() - startMs) / 1000;
const cpuMs = (user + system) / 1000 / seeds;
const figures = {
  seeds,
  failing,
  threads,
  events,
  seconds: Math.round(seconds),
  cpuMsPerSeed: Number(cpuMs.toFixed(1)),
};
console.log(JSON.stringify(figures));
process.exitCode = failing === 0 ? 0 : 1;
