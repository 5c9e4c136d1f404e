/** What real nodes and a real coordinator export verifies, policy included, and says who went in and what came out. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportAudit } from "../../coordinator/main.ts";
import { auditHandlers } from "../../party/api/audit/handlers.ts";
import { exportEvidence } from "../../party/evidence/export.ts";
import { decideJob, waitingJobs } from "../../party/jobs/approvals.ts";
import type { JobRequestInput } from "../../party/jobs/ask.ts";
import { startJob } from "../../party/jobs/start.ts";
import type { Node } from "../../party/node.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { readBundle } from "../../proto/evidence/bundle.ts";
import type { LogFile } from "../../proto/evidence/log.ts";
import { parseOpenings } from "../../proto/evidence/openings.ts";
import type { Digest } from "../../proto/ids.ts";
import { verifyProof } from "../../sdk/verify/prove.ts";
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

describe("what the bank's auditor sees", () => {
  const audit = () => auditHandlers(nodes.bank);
  const caller = { tokenId: "0".repeat(16), person: "Sun Li", roles: ["auditor"] } as const;
  const listening = (signal = new AbortController().signal) => ({ lastEventId: undefined, signal, tell: () => {} });
  const search = (wanted: object = {}) =>
    audit().evidenceEntries({ collaboration: COLLABORATION, ...wanted }, caller, listening());

  test("all entries, newest first, and those of a job, an agreement, a kind, a day", async () => {
    const { entries, next, total, searched } = await search();
    expect([next, searched, entries.length]).toEqual([null, total, total]);
    expect(entries.map(({ index }) => index)).toEqual(Array.from({ length: total }, (_, i) => total - 1 - i));
    const ofJob = await search({ job: jobs.audience });
    expect(new Set(ofJob.entries.map(({ jobId }) => jobId))).toEqual(new Set([jobs.audience]));
    expect(ofJob.entries.map(({ event }) => event)).toEqual(expect.arrayContaining(["job-requested", "opened"]));
    // Those that name the agreement, and those that only name a job under it.
    const under = await search({ agreement });
    expect(under.entries.filter(({ event }) => event === "opened")).toHaveLength(3);
    const today = new Date().toISOString().slice(0, 10);
    expect((await search({ event: "receipt", from: today, to: today })).entries).toHaveLength(3);
    expect((await search({ to: "2026-01-01" })).entries).toEqual([]);
    expect(await search({ from: "2099-01-01" })).toMatchObject({ entries: [], next: null });
    const [, second] = entries;
    const older = await search({ before: `${second?.log}:${second?.index}` });
    expect(older.entries).toEqual(entries.slice(2));
    await expect(search({ before: "2020:1" })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    const other = { collaboration: COLLABORATION.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) };
    await expect(search(other)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("people as far as this node knows them", async () => {
    const asked = await search({ person: "ANALYST" });
    expect(asked.entries.map(({ event, people }) => [event, people])).toEqual(
      Array(3).fill(["job-requested", [{ did: "requested", name: "analyst", party: "bank" }]]),
    );
    expect((await search({ person: "Zhao Min" })).entries).toEqual([]);
    const atBureau = await auditHandlers(nodes.bureau).evidenceEntries(
      { collaboration: COLLABORATION, person: "zhao" },
      caller,
      listening(),
    );
    expect(atBureau.entries.map(({ event, people }) => [event, people])).toEqual(
      Array(2).fill(["approval", [{ did: "decided", name: "Zhao Min", party: "bureau" }]]),
    );
  });

  test("an entry with signatures, a proof that verifies elsewhere, and its own openings alone", async () => {
    const { entries } = await search({ job: jobs.audience, event: "receipt" });
    const { log, index } = entries[0] as { log: string; index: number };
    const place = { collaboration: COLLABORATION, log, index: String(index) };
    const seen = await audit().evidenceEntry(place, caller, listening());
    expect(seen).toMatchObject({ event: "receipt", isCosigned: true, check: { verdict: "verified", why: null } });
    expect(seen.signatures.map(({ keyid, state }) => [keyid, state])).toEqual([
      ["bank/jobs", "good"],
      ["bureau/jobs", "good"],
    ]);
    const inputs = seen.commitments.filter(({ kind }) => kind === "input");
    expect(inputs.map(({ by, state, value }) => [by, state, value])).toEqual([
      ["bank", "opened", expect.objectContaining({ rows: 1500 })],
      ["bureau", "other", null],
    ]);
    const keysets = exports.contents.get("/audit/bureau/keysets.json") as Uint8Array;
    expect(verifyProof(utf8(seen.proof), { keysets })).toMatchObject({ verdict: "verified", index });
    const absent = { ...place, index: "9999" };
    await expect(audit().evidenceEntry(absent, caller, listening())).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("checkpoints, whom each log is vouched for by, and how far", async () => {
    const seen = await audit().checkpoints({ collaboration: COLLABORATION }, caller, listening());
    expect(seen.own).toMatchObject([{ newest: { signers: ["bank/log"] }, cosigned: { cosigned: [{ by: "bureau" }] } }]);
    expect(seen.witnessed.map(({ owner, signers }) => [owner, signers])).toContainEqual(["bureau", ["bureau/log"]]);
    expect(seen.fingerprints.map(({ party }) => party).toSorted()).toEqual(["bank", "bureau", "coordinator"]);
  });

  test("the node's own check lacks the partner's log, runs once at a time, and ends with its caller", async () => {
    const steps = new Set<string>();
    const tell = ({ step }: { readonly step: string }) => void steps.add(step);
    const request = { collaboration: COLLABORATION };
    const checks = audit();
    const first = checks.verifyEvidence(request, caller, { ...listening(), tell });
    await expect(checks.verifyEvidence(request, caller, listening())).rejects.toMatchObject({ code: "OVERLOADED" });
    const report = await first;
    expect([report.verdict, new Set(report.problems.map(({ code }) => code))]).toEqual([
      "incomplete",
      new Set(["LOG_MISSING"]),
    ]);
    expect([...steps]).toEqual(["collecting-evidence", "checking-entries"]);
    const trust = ["0123-4567-89ab-cdef-0123-4567-89ab-cdef"];
    const untrusted = await checks.verifyEvidence({ ...request, trust }, caller, listening());
    expect([untrusted.trusted, untrusted.firstProblem?.code]).toEqual([true, "IDENTITY_UNTRUSTED"]);
    const gone = AbortSignal.abort();
    await expect(checks.verifyEvidence(request, caller, listening(gone))).rejects.toMatchObject({ code: "CANCELLED" });
  });

  test("no more than two exports are in memory, however many are asked for", async () => {
    const routes = audit();
    const ask = () => routes.auditBundle({ collaboration: COLLABORATION }, caller, listening());
    const [read, left] = await Promise.all([ask(), ask()]);
    await expect(ask()).rejects.toMatchObject({ code: "OVERLOADED" });
    await readBundle(read.stream);
    await readBundle((await ask()).stream);
    // A reader that goes away.
    for await (const _ of left.stream) break;
    await Promise.all([ask(), ask()]);
  });

  test("the bundle is the export, and the report is one of it, in either language", async () => {
    const file = await audit().auditBundle({ collaboration: COLLABORATION }, caller, listening());
    expect(file.fileName).toBe(`bank-${COLLABORATION.slice(0, 8)}.jsonl`);
    const files = [...(await readBundle(file.stream))].map(([path, bytes]) => ({ path, bytes }));
    const together = await exportAll();
    for (const { path } of files) together.contents.delete(`/audit/bank/${path}`);
    put(together, "/audit/bank", files);
    expect((await verifyFolders(["/audit"], { files: together })).verdict).toBe("verified");
    for (const [language, title] of [
      ["en", "Evidence report"],
      ["zh-CN", "存证报告"],
    ] as const) {
      const wanted = { collaboration: COLLABORATION, format: "html", language } as const;
      const page = await audit().auditReport(wanted, caller, listening());
      let text = "";
      for await (const chunk of page.stream) text += new TextDecoder().decode(chunk);
      expect(text).toContain(`<h1>${title}</h1>`);
    }
  });
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
