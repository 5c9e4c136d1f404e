/** kill -9 in the middle of a job, of each of the three processes in turn: the job goes on when the process is back, and in
 * the same attempt when it was the coordinator. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { agree, demoAgreement, generous, registerBoth, runJob } from "../support/demo-agreement.ts";
import { leftoversIn, NOTHING_LEFT } from "../support/node-folder.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { cliJson, PARTIES, type PartyName, Trio } from "../support/trio.ts";

/** Some seconds of computing at each side, by the slower protocol. */
const PEOPLE = 4_000;
const SHARED = PEOPLE / 2;
/** How soon both nodes must have done the job when all processes run again. */
const DEADLINE_MS = 40_000;

let trio: Trio;
let agreement: string;
/** Tags that jobs of this file have issued. */
let issued = 0;
const audience = () => ({ operation: "audience" as const, agreement, tag: { key: "marketing:joint", value: "yes" } });

beforeAll(async () => {
  trio = await Trio.start();
  await keepPorts();
  await register(PEOPLE);
  agreement = await agree(trio, demoAgreement(generous(), "psi-dh"));
});
afterAll(() => trio.stop());

/** Started anew, the coordinator must listen where the parties know it. */
async function keepPorts(): Promise<void> {
  const { endpoint } = JSON.parse(await readFile(join(trio.dir("bank"), "enrolment.json"), "utf8")) as {
    endpoint: string;
  };
  const path = join(trio.dir("hub"), "coordinator.json");
  const config = JSON.parse(await readFile(path, "utf8")) as object;
  await writeFile(path, JSON.stringify({ ...config, port: Number(endpoint.slice(endpoint.lastIndexOf(":") + 1)) }));
}

async function register(people: number): Promise<void> {
  const data = join(trio.folder, "data");
  await registerBoth(trio, {
    bank: await writePeople(join(data, `bank-${people}.csv`), range(0, people)),
    bureau: await writePeople(join(data, `bureau-${people}.csv`), range(people / 2, people + people / 2), REPAYMENTS),
  });
}

/** A job that both nodes are computing. */
async function runningJob(): Promise<string> {
  const [bank, bureau] = [await trio.client("bank"), await trio.client("bureau")];
  const { jobId } = await bank.call("startJob", { dataset: "customers", peerDataset: "repayments", ...audience() });
  const isRunning = async (client: typeof bank) => {
    const { jobs } = await client.call("jobs", {});
    return jobs.some((job) => job.jobId === jobId && job.state === "running" && job.progress?.partition !== undefined);
  };
  await expect.poll(async () => (await isRunning(bank)) && (await isRunning(bureau)), { timeout: 20_000 }).toBe(true);
  return jobId;
}

/** The job's end at both nodes after these attempts: the result is there once, and nothing else of it is. */
async function doneAtBoth(jobId: string, attempts: readonly number[]): Promise<void> {
  for (const party of PARTIES) {
    const client = await trio.client(party);
    await expect
      .poll(async () => (await client.call("job", { jobId })).state, { timeout: DEADLINE_MS, interval: 100 })
      .toMatch(/^(done|failed|refused)$/);
    const job = await client.call("job", { jobId });
    expect(job).toMatchObject({ state: "done", reason: null, withheld: false });
    // Without a second one, when a node was killed, this test has proved nothing.
    expect(attemptsAt(party, jobId)).toEqual(attempts);
    if (party === "bank") expect(job.summary).toMatchObject({ matched: SHARED, tags: { yes: SHARED } });
  }
  issued += SHARED;
  const { tags } = await (await trio.client("bank")).call("tags", {});
  expect(tags.filter((tag) => tag.jobId === jobId)).toMatchObject([{ value: "yes", count: SHARED }]);
  await expect.poll(() => leftoversIn(trio.dir("bank"))).toEqual({ ...NOTHING_LEFT, tags: issued });
  await expect.poll(() => leftoversIn(trio.dir("bureau"))).toEqual(NOTHING_LEFT);
}

function attemptsAt(party: PartyName, jobId: string): number[] {
  const db = new DatabaseSync(join(trio.dir(party), "node.db"), { readOnly: true });
  try {
    const rows = db.prepare("SELECT event FROM job_event WHERE jobId = ? ORDER BY seq").all(jobId);
    const events = rows.map(({ event }) => JSON.parse(event as string) as { type: string; attempt: number });
    return events.filter(({ type }) => type === "attempt-started").map(({ attempt }) => attempt);
  } finally {
    db.close();
  }
}

async function untilOnline(): Promise<void> {
  for (const party of PARTIES) {
    const client = await trio.client(party);
    await expect.poll(async () => (await client.call("node", {})).connected, { timeout: 20_000 }).toBe(true);
  }
}

test("the provider's node", async () => {
  const jobId = await runningJob();
  await trio.restart("bureau");
  await doneAtBoth(jobId, [1, 2]);
  await untilOnline();
});

test("the receiver's node", async () => {
  const jobId = await runningJob();
  await trio.kill("bank");
  // The provider has not ended it: it waits for the receiver.
  const bureau = await trio.client("bureau");
  expect((await bureau.call("job", { jobId })).state).toBe("running");
  await trio.restart("bank");
  await doneAtBoth(jobId, [1, 2]);
  await untilOnline();
});

test("the coordinator, to which both nodes come back by themselves and go on in the same session", async () => {
  const jobId = await runningJob();
  await trio.kill("hub");
  // Without the coordinator no job begins.
  await expect(runJob(trio, audience())).rejects.toMatchObject({ code: "COORDINATOR_UNREACHABLE" });
  await trio.restart("hub");
  await untilOnline();
  await doneAtBoth(jobId, [1]);
});

test("a new job succeeds, and both parties' evidence tells of all of it and verifies", async () => {
  await register(1_000);
  const job = await runJob(trio, audience());
  expect(job).toMatchObject({ state: "done", summary: { matched: 500, tags: { yes: 500 } } });
  const provider = await (await trio.client("bureau")).waitForJob(job.jobId, { pollMs: 50 });
  expect(provider.state).toBe("done");
  const folders = [];
  for (const party of PARTIES) {
    const out = join(trio.folder, `audit-${party}`);
    const collaboration = collaborationOf(["bank", "bureau"]);
    await cliJson("--node", trio.dir(party), "audit", "export", "--collaboration", collaboration, "--out", out);
    folders.push(out);
  }
  expect(await cliJson("audit", "verify", ...folders)).toMatchObject({ verdict: "verified" });
});
