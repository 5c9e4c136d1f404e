/**
 * The worked example: three processes on this machine, real data, from enrolment to verified evidence.
 *
 *     npm run demo                       a table for people
 *     npm run demo -- --json FILE        the figures for programs, too
 *     npm run demo -- --keep             leave it running and look around
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import type { Job } from "../../sdk/client.ts";
import {
  areaUnderCurve,
  bankOnlyScore,
  isHoldout,
  type Person,
  plainScore,
  pooledPeople,
  RISK_MODEL,
} from "../support/credit.ts";
import { agree, registerBoth, runJob } from "../support/demo-agreement.ts";
import { cliJson, Trio } from "../support/trio.ts";

const { values: options } = parseArgs({
  options: { json: { type: "string" }, keep: { type: "boolean", default: false } },
});

const startedMs = performance.now();
const seconds = () => (performance.now() - startedMs) / 1000;
const say = (text: string) => console.log(`${seconds().toFixed(1).padStart(6)} s  ${text}`);

interface ExportedTag {
  readonly subject: string;
  readonly key: string;
  readonly value: string;
  readonly score: string;
}

function requireDone(job: Job): Job {
  if (job.state !== "done" || job.withheld)
    throw new Error(`job ${job.operation} ended ${job.state}: ${job.reason?.code ?? "withheld"}`);
  return job;
}

async function exportedTags(trio: Trio, key: string): Promise<ExportedTag[]> {
  const file = join(trio.folder, `${key.replace(":", "-")}.csv`);
  await cliJson("--node", trio.dir("bank"), "tags", "export", "--format", "csv", "--key", key, "--out", file);
  const [header, ...lines] = (await readFile(file, "utf8")).trimEnd().split("\r\n");
  const names = (header as string).split(",");
  return lines.map(
    (line) => Object.fromEntries(line.split(",").map((cell, i) => [names[i], cell])) as unknown as ExportedTag,
  );
}

/** Against the pooled data that no real party has. */
async function compare(audience: readonly ExportedTag[], scored: readonly ExportedTag[]) {
  const people = await pooledPeople();
  const wrong = audience.filter((tag) => !people.has(tag.subject)).length;
  let maxError = 0;
  const held: { person: Person; score: number }[] = [];
  for (const tag of scored) {
    const person = people.get(tag.subject);
    if (person === undefined) throw new Error("a score for somebody who is not in both files");
    const score = Number(tag.score);
    maxError = Math.max(maxError, Math.abs(score - plainScore(person)));
    if (isHoldout(person)) held.push({ person, score });
  }
  const auc = (score: (item: (typeof held)[number]) => number) =>
    areaUnderCurve(held.map((item) => ({ score: score(item), positive: item.person.own.defaulted === 1 })));
  return {
    intersection: audience.length - wrong,
    expectedIntersection: people.size,
    scoreMaxAbsError: maxError,
    aucBank: auc(({ person }) => bankOnlyScore(person)),
    aucJoint: auc(({ score }) => score),
  };
}

async function auditAll(trio: Trio): Promise<string> {
  const collaboration = collaborationOf(["bank", "bureau"]);
  const folders = ["bank", "bureau"] as const;
  for (const party of folders) {
    const out = join(trio.folder, `audit-${party}`);
    await cliJson("--node", trio.dir(party), "audit", "export", "--collaboration", collaboration, "--out", out);
  }
  const report = await cliJson<{ verdict: string }>(
    "audit",
    "verify",
    ...folders.map((party) => join(trio.folder, `audit-${party}`)),
  );
  return report.verdict;
}

function table(rows: readonly (readonly [string, string, string])[]): string {
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => (row[i] as string).length)));
  return rows
    .map(([a, b, c]) => `  ${a.padEnd(widths[0] as number)}  ${b.padEnd(widths[1] as number)}  ${c}`)
    .join("\n");
}

const trio = await Trio.start();
let result: Awaited<ReturnType<typeof run>> | undefined;
try {
  result = await run();
} finally {
  if (result === undefined || !options.keep) await trio.stop();
}
if (options.keep) {
  console.log(`
Still running, in ${trio.folder}. Look around, for example:
  npx --no-install entente --node ${trio.dir("bank")} job list
  npx --no-install entente --node ${trio.dir("bureau")} job list
  npx --no-install entente --node ${trio.dir("bank")} tags list
Ctrl-C ends it and removes the folder.`);
  await new Promise((resolve) => process.once("SIGINT", resolve));
  await trio.stop();
}

