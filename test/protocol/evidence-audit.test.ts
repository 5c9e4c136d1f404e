/** What real nodes and a real coordinator export verifies, policy included, and says who went in and what came out. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportAudit } from "../../coordinator/main.ts";
import { exportEvidence } from "../../party/evidence/export.ts";
import { decideJob, waitingJobs } from "../../party/jobs/approvals.ts";
import type { JobRequestInput } from "../../party/jobs/ask.ts";
import { startJob } from "../../party/jobs/start.ts";
import type { Node } from "../../party/node.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import type { LogFile } from "../../proto/evidence/log.ts";
import { parseOpenings } from "../../proto/evidence/openings.ts";
import type { Digest } from "../../proto/ids.ts";
import { reportOf } from "../../sdk/verify/report.ts";
import { examineFolders, verifyFolders } from "../../sdk/verify/verify.ts";
import { RISK_MODEL } from "../support/credit.ts";
import { demoAgreement } from "../support/demo-agreement.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { phoneOf, REPAYMENTS, range, writePeople } from "../support/people.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const COLLABORATION = collaborationOf(["bank", "bureau"]);
const JOINT = 700;
const MODEL = {
  ...RISK_MODEL,
  features: RISK_MODEL.features.filter(({ party, column }) => party === "partner" || column === "LIMIT_BAL"),
};

let nodes: TwoNodes;
let folder: string;
let exports: MemoryFiles;
let agreement: Digest;
const jobs: Record<"audience" | "rate" | "score", string> = { audience: "", rate: "", score: "" };

async function approveAt(node: Node, person: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const [waiting] = await waitingJobs(node.connected);
    if (waiting !== undefined) {
      await decideJob(node.connected, { jobId: waiting.job.jobId, isApproved: true, person });
      return;
    }
    await new Promise((go) => setTimeout(go, 20));
  }
  throw new Error("nothing waits for approval");
}

function put(into: MemoryFiles, dir: string, files: readonly LogFile[]): void {
  for (const { path, bytes } of files) into.contents.set(`${dir}/${path}`, bytes);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-audit-"));
  nodes = await TwoNodes.start();
  const bank = await writePeople(join(folder, "bank.csv"), range(0, 1500), { LIMIT_BAL: (n) => 1000 * (n % 50) });
  const bureau = await writePeople(join(folder, "bureau.csv"), range(1500 - JOINT, 2600), REPAYMENTS);
  await nodes.register({ bank, bureau });
  const document = demoAgreement() as { operations: Record<string, unknown>[] };
  const operations = document.operations.map((item) =>
    item.operation === "audience" ? { ...item, approval: { provider: "every-run" } } : item,
  );
  agreement = await nodes.agree({ ...document, operations });
  const audience = nodes.run({ agreement });
  await approveAt(nodes.bureau, "Zhao Min");
  jobs.audience = (await audience).bank.jobId;
  const request = {
    operation: "audience",
    dataset: "customers",
    peerDataset: "repayments",
    output: "match-rate",
  } as const;
  const { job, finished } = await startJob(
    nodes.bank.connected,
    { ...request, agreement } as JobRequestInput,
    "analyst",
  );
  jobs.rate = job.jobId;
  await approveAt(nodes.bureau, "Zhao Min");
  await finished;
  await nodes.ended(nodes.bureau, job.jobId);
  const scored = { operation: "score", model: MODEL, tag: { key: "risk:default", expiresInDays: 30 } };
  jobs.score = (await nodes.run({ agreement, ...scored } as never)).bank.jobId;
  exports = await exportAll();
});
afterAll(async () => {
  await nodes.close();
  await rm(folder, { recursive: true, force: true });
});

async function exportAll(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  put(files, "/audit/bank", await exportEvidence(nodes.bank.connected, COLLABORATION));
  put(files, "/audit/bureau", await exportEvidence(nodes.bureau.connected, COLLABORATION));
  const { folder: hub } = nodes.coordinator;
  put(files, "/audit/coordinator", await exportAudit({ folder: hub, collaboration: COLLABORATION }));
  return files;
}

test("three folders under one verify, with every commitment opened", async () => {
  const report = await verifyFolders(["/audit"], { files: exports, requireOpenings: true });
  expect(report.problems).toEqual([]);
  expect(report.verdict).toBe("verified");
  expect(report.commitments).toMatchObject({ notOpenedCount: 0, notOpened: [] });
  const rows = { receiver: 1500, sender: 1800 };
  const found = Object.fromEntries(report.summary.jobs.map((job) => [job.jobId, job]));
  expect(found[jobs.audience]).toMatchObject({ rows, cameOut: String(JOINT), outcome: "opened" });
  expect(found[jobs.rate]).toMatchObject({ rows, cameOut: "47%", outcome: "opened" });
  expect(found[jobs.score]).toMatchObject({ rows, cameOut: String(JOINT), outcome: "opened" });
  const owners = report.summary.logs.map(({ origin, cosignedSize }) => [origin.split("/")[0], cosignedSize > 0]);
  expect(owners).toContainEqual(["bank", true]);
  expect(owners).toContainEqual(["bureau", true]);
  expect(owners.filter(([owner]) => owner === "coordinator")).toHaveLength(3);
});

test("no export holds a person of the data, and openings only of its exporter", async () => {
  const openings = (party: string) => {
    const bytes = exports.contents.get(`/audit/${party}/openings.json`) as Uint8Array;
    return parseOpenings(bytes).openings.map(({ kind }) => kind);
  };
  expect(openings("bank").toSorted()).toEqual(
    ["input", "input", "input", "model", "output", "output", "rate", "sketch", "tags", "tags"].toSorted(),
  );
  expect(openings("bureau").toSorted()).toEqual(["approver", "approver", "input", "input", "input"]);
  expect(openings("coordinator")).toEqual([]);
  const joint = phoneOf(1499);
  for (const [path, bytes] of exports.contents) expect(Buffer.from(bytes).includes(joint), path).toBe(false);
});

test("the report names who approved, what was used of the budgets, and by which agreement", async () => {
  const report = reportOf(await examineFolders(["/audit"], { files: exports }));
  expect(report.people).toEqual([
    { party: "bureau", person: "Zhao Min", approved: [jobs.audience, jobs.rate], declined: [] },
  ]);
  expect(report.agreements).toMatchObject([{ digest: agreement, state: "in force", jobs: 3 }]);
  const used = report.budgets.map(({ party, operation, runsToday, modelVersions }) => [
    party,
    operation,
    runsToday,
    modelVersions,
  ]);
  expect(used).toEqual([
    ["bank", "audience", 3, 0],
    ["bank", "score", 3, 1],
    ["bureau", "audience", 3, 0],
    ["bureau", "score", 3, 1],
  ]);
});

test("refused and revoked: told as what they are, and nothing is broken by them", async () => {
  // A second score of one model over the same data is one too many.
  const scored = { operation: "score", model: MODEL, tag: { key: "risk:default", expiresInDays: 30 } };
  expect((await nodes.run({ agreement, ...scored } as never)).bank.state).toBe("refused");
  await nodes.bank.connected.revocations.revoke(agreement);
  for (let tries = 0; tries < 500; tries++) {
    if ((await nodes.bureau.connected.agreements.stateOf(agreement)) === "revoked") break;
    await new Promise((go) => setTimeout(go, 20));
  }
  await nodes.bureau.connected.revocations.resume();
  const files = await exportAll();
  const examined = await examineFolders(["/audit"], { files, requireOpenings: true });
  expect(examined.report.problems).toEqual([]);
  const { agreements, jobs: told, withdrawals } = reportOf(examined);
  expect(agreements).toMatchObject([{ state: "revoked", revoked: { by: "bank" } }]);
  expect(told.at(-1)).toMatchObject({ outcome: "refused", refusedBy: "bureau", reason: "POLICY_SCORE_REPEATED" });
  expect(withdrawals.map(({ party, tags }) => [party, tags])).toEqual([
    ["bank", 2 * JOINT],
    ["bureau", 0],
  ]);
});
