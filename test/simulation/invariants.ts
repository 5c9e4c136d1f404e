/** What must be true when a simulation has come to rest, whatever went wrong in it. */
import { exportEvidence } from "../../party/evidence/export.ts";
import { foldJob, type Job } from "../../party/jobs/lifecycle.ts";
import type { Node } from "../../party/node.ts";
import type { Store } from "../../party/store/store.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { fromBase64, fromUtf8 } from "../../proto/encoding/bytes.ts";
import { isErrorCode } from "../../proto/errors.ts";
import { EVIDENCE_EVENTS } from "../../proto/evidence/predicates.ts";
import { predicateType as typeOf } from "../../proto/evidence/statements.ts";
import type { ProblemCode } from "../../proto/evidence/verdict.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import { type Base, RESULT_FLOOR } from "./base.ts";
import { MARK } from "./data.ts";
import { DiskFiles } from "./disk.ts";
import type { SeedPlan } from "./plan.ts";
import { drive, PARTIES, type PartyName, pathIn, type World } from "./world.ts";

const COLLABORATION = collaborationOf(PARTIES);
const READ_LIMIT_MS = 600_000;
/** Of a job, in one log. */
const ONCE = ["charge", "receipt", "gate-key-released", "opened", "withheld", "failed"] as const;

type Counts = Partial<Record<(typeof ONCE)[number], number>>;

interface Side {
  readonly job: Job;
  readonly counts: Counts;
}

export async function problemsOf(world: World, plan: SeedPlan, base: Base): Promise<string[]> {
  const { scheduler } = world;
  const problems: string[] = [];
  const read = <T>(work: Promise<T>) => drive(scheduler, work, scheduler.nowMs + READ_LIMIT_MS);
  const jobs = new Map<string, Partial<Record<PartyName, Side>>>();
  for (const party of PARTIES) {
    const node = world.node(party);
    if (node === undefined) return [`${party} is down at the end`];
    const { store } = world.options.disks[party];
    const counts = await read(entryCounts(node));
    for (const job of await jobsIn(store)) {
      const sides = jobs.get(job.jobId) ?? {};
      jobs.set(job.jobId, { ...sides, [party]: { job, counts: counts.get(job.jobId) ?? {} } });
    }
    if ((await leftovers(party, world)).length === 0) continue;
    // What a disk did not remove when it was told to goes at the next start.
    world.kill(party, 100);
    await scheduler.run(() => world.isUp, scheduler.nowMs + READ_LIMIT_MS);
    problems.push(...(await leftovers(party, world)));
  }
  const { store } = world.options.disks.bank;
  const all = [...jobs.values()].flatMap(({ bank, bureau }) => [bank, bureau]).filter((side) => side !== undefined);
  // Without a receipt nothing has asked for a cosignature; a job that failed in the middle of one leaves it with whom it reached.
  const mayLack: ProblemCode[] = all.some(({ counts }) => counts.receipt !== undefined) ? [] : ["NOT_COSIGNED"];
  if (all.some(({ job }) => job.state === "failed")) mayLack.push("RECEIPT_MISSING", "NOT_COSIGNED");
  for (const [jobId, sides] of jobs) {
    const subjects: string[] = [];
    for await (const { subject } of store.tags({ now: world.node("bank")?.clock.now() ?? "", jobId }))
      subjects.push(subject);
    problems.push(
      ...storyOf({ bank: sides.bank, bureau: sides.bureau }, subjects, plan).map(
        (problem) => `job ${jobId.slice(0, 8)}: ${problem}`,
      ),
    );
  }
  problems.push(...(await read(verified(world, base, mayLack))));
  problems.push(
    ...world.log.filter((line) => line.includes(MARK)).map((line) => `an id is logged: ${line.trim().slice(0, 200)}`),
  );
  return problems;
}

async function jobsIn(store: Store): Promise<Job[]> {
  const jobs: Job[] = [];
  for (const jobId of await store.jobIds()) {
    const job = foldJob(jobId, await store.jobEvents(jobId));
    if (job !== undefined) jobs.push(job);
  }
  return jobs;
}

const SECRETS = ["spool-key", "gate-keys", "nonce", "gate-key-1-0", "input-salt"];

/** Of an ended job no secret and no file may stay. */
async function leftovers(party: PartyName, { options: { disks } }: World): Promise<string[]> {
  const { store, files } = disks[party];
  const left: string[] = [];
  for (const jobId of await store.jobIds()) {
    for (const name of SECRETS)
      if ((await store.jobSecret(jobId, name)) !== undefined)
        left.push(`${party} keeps the secret ${name} of job ${jobId.slice(0, 8)}`);
    const place = pathIn(party, "spool", jobId);
    left.push(...files.paths().flatMap((path) => (path.startsWith(place) ? [`left on disk: ${path}`] : [])));
  }
  return left;
}