async function run() {
  say("coordinator, bank and bureau run as three processes; both enrolled; fingerprints confirmed on both sides");
  const datasets = await registerBoth(trio);
  say(`bank registered ${datasets.bank.accepted} customers, bureau ${datasets.bureau.accepted} borrowers`);
  const agreement = await agree(trio);
  say("agreement proposed by the bank, signed by both");
  const audience = requireDone(
    await runJob(trio, { operation: "audience", agreement, tag: { key: "marketing:joint-audience", value: "yes" } }),
  );
  say("audience: joint customers found and tagged");
  const score = requireDone(
    await runJob(trio, { operation: "score", agreement, tag: { key: "risk:default" }, model: RISK_MODEL }),
  );
  say("score: joint customers scored under encryption and tagged by tier");
  const checked = await compare(
    await exportedTags(trio, "marketing:joint-audience"),
    await exportedTags(trio, "risk:default"),
  );
  const evidence = await auditAll(trio);
  say("evidence exported by both parties and verified offline");
  const bureauJobs = (await (await trio.client("bureau")).call("jobs", {})).jobs;
  const bytes = [audience, score].reduce(
    (sum, job) => sum + (job.summary?.bytesSent ?? 0) + (job.summary?.bytesReceived ?? 0),
    0,
  );
  const figures = {
    ...checked,
    tagsByTier: score.summary?.tags ?? {},
    evidence,
    bytes,
    seconds: Number(seconds().toFixed(1)),
  };
  print(figures, datasets, audience, bureauJobs);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  const isRight =
    figures.intersection === figures.expectedIntersection &&
    figures.scoreMaxAbsError <= 1e-3 &&
    figures.evidence === "verified";
  if (!isRight) process.exitCode = 1;
  return figures;
}

function print(
  figures: {
    [K in
      | "intersection"
      | "expectedIntersection"
      | "scoreMaxAbsError"
      | "aucBank"
      | "aucJoint"
      | "bytes"
      | "seconds"]: number;
  } & {
    tagsByTier: Readonly<Record<string, number>>;
    evidence: string;
  },
  datasets: Awaited<ReturnType<typeof registerBoth>>,
  audience: Job,
  bureauJobs: readonly Job[],
): void {
  const { bank, bureau } = datasets;
  const range = (rows: Job["peerRows"]) => (rows === null ? "-" : `between ${rows.from} and ${rows.to} people`);
  const setAside = (dataset: typeof bank) =>
    `${dataset.duplicates} duplicates, ${Object.values(dataset.rejected).reduce((a, b) => a + b, 0)} unusable`;
  const tiers = Object.entries(figures.tagsByTier).map(([tier, count]) => `${tier} ${count}`);
  console.log(`
${table([
  ["", "bank", "bureau"],
  [
    "put in",
    `${bank.accepted} people, ${bank.columns.length} columns`,
    `${bureau.accepted} people, ${bureau.columns.length} columns`,
  ],
  ["set aside", setAside(bank), setAside(bureau)],
  ["learned of the other's list", range(audience.peerRows), range(bureauJobs[0]?.peerRows ?? null)],
  ["learned of the people", `which ${audience.summary?.matched} it shares, their tiers`, "nothing"],
  ["learned of the model", "its own", "which 6 of its columns it uses"],
])}

${table([
  ["joint audience", `${figures.intersection} people`, `plaintext join: ${figures.expectedIntersection}`],
  [
    "score",
    `at most ${figures.scoreMaxAbsError.toExponential(1)} off`,
    "probability of default, against float64 on pooled data",
  ],
  [
    "AUC on 30 % held out",
    `${figures.aucJoint.toFixed(3)} joint`,
    `${figures.aucBank.toFixed(3)} with the bank's columns alone`,
  ],
  ["risk tags by tier", tiers.join(", "), "A lowest risk"],
  ["evidence", figures.evidence, "two parties' logs and the coordinator's, offline"],
  ["traffic between the nodes", `${(figures.bytes / 1e6).toFixed(1)} MB`, "audience and score, both directions"],
  ["time", `${figures.seconds} s`, "set-up, both jobs, exports, audit"],
])}
`);
}
