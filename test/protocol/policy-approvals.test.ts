/** Attacks on approvals: by whoever asked, by the coordinator, by haste, and by a stop at the wrong moment. */
import { join } from "node:path";
import type { Logger } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Access } from "../../party/access/access.ts";
import { handlers } from "../../party/api/handlers.ts";
import { decideJob, endOverdue, waitingJobs } from "../../party/jobs/approvals.ts";
import type { Node } from "../../party/node.ts";
import type { Digest } from "../../proto/ids.ts";
import { PURPOSE } from "../support/demo-agreement.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import {
  ANALYST,
  begin,
  chargedRuns,
  DAY_MS,
  entriesOf,
  eventsOf,
  ID_FORM,
  requestOf,
  STEWARD,
  smallAgreement,
  startWithLists,
  stateOf,
  subjectsOf,
  Times,
  untilEnded,
  withApproval,
} from "../support/policy-nodes.ts";
import { NOBODY_LISTENS } from "../support/stub-node.ts";
import type { NodeName, TwoNodes } from "../support/two-nodes.ts";

/** How often a node asks again about a job that its peer left pending. */
const ASK_AGAIN_MS = 120_000;
const EPOCH_DAYS = 15;
const times = new Times();
let nodes: TwoNodes;
let data: string;
let titles = 0;

beforeAll(async () => {
  ({ nodes, data } = await startWithLists(times));
});
beforeEach(() => times.nextEpoch(EPOCH_DAYS));
afterEach(() => vi.restoreAllMocks());
afterAll(() => nodes.close());

function agree(receiver: string, provider: string, budgets: Record<string, unknown> = {}): Promise<Digest> {
  const generous = { runsPerEpoch: 1000, runsPerDay: 1000, epochDays: EPOCH_DAYS };
  const changes = { title: `Approvals ${++titles}`, budgets: { ...generous, ...budgets } };
  return nodes.agree(smallAgreement({ ...changes, ...withApproval(receiver, provider) }));
}

function decide(party: NodeName, jobId: string, isApproved = true, person = STEWARD) {
  return decideJob(nodes[party].connected, { jobId, isApproved, person });
}

/** Until the job waits for a person at the bureau, and the bank knows. */
async function pendingAtBureau(agreement: string) {
  const { jobId, finished } = await begin(nodes, { agreement });
  await expect
    .poll(() => nodes.bank.book.progress(jobId)?.step, { timeout: 10_000, interval: 10 })
    .toBe("awaiting-peer-approval");
  return { jobId, finished };
}

async function ended(jobId: string): Promise<string[]> {
  const jobs = [await untilEnded(nodes.bank, jobId), await untilEnded(nodes.bureau, jobId)];
  return jobs.map(stateOf);
}

function waitingAt(node: Node): Promise<string[]> {
  return waitingJobs(node.connected).then((waiting) => waiting.map(({ job }) => job.jobId));
}

