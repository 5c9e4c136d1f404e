/**
 * `npm run simulate -- --seeds N [--from S] [--tls] [--trace]`: runs seeds S to S + N - 1. A seed that fails is printed with what is
 * wrong and the command that runs it again; the last line is `N seeds, F failing`, and the exit code 1 when F is not 0.
 */
import { parseArgs } from "node:util";
import { makeBase } from "./base.ts";
import { planOf } from "./plan.ts";
import { runSeed } from "./run.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    tls: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
  },
});

const [count, from] = [Number(values.seeds), Number(values.from)];
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(from) || from < 0) {
  console.log("usage: npm run simulate -- --seeds N [--from S] [--tls] [--trace]");
  process.exit(64);
}

const { tls, trace } = values;
const base = await makeBase(tls);
const outcomes = new Map<string, number>();
let failing = 0;
for (let seed = from; seed < from + count; seed++) {
  const result = await runSeed(planOf(seed, { tls }), { base, wantsLines: trace });
  for (const outcome of result.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  if (trace) for (const line of [...result.lines, ...result.log.map((text) => text.trimEnd())]) console.log(line);
  if (count === 1) console.log(`trace ${result.trace}, ${result.events} events`);
  if (result.problems.length === 0) continue;
  failing++;
  console.log(`seed ${seed} (${result.outcomes.join(", ")})`);
  for (const problem of result.problems) console.log(`  ${problem}`);
  console.log(`  again: npm run simulate -- --seeds 1 --from ${seed}${tls ? " --tls" : ""}`);
}
console.log(
  [...outcomes]
    .sort(([, a], [, b]) => b - a)
    .map(([outcome, times]) => `${outcome} ${times}`)
    .join(", "),
);
console.log(`${count} seeds, ${failing} failing`);
process.exit(failing === 0 ? 0 : 1);
