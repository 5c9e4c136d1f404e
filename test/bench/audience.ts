/**
 * `npm run bench -- audience [--rows N] [--protocol NAME]`: two Parquet files to issued tags, through three real
 * processes with TLS and relay. Prints one JSON line for the job and one per process. Making the files, registering and
 * agreeing are not counted.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { agree, demoAgreement, registerBoth, runJob } from "../support/demo-agreement.ts";
import { makeSynthetic } from "../support/synthetic.ts";
import { Trio } from "../support/trio.ts";

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { rows: { type: "string", default: String(2 ** 20) }, protocol: { type: "string", default: "psi-vole" } },
});
const rows = Number(values.rows);

interface Usage {
  readonly cpuS: number;
  readonly peakRssMB: number;
}

const TICKS_PER_SECOND = 100;

/** CPU seconds so far and peak resident set, by the operating system. */
async function usage(pid: number): Promise<Usage> {
  const stat = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1] as string;
  const [user, system] = stat.split(" ").slice(11, 13).map(Number) as [number, number];
  const peak = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "utf8"));
  return { cpuS: (user + system) / TICKS_PER_SECOND, peakRssMB: Math.round(Number(peak?.[1]) / 1024) };
}

const folder = await mkdtemp(join(tmpdir(), "entente-bench-"));
const trio = await Trio.start();
try {
  await registerBoth(trio, await makeSynthetic(folder, rows));
  const operations = (demoAgreement().operations as object[]).map((operation) => ({
    ...operation,
    protocol: values.protocol,
  }));
  const agreement = await agree(trio, demoAgreement({ operations }));
  const names = ["hub", "bank", "bureau"] as const;
  const before = await Promise.all(names.map((name) => usage(trio.pid(name))));
  const startMs = performance.now();
  const job = await runJob(trio, { operation: "audience", agreement, tag: { key: "bench:audience", value: "yes" } });
  const wallS = (performance.now() - startMs) / 1000;
  const after = await Promise.all(names.map((name) => usage(trio.pid(name))));
  const { matched, bytesSent = 0, bytesReceived = 0 } = job.summary ?? {};
  const figures = {
    rows,
    protocol: values.protocol,
    state: job.state,
    matched,
    wallS,
    bytes: bytesSent + bytesReceived,
  };
  console.log(JSON.stringify({ ...figures, wallS: Number(wallS.toFixed(2)) }));
  for (const [i, process] of names.entries()) {
    const { cpuS, peakRssMB } = after[i] as Usage;
    console.log(JSON.stringify({ process, cpuS: Number((cpuS - (before[i] as Usage).cpuS).toFixed(2)), peakRssMB }));
  }
} finally {
  await trio.stop();
  await rm(folder, { recursive: true, force: true });
}
