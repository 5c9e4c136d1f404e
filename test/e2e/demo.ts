/**
 * The worked example: three processes on this machine, real data, from enrolment to verified evidence.
 *
 *     npm run demo                       a table for people
 *     npm run demo -- --json FILE        the figures for programs, too
 *     npm run demo -- --keep             leave it running and look around
 *     npm run demo -- --audit DIR        leave the three exported evidence folders under DIR
 *     npm run demo -- --rows 1000000     synthetic data of that size on each side instead
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { partyId } from "../../proto/ids.ts";
import { SAMPLE_FILES, SAMPLE_SEGMENT, sampleAgreement } from "../../sdk/cli/sample.ts";
import type { Job } from "../../sdk/client.ts";
import { BANK_ONLY_MODEL, RISK_MODEL } from "../support/credit.ts";
import { agree, HAS_CAR, registerBoth, runJob } from "../support/demo-agreement.ts";
import { compareWithPooled } from "../support/oracle.ts";
import { makeSynthetic } from "../support/synthetic.ts";
import { cli, cliJson, Trio } from "../support/trio.ts";

const { values: options } = parseArgs({
  options: {
    json: { type: "string" },
    audit: { type: "string" },
    keep: { type: "boolean", default: false },
    rows: { type: "string" },
  },
});

const startedMs = performance.now();
const seconds = () => (performance.now() - startedMs) / 1000;
const say = (text: string) => console.log(`${seconds().toFixed(1).padStart(6)} s  ${text}`);

function requireDone(job: Job): Job {
  if (job.state !== "done" || job.withheld)
    throw new Error(`job ${job.operation} ended ${job.state}: ${job.reason?.code ?? "withheld"}`);
  return job;
}

/** One customer in 200 of the bank. */
const OPTED_OUT = "customer_no % 200 = 0";
const HOT_RULE = "tier = A and has_car -> auto-loan:hot";

/** How many tags of a key a job with rules has issued, by value. */
function tagsOf({ summary }: Job, key: string): Record<string, number> {
  const counts = Object.entries(summary?.tags ?? {}).filter(([name]) => name.startsWith(`${key}=`));
  return Object.fromEntries(counts.map(([name, count]) => [name.slice(key.length + 1), count]));
}

interface Refusal {
  readonly code: string;
  readonly reason: string;
}

/** The same score again, in the same epoch: the bureau's node counts it by itself, and refuses. */
async function refusedJob(trio: Trio, agreement: string): Promise<Refusal> {
  const { state, reason } = await runJob(trio, {
    operation: "score",
    agreement,
    tag: { key: "risk:default" },
    model: RISK_MODEL,
  });
  if (state !== "refused" || reason === null) throw new Error("the repeated score was not refused");
  return { code: reason.code, reason: reason.message };
}

/** The bureau's analyst defines the segment, its steward publishes it; the bank names what it is then shown. */
async function publishSegment(trio: Trio): Promise<{ name: string; version: number }> {
  const { name, expression, description } = SAMPLE_SEGMENT;
  const bureau = await trio.client("bureau");
  const definition = { kind: "sql", expression } as const;
  const { version } = await bureau.call("defineSegment", { name, dataset: "repayments", definition });
  await bureau.call("publishSegment", { name, description, version, to: [partyId("bank")] });
  const { datasets } = await (await trio.client("bank")).call("peerDatasets", { party: "bureau" });
  const shown = datasets.flatMap(({ segments }) => segments).find((segment) => segment.name === name);
  if (shown === undefined) throw new Error("the bank does not see the segment");
  return { name, version: shown.version };
}

/** As they came in, by letter and at the counter: written in several ways. How many people are on the list. */
async function optOut(trio: Trio, bankFile: string): Promise<number> {
  const db = await (await DuckDBInstance.create(":memory:")).connect();
  const query = `SELECT phone FROM read_parquet($1) WHERE phone IS NOT NULL AND ${OPTED_OUT}`;
  const phones = (await db.runAndReadAll(query, [bankFile])).getRows().map(([phone]) => String(phone));
  db.closeSync();
  const { added } = await (await trio.client("bank")).call("addOptOuts", { form: "phone-e164", ids: phones });
  return added;
}

