/**
 * `npm run simulate -- --seeds N [--from S] [--tls] [--threads T] [--trace]`: runs seeds S to S + N - 1. A seed that fails is printed
 * with what is wrong and the command that runs it again; the last line is `N seeds, F failing`, and the exit code 1 when F is not 0.
 */
import { parseArgs } from "node:util";
import { reportOf, simulate } from "./simulate.ts";

const USAGE = "usage: npm run simulate -- --seeds N [--from S] [--tls] [--threads T] [--trace]";

function options() {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "100" },
      from: { type: "string", default: "1" },
      threads: { type: "string", default: "1" },
      tls: { type: "boolean", default: false },
      trace: { type: "boolean", default: false },
    },
  });
  const [seeds, from, threads] = [values.seeds, values.from, values.threads].map(Number) as [number, number, number];
  if (![seeds, from, threads].every((n) => Number.isSafeInteger(n) && n >= 0) || seeds < 1 || threads < 1)
    throw new Error(USAGE);
  return { seeds, from, threads: values.trace ? 1 : threads, tls: values.tls, wantsLines: values.trace };
}

async function main(): Promise<number> {
  const asked = options();
  const outcomes = new Map<string, number>();
  let failing = 0;
  await simulate(asked, (result) => {
    for (const outcome of result.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    for (const line of [...result.lines, ...(asked.wantsLines ? result.log : [])]) console.log(line.trimEnd());
    if (asked.seeds === 1) console.log(`trace ${result.trace}, ${result.events} events`);
    if (result.problems.length === 0) return;
    failing++;
    console.log(reportOf(result, asked.tls));
  });
  const byNumber = [...outcomes].sort(([, a], [, b]) => b - a);
  console.log(byNumber.map(([outcome, times]) => `${outcome} ${times}`).join(", "));
  console.log(`${asked.seeds} seeds, ${failing} failing`);
  return failing === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.log((error as Error).message);
  process.exitCode = 64;
}
