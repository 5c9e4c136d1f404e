/**
 * What it costs to bring a file's ids in, as a job does: read, normalise, hash, quantise all numeric columns to int16 as
 * `score` does, write encrypted partitions, and load each of them once.
 * And tags: as many issued and upserted into PostgreSQL, whose server's own CPU is not in `cpuS`.
 * `npm run bench -- ingest [--rows N] [--features K] [--tags N] [--register] [--folder DIR]`: one line of JSON for each case, each in
 * a process of its own, so that the peak of its memory is its own. Making and registering the files is not counted; with
 * `--register` registering is a case too.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import type { DatasetRegistration } from "../../party/data/dataset.ts";
import { inspectDataset } from "../../party/data/inspect.ts";
import { prepareInput } from "../../party/data/prepare.ts";
import { MAX_AUDIENCE_ROWS, partitionPlan } from "../../party/protocols/plan.ts";
import { datasetName } from "../../proto/ids.ts";
import { storedValue, type ViewColumn } from "../../proto/model/partner-view.ts";
import { sizeClassOf } from "../../proto/size-class.ts";
import { TagsBench } from "../support/tags-bench.ts";

const FORMATS = ["parquet", "csv"] as const;
type Format = (typeof FORMATS)[number];

const { values } = parseArgs({
  args: process.argv.slice(process.argv[2] === "ingest" ? 3 : 2),
  options: {
    rows: { type: "string", default: "10000000" },
    features: { type: "string", default: "20" },
    tags: { type: "string", default: "1000000" },
    register: { type: "boolean", default: false },
    folder: { type: "string" },
    step: { type: "string" },
  },
});
const rows = Number(values.rows);
const tags = Number(values.tags);
const features = Array.from({ length: Number(values.features) }, (_, j) => `f${j}`);
const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };

/** Distinct mainland mobile numbers, one in three with a prefix or separators, in an order that compresses badly. */
async function make(folder: string): Promise<void> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  const connection = await instance.connect();
  const columns = features.map((name, j) => `, ((i * ${2 * j + 3}) % 1000) / 8 AS ${name}`).join("");
  const table = `SELECT (CASE i % 12 WHEN 0 THEN '+86' WHEN 1 THEN '+86 ' WHEN 2 THEN '0086-' WHEN 3 THEN '86' ELSE '' END)
    || (13000000000 + (i * 2654435761) % 6999999989)::VARCHAR AS phone ${columns} FROM range(${rows}) t(i)`;
  await connection.run(`COPY (${table}) TO '${join(folder, "ids.parquet")}' (FORMAT parquet, COMPRESSION zstd)`);
  await connection.run(`COPY (${table}) TO '${join(folder, "ids.csv")}' (FORMAT csv, HEADER true)`);
  connection.closeSync();
  instance.closeSync();
}

async function register(folder: string, format: Format): Promise<void> {
  const registration = await inspectDataset({
    name: datasetName("ids"),
    path: join(folder, `ids.${format}`),
    ids: [{ column: "phone", normaliser: "phone-e164" }],
    quarantinePath: join(folder, `quarantine-${format}.jsonl`),
    spill: { folder, key: random.bytes(32), random },
  });
  writeFileSync(join(folder, `${format}.json`), JSON.stringify(registration));
}

/** Of a provider's column, as `providerInput` has it. */
function quantiserOf(column: string): (value: number) => number {
  const shown: ViewColumn = { kind: "number", column, standardise: { mean: 62, sd: 36 }, clip: [-8, 8], missing: 0 };
  return (value) => storedValue(shown, Number.isNaN(value) ? null : value);
}

async function ingest(folder: string, format: Format): Promise<void> {
  const registration = JSON.parse(readFileSync(join(folder, `${format}.json`), "utf8")) as DatasetRegistration;
  const own = sizeClassOf(registration.accepted);
  const { partitions } = partitionPlan({ receiverClass: own, senderClass: own, maxRows: MAX_AUDIENCE_ROWS });
  const input = await prepareInput(registration, {
    jobKey: random.bytes(32),
    columns: features.map((name) => ({ name, quantise: quantiserOf(name) })),
    partitions,
    withSubjects: true,
    spill: { folder, key: random.bytes(32), random },
  });
  let loaded = 0;
  for (let partition = 0; partition < partitions; partition++) loaded += (await input.rows(partition)).rowIndex.length;
  if (loaded !== registration.accepted) throw new Error(`${loaded} rows loaded of ${registration.accepted}`);
  await input.destroy();
}

/** The peak of this program: `maxRSS` also holds the parent's memory at the time of the fork. */
function peakRssMB(): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Math.round(Number(kilobytes ?? process.resourceUsage().maxRSS) / 1024);
}

async function measured(name: string, rows: number, work: () => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (s: number) => Number(s.toFixed(2));
  const wallS = seconds((performance.now() - startedMs) / 1000);
  console.log(
    JSON.stringify({ case: name, rows, cpuS: seconds((user + system) / 1e6), wallS, peakRssMB: peakRssMB() }),
  );
}

async function issueTags(): Promise<void> {
  const bench = await TagsBench.start();
  if (bench === undefined) return;
  try {
    await measured("tags", tags, () => bench.run(tags));
  } finally {
    await bench.stop();
  }
}

function child(folder: string, step: string): string {
  const sizes = ["--rows", values.rows, "--features", values.features, "--tags", values.tags];
  const args = [...sizes, "--folder", folder, "--step", step];
  const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`step ${step} failed`);
  return stdout;
}

if (values.step !== undefined && values.folder !== undefined) {
  const { step, folder } = values;
  const format = FORMATS.find((one) => step.endsWith(one)) ?? "parquet";
  if (step === "make") await make(folder);
  else if (step === "tags") await issueTags();
  else if (step.startsWith("register ")) await measured(step, rows, () => register(folder, format));
  else await measured(step, rows, () => ingest(folder, format));
} else {
  const folder = await mkdtemp(join(values.folder ?? tmpdir(), "entente-ingest-"));
  try {
    child(folder, "make");
    for (const format of FORMATS) {
      const registered = child(folder, `register ${format}`);
      if (values.register) process.stdout.write(registered);
      process.stdout.write(child(folder, format));
    }
    process.stdout.write(child(folder, "tags"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