/** The joint audience by the bank's ages, as its node prints it. */
async function ageReport(trio: Trio, agreement: string): Promise<string> {
  const by = [{ column: "AGE", bounds: [30, 40, 50] }];
  const job = requireDone(await runJob(trio, { operation: "audience", output: "overlap-report", agreement, by }));
  const { code, stdout, stderr } = await cli("--node", trio.dir("bank"), "job", "report", job.jobId);
  if (code !== 0) throw new Error(stderr);
  return stdout.trimEnd().replaceAll(/^/gm, "  ");
}

/** As a bank's team would: exported to a file, with the command line. */
async function exportTags(trio: Trio, key: string): Promise<string> {
  const file = join(trio.folder, `${key.replace(":", "-")}.parquet`);
  await cliJson("--node", trio.dir("bank"), "tags", "export", "--format", "parquet", "--key", key, "--out", file);
  return file;
}

/** The people of a job, with the labels that the bureau gives. */
async function exportResult(trio: Trio, { jobId }: Job): Promise<string> {
  const file = join(trio.folder, "result.parquet");
  await cliJson("--node", trio.dir("bank"), "job", "result", jobId, "--out", file);
  return file;
}

/** Both parties and the coordinator export below `folder`; verified under the fingerprints that their owners read out. */
async function auditAll(trio: Trio, folder: string): Promise<string> {
  const collaboration = ["--collaboration", collaborationOf(["bank", "bureau"])];
  for (const party of ["bank", "bureau"] as const)
    await cliJson("--node", trio.dir(party), "audit", "export", ...collaboration, "--out", join(folder, party));
  const hub = ["--dir", trio.dir("hub"), ...collaboration, "--out", join(folder, "coordinator")];
  await cliJson("coordinator", "audit-export", ...hub);
  const trust = join(trio.folder, "fingerprints.txt");
  await writeFile(trust, `${(await trio.fingerprints()).join("\n")}\n`);
  const report = await cliJson<{ verdict: string }>("audit", "verify", folder, "--trust", trust);
  return report.verdict;
}

/** Lines of at most 110 characters, indented. */
function wrapped(text: string): string {
  return text.replaceAll(/(.{1,110})(?:\s+|$)/g, "  $1\n").trimEnd();
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
} catch (error) {
  console.log(await trio.lastLogLines());
  throw error;
} finally {
  if (result === undefined || !options.keep) await trio.stop();
}
if (options.keep) {
  console.log(`
Still running, in ${trio.folder}. The consoles; each link signs you in, and is for this machine alone:
  the bank's    ${await trio.signInLink("bank")}
  the bureau's  ${await trio.signInLink("bureau")}
Or on the command line:
  npx --no-install entente --node ${trio.dir("bank")} job list
  npx --no-install entente --node ${trio.dir("bureau")} job list
  npx --no-install entente --node ${trio.dir("bank")} tag list
Ctrl-C ends it and removes the folder.`);
  await new Promise((resolve) => process.once("SIGINT", resolve));
  await trio.stop();
}

