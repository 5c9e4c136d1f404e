/**
 * The fault matrix: `npm run fault-matrix -- [--only PROCESS[/STEP]] [--kills 1|2] [--when before|after]`. Each process is killed
 * before and after each persist of a job, once, and twice: the second time at the first step that it takes for the job after
 * its restart. Prints a table; exit 1 when a cell fails.
 */
import { parseArgs } from "node:util";
import type { Armed } from "./kill-point.ts";
import { type Cell, type Outcome, PROCESSES, World } from "./world.ts";

/** Then the logs that each cell verifies have become long. */
const CELLS_PER_WORLD = 40;

const USAGE = "usage: npm run fault-matrix -- [--only PROCESS[/STEP]] [--kills 1|2] [--when before|after]";

function asked() {
  try {
    const { values } = parseArgs({
      options: { only: { type: "string" }, kills: { type: "string" }, when: { type: "string" } },
    });
    return values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}\n`);
    process.exit(1);
  }
}

const values = asked();

function isWanted({ process, step, when, kills }: Cell): boolean {
  const [wantedProcess, ...rest] = values.only?.split("/") ?? [];
  const wantedStep = rest.join("/");
  return (
    (wantedProcess === undefined || wantedProcess === process) &&
    (wantedStep === "" || wantedStep === step) &&
    (values.kills === undefined || values.kills === String(kills)) &&
    (values.when === undefined || values.when === when)
  );
}

const COLUMNS = [
  ["before", 1],
  ["after", 1],
  ["before", 2],
  ["after", 2],
] as const satisfies readonly (readonly [Armed["when"], number])[];

function told({ ended, kills, faults, seconds }: Outcome): string {
  return `${faults.length > 0 ? "FAILED" : ended}${kills === 0 ? " (not reached)" : ""} ${seconds}s`;
}

let world = await World.start();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void world.stop().then(() => process.exit(1)));
let failing = 0;
let run = 0;
try {
  const steps = await world.steps();
  const width = Math.max(...[...steps.values()].flat().map((step) => step.length)) + 8;
  const line = (name: string, cells: readonly string[]) =>
    console.log([name.padEnd(width), ...cells.map((cell) => cell.padEnd(26))].join(" ").trimEnd());
  line(
    "process/step",
    COLUMNS.map(([when, kills]) => `${when}, ${kills} kill${kills > 1 ? "s" : ""}`),
  );
  const problems: string[] = [];
  for (const process of PROCESSES) {
    for (const step of steps.get(process) ?? []) {
      const cells = COLUMNS.map(([when, kills]): Cell => ({ process, step, when, kills }));
      if (!cells.some(isWanted)) continue;
      const row: string[] = [];
      for (const cell of cells) {
        if (!isWanted(cell)) {
          row.push("-");
          continue;
        }
        if (run > 0 && run % CELLS_PER_WORLD === 0) {
          await world.stop();
          world = await World.start();
        }
        run++;
        const outcome = await world.run(cell);
        row.push(told(outcome));
        if (outcome.faults.length === 0) continue;
        failing++;
        const again = `npm run fault-matrix -- --only ${process}/${step} --when ${cell.when} --kills ${cell.kills}`;
        problems.push(`${again}\n  ${outcome.ended}: ${outcome.faults.join("; ")}\n${await world.lastLogLines()}`);
        // The next cell begins with processes that nothing has happened to.
        await world.stop();
        world = await World.start();
      }
      line(`${process}/${step}`, row);
    }
  }
  for (const problem of problems) console.log(`\n${problem}`);
  console.log(`\n${run} cells, ${failing} failing`);
} finally {
  await world.stop();
}
process.exitCode = failing > 0 ? 1 : 0;