async function entryCounts(node: Node): Promise<Map<string, Counts>> {
  const counts = new Map<string, Counts>();
  for (const log of await node.logbook.logs(COLLABORATION)) {
    for (let index = 0; index < log.size; index++) {
      const { event, predicate } = statementOf(await log.entry(index));
      const jobId = predicate.jobId ?? predicate.job?.jobId;
      const isCharge = event === "policy-decision" && predicate.charge !== null && predicate.charge !== undefined;
      const kind = ONCE.find((name) => name === (isCharge ? "charge" : event));
      if (jobId === undefined || kind === undefined) continue;
      const ofJob = counts.get(jobId) ?? {};
      counts.set(jobId, { ...ofJob, [kind]: (ofJob[kind] ?? 0) + 1 });
    }
  }
  return counts;
}

type Sides = Readonly<Record<PartyName, Side | undefined>>;

interface Said {
  readonly jobId?: string;
  readonly job?: { readonly jobId: string };
  readonly charge?: unknown;
}

/** Unchecked: `audit verify` checks every entry. */
function statementOf(entry: Uint8Array): { readonly event: string; readonly predicate: Said } {
  const { payload } = JSON.parse(fromUtf8(entry)) as { readonly payload: string };
  const { predicateType, predicate } = JSON.parse(fromUtf8(fromBase64(payload))) as {
    readonly predicateType: string;
    readonly predicate: Said;
  };
  const event = EVIDENCE_EVENTS.find((name) => typeOf(name) === predicateType) ?? predicateType;
  return { event, predicate };
}

function storyOf({ bank, bureau }: Sides, subjects: readonly string[], plan: SeedPlan): string[] {
  const problems: string[] = [];
  const must = (isSo: boolean, what: string) => void (isSo || problems.push(what));
  for (const [party, side] of Object.entries({ bank, bureau })) {
    if (side === undefined) continue;
    const { job, counts } = side;
    must(["done", "failed", "refused"].includes(job.state), `${party} has it as ${job.state}`);
    must(job.state === "done" || isErrorCode(job.reason?.code), `${party} gives no reason`);
    must(job.reason?.code !== "INTERNAL", `${party} ended it with INTERNAL`);
    for (const kind of ONCE) must((counts[kind] ?? 0) <= 1, `${party} logged ${kind} ${counts[kind]} times`);
    const ends = (counts.opened ?? 0) + (counts.withheld ?? 0);
    must(ends <= 1, `${party} logged both opened and withheld`);
    if (job.state !== "done") continue;
    must(counts.charge === 1 && counts.receipt === 1, `${party} is done without charge and receipt`);
    must(party === "bank" ? ends === 1 : counts["gate-key-released"] === 1, `${party} is done without its release`);
  }
  must(bank !== undefined, "the bank does not know it");
  if (bank?.counts.opened === 1) must(bureau?.counts["gate-key-released"] === 1, "opened without a released key");
  const { lists, revocation } = plan;
  // Revoked when its key was out, and before it heard that the bank has it.
  const isRevokedAfter = bureau?.job.reason?.code === "AGREEMENT_REVOKED" && bureau.counts["gate-key-released"] === 1;
  if (bank?.job.state === "done")
    must(bureau?.job.state === "done" || isRevokedAfter, `done at the bank, ${bureau?.job.state} at the bureau`);
  const both = lists.bank.filter((person) => lists.bureau.includes(person)).sort();
  const isDone = bank?.job.state === "done" && !bank.job.withheld;
  if (bank?.job.state === "done")
    must(bank.job.withheld === both.length < RESULT_FLOOR, `withheld ${bank.job.withheld} with ${both.length} people`);
  const expected = isDone ? both : [];
  const isRight = subjects.toSorted().join() === expected.join();
  // A revocation withdraws what was issued.
  must(
    isRight || (revocation !== undefined && subjects.length === 0),
    `${subjects.length} tags where ${expected.length} people are on both lists`,
  );
  return problems;
}

/** Both parties' exports, as an auditor reads them. `mayLack`: what the jobs' ends explain. */
async function verified(world: World, base: Base, mayLack: readonly ProblemCode[]): Promise<string[]> {
  const files = new DiskFiles();
  for (const party of PARTIES) {
    const exporter = world.node(party);
    if (exporter === undefined) return [`${party} is down`];
    for (const { path, bytes } of await exportEvidence(exporter.connected, COLLABORATION))
      await files.writeDurable(`/export/${party}/${path}`, bytes);
  }
  const report = await verifyFolders(["/export/bank", "/export/bureau"], { files, trust: base.trust });
  return report.problems
    .filter(({ code }) => !mayLack.includes(code))
    .map(({ code, log, index }) => `audit verify: ${code} ${log ?? ""} ${index ?? ""}`.trim());
}