async function run() {
  say("coordinator, bank and bureau run as three processes; both enrolled; fingerprints confirmed on both sides");
  const files = options.rows === undefined ? SAMPLE_FILES : await makeSynthetic(trio.folder, Number(options.rows));
  const datasets = await registerBoth(trio, files);
  say(`bank registered ${datasets.bank.accepted} customers, bureau ${datasets.bureau.accepted} borrowers`);
  const agreement = await agree(trio, sampleAgreement(Date.now()));
  say("agreement proposed by the bank, signed by both");
  const optedOut = await optOut(trio, files.bank);
  const peerSegment = await publishSegment(trio);
  say(`${optedOut} customers of the bank have opted out; the bureau publishes the segment ${SAMPLE_SEGMENT.name}`);
  const tag = { key: "marketing:joint-audience", value: "yes" };
  const audience = requireDone(await runJob(trio, { operation: "audience", agreement, tag, peerSegment }));
  say("audience: joint customers in that segment found and tagged");
  const score = requireDone(
    await runJob(trio, {
      ...{ operation: "score", agreement, tag: { key: "risk:default" }, model: RISK_MODEL },
      ...{ labels: [HAS_CAR.name], rules: [HOT_RULE] },
    }),
  );
  say("score: joint customers scored under encryption and tagged by tier, and by a rule over tier and label");
  const report = await ageReport(trio, agreement);
  say("report: how many customers of each age are shared, in groups that tell of nobody");
  const refused = [await refusedJob(trio, agreement)];
  say("the same score once more: refused by the bureau's node");
  const bank = await trio.client("bank");
  const { text: leakStatement } = await bank.call("leakStatement", { jobId: audience.jobId });
  const tags = {
    audience: await exportTags(trio, "marketing:joint-audience"),
    scored: await exportTags(trio, "risk:default"),
    hot: await exportTags(trio, "auto-loan"),
    labelled: await exportResult(trio, score),
  };
  const plain = {
    optedOut: OPTED_OUT,
    among: SAMPLE_SEGMENT.expression,
    model: RISK_MODEL,
    bankModel: BANK_ONLY_MODEL,
  };
  const checked = await compareWithPooled({ ...files, ...tags, ...plain });
  say("tags exported, and compared with what the pooled data would give");
  const auditFolder = options.audit ?? join(trio.folder, "audit");
  await mkdir(auditFolder, { recursive: true });
  const evidence = await auditAll(trio, auditFolder);
  say(`evidence exported by both parties and the coordinator, and verified offline: ${evidence}`);
  const bureauJobs = (await (await trio.client("bureau")).call("jobs", {})).jobs;
  const bytes = [audience, score].reduce(
    (sum, job) => sum + (job.summary?.bytesSent ?? 0) + (job.summary?.bytesReceived ?? 0),
    0,
  );
  const figures = {
    ...checked,
    optedOut,
    tagsByTier: tagsOf(score, "risk:default"),
    evidence,
    refused,
    leakStatement,
    report,
    bytes,
    seconds: Number(seconds().toFixed(1)),
  };
  print(figures, datasets, [audience, score], bureauJobs);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  const isRight =
    figures.intersection === figures.expectedIntersection &&
    figures.strangers === 0 &&
    figures.scoreMaxAbsError <= 1e-3 &&
    figures.labelsWrong === 0 &&
    figures.hot === figures.expectedHot &&
    figures.evidence === "verified";
  if (!isRight) process.exitCode = 1;
  return figures;
}

function print(
  figures: {
    [K in
      | "intersection"
      | "expectedIntersection"
      | "optedOut"
      | "scoreMaxAbsError"
      | "labelsWrong"
      | "expectedHot"
      | "hot"
      | "aucBank"
      | "aucJoint"
      | "bytes"
      | "seconds"]: number;
  } & {
    tagsByTier: Readonly<Record<string, number>>;
    evidence: string;
    refused: readonly Refusal[];
    leakStatement: string;
    report: string;
  },
  datasets: Awaited<ReturnType<typeof registerBoth>>,
  [audience, score]: readonly [Job, Job],
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
  ["left out", `${figures.optedOut} people who opted out`, `of the audience who is not in ${SAMPLE_SEGMENT.name}`],
  [
    "learned of the other's list",
    range(audience.peerRows),
    range(bureauJobs.find(({ jobId }) => jobId === audience.jobId)?.peerRows ?? null),
  ],
  ["learned of the people", `which ${score.summary?.matched} it shares, their tiers, who has a car`, "nothing"],
  ["learned of the model", "its own", "which 6 of its columns it uses"],
])}

What the joint audience told whom, as the bank's steward sees it:
${wrapped(figures.leakStatement)}

How many of the bank's customers, by age, are also the bureau's:
${figures.report}

${table([
  [
    `joint audience, ${SAMPLE_SEGMENT.name}`,
    `${figures.intersection} people`,
    `plaintext join: ${figures.expectedIntersection}`,
  ],
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
  ["labels from the bureau", `${figures.labelsWrong} wrong`, "has_car, of each shared person"],
  [HOT_RULE, `${figures.hot} people`, `plaintext join: ${figures.expectedHot}`],
  ...figures.refused.map(({ code, reason }) => ["refused", code, reason] as const),
  ["evidence", figures.evidence, "two parties' logs and the coordinator's, offline"],
  ["traffic between the nodes", `${(figures.bytes / 1e6).toFixed(1)} MB`, "audience and score, both directions"],
  ["time", `${figures.seconds} s`, "set-up, all jobs, exports, audit"],
])}
`);
}