describe("at the receiver", () => {
  test("what was read is approved, and nothing else", async () => {
    const { jobId } = await begin(nodes, { agreement: await agree("every-run", "automatic") });
    const approve = (leakStatement: string) =>
      decideJob(nodes.bank.connected, { jobId, isApproved: true, person: STEWARD, leakStatement });
    await expect(approve("0".repeat(64))).rejects.toMatchObject({ code: "APPROVAL_OF_OTHER_STATEMENT" });
    const [waiting] = await waitingJobs(nodes.bank.connected);
    await approve(waiting?.statement.digest as string);
    expect(await ended(jobId)).toEqual(["done", "done"]);
  });

  test("a pending job does nothing: no charge, no word to the peer, no entry there", async () => {
    const agreement = await agree("every-run", "automatic");
    const openControl = vi.spyOn(nodes.bank.connected.meetings, "openControl");
    const createJob = vi.spyOn(nodes.bank.connected.link, "createJob");
    const before = [await chargedRuns(nodes.bank), await chargedRuns(nodes.bureau)];
    const { jobId, finished } = await begin(nodes, { agreement });
    await finished;
    expect(await waitingAt(nodes.bank)).toContain(jobId);
    expect(openControl).not.toHaveBeenCalled();
    expect(createJob).not.toHaveBeenCalled();
    expect([await chargedRuns(nodes.bank), await chargedRuns(nodes.bureau)]).toEqual(before);
    expect(await eventsOf(nodes.bank, jobId)).toEqual(["job-requested", "policy-decision:approval-needed"]);
    expect(await eventsOf(nodes.bureau, jobId)).toEqual([]);
    await decide("bank", jobId);
    expect(await ended(jobId)).toEqual(["done", "done"]);
    const events = await eventsOf(nodes.bank, jobId);
    expect(events.indexOf("approval")).toBe(2);
    expect(events.indexOf("policy-decision:allowed")).toBe(3);
  });

  test("whoever asked cannot approve, and nothing of it is recorded", async () => {
    const agreement = await agree("every-run", "automatic");
    const { jobId } = await begin(nodes, { agreement });
    await expect(decide("bank", jobId, true, ANALYST)).rejects.toMatchObject({ code: "APPROVER_IS_REQUESTER" });
    expect(await eventsOf(nodes.bank, jobId)).toEqual(["job-requested", "policy-decision:approval-needed"]);
    await nodes.restart("bank");
    await expect(decide("bank", jobId, true, ANALYST)).rejects.toMatchObject({ code: "APPROVER_IS_REQUESTER" });
    await decide("bank", jobId, false);
    expect(stateOf(await untilEnded(nodes.bank, jobId))).toBe("APPROVAL_DECLINED");
    await expect(decide("bank", jobId)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await eventsOf(nodes.bureau, jobId)).toEqual([]);
  });

  test("approved twice at once, it runs and is charged once", async () => {
    const agreement = await agree("every-run", "automatic");
    const { jobId } = await begin(nodes, { agreement });
    const twice = await Promise.allSettled([decide("bank", jobId), decide("bank", jobId)]);
    expect(twice.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await ended(jobId)).toEqual(["done", "done"]);
    const events = await eventsOf(nodes.bank, jobId);
    expect(events.filter((event) => event === "approval" || event === "policy-decision:allowed")).toHaveLength(2);
    await expect(decide("bank", jobId)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("survives a restart of its node, still waits, and then runs", async () => {
    const agreement = await agree("every-run", "automatic");
    const { jobId } = await begin(nodes, { agreement });
    await nodes.restart("bank");
    expect(await waitingAt(nodes.bank)).toContain(jobId);
    await decide("bank", jobId);
    expect(await ended(jobId)).toEqual(["done", "done"]);
  });

  test("the budget is looked at when it is approved, not only when it was asked for", async () => {
    const agreement = await agree("every-run", "automatic", { runsPerEpoch: 1 });
    const jobs = [await begin(nodes, { agreement }), await begin(nodes, { agreement })];
    await Promise.all(jobs.map(({ jobId }) => decide("bank", jobId)));
    const states = await Promise.all(jobs.map(async ({ jobId }) => stateOf(await untilEnded(nodes.bank, jobId))));
    expect(states.sort()).toEqual(["POLICY_RUNS_EPOCH", "done"]);
  });

  test("approved after its dataset was registered anew, it does not run", async () => {
    const agreement = await agree("every-run", "automatic");
    const { jobId } = await begin(nodes, { agreement });
    const path = await writePeople(join(data, "bank-2.csv"), range(0, 51), { n: (person) => person });
    await nodes.bank.datasets.register({ name: "customers", path, ...ID_FORM });
    try {
      await expect(decide("bank", jobId)).rejects.toMatchObject({ code: "DATASET_CHANGED" });
      expect(await eventsOf(nodes.bank, jobId)).not.toContain("policy-decision:allowed");
      expect(await eventsOf(nodes.bureau, jobId)).toEqual([]);
    } finally {
      await nodes.bank.datasets.register({ name: "customers", path: join(data, "bank.csv"), ...ID_FORM });
    }
  });

  test("after seven days it cannot be approved any more, whether the node has looked or not", async () => {
    const agreement = await agree("every-run", "automatic");
    const { jobId } = await begin(nodes, { agreement });
    const other = await begin(nodes, { agreement });
    times.both(times.aheadMs.bank + 7 * DAY_MS + 60_000);
    // Before the node has looked what is overdue.
    const early = await decide("bank", jobId).then(
      ({ reason }) => reason?.code ?? "approved",
      (error) => String(error.code),
    );
    await endOverdue(nodes.bank.connected);
    expect(stateOf(await untilEnded(nodes.bank, other.jobId))).toBe("APPROVAL_OVERDUE");
    await expect(decide("bank", other.jobId)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(early).toBe("APPROVAL_OVERDUE");
  });
});

describe("first-run", () => {
  test("asks until one has been completed under this very agreement, at both nodes", async () => {
    const agreement = await agree("first-run", "first-run");
    const { jobId } = await begin(nodes, { agreement });
    expect(await waitingAt(nodes.bank)).toContain(jobId);
    await decide("bank", jobId);
    await expect.poll(() => waitingAt(nodes.bureau), { timeout: 10_000 }).toContain(jobId);
    await decide("bureau", jobId);
    expect(await ended(jobId)).toEqual(["done", "done"]);
    const next = await begin(nodes, { agreement });
    expect(await ended(next.jobId)).toEqual(["done", "done"]);
    const other = await begin(nodes, { agreement: await agree("first-run", "automatic") });
    expect(await waitingAt(nodes.bank)).toContain(other.jobId);
  });

  test("a first run that was declined or broken off was none", async () => {
    const agreement = await agree("first-run", "automatic");
    const first = await begin(nodes, { agreement });
    await decide("bank", first.jobId, false);
    const second = await begin(nodes, { agreement });
    const { IdealWorker } = await import("../support/policy-worker.ts");
    vi.spyOn(IdealWorker, "before").mockRejectedValue(new Error("a fault"));
    await decide("bank", second.jobId);
    await untilEnded(nodes.bank, second.jobId);
    await untilEnded(nodes.bureau, second.jobId);
    vi.restoreAllMocks();
    const third = await begin(nodes, { agreement });
    expect(await waitingAt(nodes.bank)).toContain(third.jobId);
  });
});

describe("at the provider", () => {
  test("a pending job does nothing there: no charge, nothing read, and no attempt is prepared", async () => {
    const agreement = await agree("automatic", "every-run");
    const before = await chargedRuns(nodes.bureau);
    const { jobId, finished } = await pendingAtBureau(agreement);
    expect(nodes.bureau.connected.served.has(jobId)).toBe(false);
    expect(await chargedRuns(nodes.bureau)).toBe(before);
    expect(await eventsOf(nodes.bureau, jobId)).toEqual(["job-requested", "policy-decision:approval-needed"]);
    // The receiver asks again and again, and would go on without the answer.
    times.pass(ASK_AGAIN_MS);
    await new Promise((done) => setTimeout(done, 200));
    expect(await chargedRuns(nodes.bureau)).toBe(before);
    const { prepareJob } = await import("../../party/jobs/provider.ts");
    const { peers, agreements } = nodes.bureau.connected;
    const inForce = nodes.bank.connected.leases.statement((await agreements.require(agreement)).agreement);
    await expect(
      prepareJob(nodes.bureau.connected, await peers.require("bank"), {
        jobId: jobId as never,
        lastAttempt: 0,
        finished: [],
        inForce,
      }),
    ).rejects.toMatchObject({ code: "WIRE_UNEXPECTED" });
    await decide("bureau", jobId);
    await finished;
    expect(await ended(jobId)).toEqual(["done", "done"]);
    const events = await eventsOf(nodes.bureau, jobId);
    expect(events.slice(0, 4)).toEqual([
      "job-requested",
      "policy-decision:approval-needed",
      "approval",
      "policy-decision:allowed",
    ]);
  });

  test("declined, it ends at both nodes, and the entry names no person", async () => {
    const agreement = await agree("automatic", "every-run");
    const { jobId } = await pendingAtBureau(agreement);
    await decide("bureau", jobId, false, "Wang Li");
    expect(await ended(jobId)).toEqual(["APPROVAL_DECLINED", "APPROVAL_DECLINED"]);
    expect((await nodes.bank.book.require(jobId)).reason?.by).toBe("peer");
    for (const node of [nodes.bank, nodes.bureau])
      for (const { statement } of await entriesOf(node)) expect(JSON.stringify(statement)).not.toContain("Wang");
  });

  test("a coordinator that reports it as admitted, and wakes the bank as if it were decided, changes nothing", async () => {
    const agreement = await agree("automatic", "every-run");
    const { jobId } = await pendingAtBureau(agreement);
    // What the coordinator says of a job, whoever asks.
    for (const node of [nodes.bank, nodes.bureau])
      for (const name of ["getJob", "reportJob", "createJob"] as const)
        vi.spyOn(node.connected.link, name).mockResolvedValue({ jobId, state: "admitted" } as never);
    nodes.bank.connected.pending.decided(jobId);
    await new Promise((done) => setTimeout(done, 300));
    expect(await nodes.bank.book.require(jobId)).toMatchObject({ state: "proposed", attempt: 0 });
    expect(await nodes.bureau.book.require(jobId)).toMatchObject({ state: "proposed", awaitsApproval: true });
    expect(await eventsOf(nodes.bureau, jobId)).toEqual(["job-requested", "policy-decision:approval-needed"]);
    vi.restoreAllMocks();
    await decide("bureau", jobId, false);
    expect(await ended(jobId)).toEqual(["APPROVAL_DECLINED", "APPROVAL_DECLINED"]);
  });

  test.each(["bank", "bureau"] as const)("survives a restart of the %s's node", async (party) => {
    const agreement = await agree("automatic", "every-run");
    const { jobId } = await pendingAtBureau(agreement);
    await nodes.restart(party);
    expect(await waitingAt(nodes.bureau)).toContain(jobId);
    expect(await eventsOf(nodes.bureau, jobId)).not.toContain("policy-decision:allowed");
    await decide("bureau", jobId);
    await new Promise((done) => setTimeout(done, 100));
    times.pass(ASK_AGAIN_MS);
    expect(await ended(jobId)).toEqual(["done", "done"]);
  });

  test("approved after its dataset was registered anew, it ends at both nodes with the reason", async () => {
    const agreement = await agree("automatic", "every-run");
    const { jobId } = await pendingAtBureau(agreement);
    const path = await writePeople(join(data, "bureau-2.csv"), range(20, 71), REPAYMENTS);
    await nodes.bureau.datasets.register({ name: "repayments", path, ...ID_FORM });
    try {
      const before = await chargedRuns(nodes.bureau);
      await decide("bureau", jobId).catch(() => {});
      expect(await chargedRuns(nodes.bureau)).toBe(before);
      expect(await ended(jobId)).toEqual(["DATASET_CHANGED", "DATASET_CHANGED"]);
    } finally {
      await nodes.bureau.datasets.register({ name: "repayments", path: join(data, "bureau.csv"), ...ID_FORM });
    }
  });

  test("overdue after seven days, it ends at both", async () => {
    const agreement = await agree("automatic", "every-run");
    const { jobId } = await pendingAtBureau(agreement);
    times.both(times.aheadMs.bank + 7 * DAY_MS + 60_000);
    await expect(
      decide("bureau", jobId).then(({ reason }) => {
        if (reason?.code === "APPROVAL_OVERDUE") throw Object.assign(new Error(), { code: reason.code });
      }),
    ).rejects.toMatchObject({ code: "APPROVAL_OVERDUE" });
    await endOverdue(nodes.bureau.connected);
    times.pass(ASK_AGAIN_MS);
    expect(await ended(jobId)).toEqual(["APPROVAL_OVERDUE", "APPROVAL_OVERDUE"]);
  });

  test.each(["approved", "admitted"] as const)(
    "a stop of the bureau's node after it wrote %s leaves no job that waits for ever",
    async (last) => {
      const agreement = await agree("automatic", "every-run");
      const { jobId } = await pendingAtBureau(agreement);
      const { store } = nodes.bureau;
      const append = store.appendJobEvent.bind(store);
      let isDead = false;
      vi.spyOn(store, "appendJobEvent").mockImplementation(async (id, length, event) => {
        if (isDead) throw new Error("stopped");
        const outcome = await append(id, length, event);
        isDead = id === jobId && event.type === last;
        if (isDead) throw new Error("stopped");
        return outcome;
      });
      await expect(decide("bureau", jobId)).rejects.toThrow();
      vi.restoreAllMocks();
      await nodes.restart("bureau");
      const stateAtBank = async () => {
        times.pass(ASK_AGAIN_MS);
        return (await nodes.bank.book.require(jobId)).state;
      };
      await expect.poll(stateAtBank, { timeout: 3_000 }).not.toBe("proposed");
      await ended(jobId);
      // What it has been charged it has been charged once.
      const charged = (await eventsOf(nodes.bureau, jobId)).filter((event) => event === "policy-decision:allowed");
      expect(charged).toHaveLength(1);
    },
  );
});

test("in the end tags are there only of jobs that were approved", async () => {
  for (const subject of await subjectsOf(nodes.bank)) expect(subject).toMatch(/^\+86139000000[2-4]\d$/);
});

describe("a steward is told", () => {
  const routesOf = (node: Node) => handlers(node, {} as Access, {} as Logger, "0");
  const caller = { tokenId: "", person: STEWARD, roles: ["steward"] } as const;
  const waitingOf = async (node: Node, jobId: string) =>
    (await routesOf(node).approvals({}, caller, NOBODY_LISTENS)).approvals.find(({ job }) => job.jobId === jobId);
  const releasedAt = async (node: Node, agreement: string) =>
    (await routesOf(node).released({}, caller, NOBODY_LISTENS)).released.filter(
      (group) => group.agreement === agreement,
    );

  test("what is new in a job, what it costs, and by whose wish, and later what was handed over, but never what was found", async () => {
    const agreement = await agree("automatic", "every-run", { runsPerEpoch: 7 });
    const first = await pendingAtBureau(agreement);
    expect(await waitingOf(nodes.bureau, first.jobId)).toMatchObject({
      ...{ requestedBy: null, ownDataset: "repayments", peerDataset: "customers", purpose: PURPOSE, version: 1 },
      budget: { runsPerEpoch: 7 },
    });
    await decide("bureau", first.jobId);
    expect(await ended(first.jobId)).toEqual(["done", "done"]);
    const wish = requestOf({ agreement, output: "match-rate" });
    const second = await begin(nodes, wish);
    await expect.poll(() => waitingAt(nodes.bureau), { timeout: 10_000 }).toContain(second.jobId);
    const shown = await waitingOf(nodes.bureau, second.jobId);
    expect(shown).toMatchObject({ budget: { runsInEpoch: 1 } });
    expect(shown?.news).not.toContain("first");
    expect(Date.parse(shown?.decideBefore ?? "") - Date.parse(shown?.proposedAt ?? "")).toBe(7 * DAY_MS);
    await decide("bureau", second.jobId, false);
    await ended(second.jobId);

    const [given, ...noMore] = await releasedAt(nodes.bureau, agreement);
    expect(noMore).toEqual([]);
    expect(given).toMatchObject({
      ...{
        peer: "bank",
        direction: "given",
        operation: "audience",
        ownDataset: "repayments",
        peerDataset: "customers",
      },
      ...{ released: 1, notReleased: 0, withheld: null, approved: 1, outputs: { list: 1 }, columnsInClear: [] },
    });
    expect(given?.lastAt).toBe(given?.firstAt);
    const [received] = await releasedAt(nodes.bank, agreement);
    expect(received).toMatchObject({ peer: "bureau", direction: "received", released: 1, withheld: 0, approved: 0 });
    // 30 people are in both lists.
    for (const group of [given, received]) expect(Object.values(group ?? {})).not.toContain(30);
  });

  test("that a result was withheld only where it is known, and what the next version of an agreement changes", async () => {
    const draft = (changes: Record<string, unknown>) =>
      smallAgreement({ title: "Few", budgets: { runsPerEpoch: 9, epochDays: EPOCH_DAYS }, ...changes });
    const strict = await nodes.agree(draft({ floors: { result: 31 } }));
    const { jobId } = await begin(nodes, { agreement: strict });
    await ended(jobId);
    expect(await releasedAt(nodes.bank, strict)).toMatchObject([{ released: 0, withheld: 1, lastAt: null }]);
    expect(await releasedAt(nodes.bureau, strict)).toMatchObject([{ released: 1, withheld: null }]);
    const looser = await nodes.agree(draft({ version: 2, supersedes: strict }));
    const terms = await routesOf(nodes.bureau).agreementTerms({ digest: looser }, caller, NOBODY_LISTENS);
    expect(terms.differences?.map(({ path, effect }) => [path, effect])).toEqual([["floors.result", "loosens"]]);
    expect(terms.terms.en[0]?.blocks[0]?.lines[0]).toBe(
      "The bank learns which people in its list are in yours, one by one.",
    );
    const first = await routesOf(nodes.bank).agreementTerms({ digest: strict }, caller, NOBODY_LISTENS);
    expect(first.differences).toBeNull();
  });
});
