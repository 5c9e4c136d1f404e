/** Attacks by a coordinator: it replays, forges, widens and drops, and changes nothing of what the parties signed. */

import type { Duplex } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { ControlClient } from "../../party/session/control.ts";
import { makeAgreement } from "../../proto/agreement/agreement.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import {
  agreementBy,
  begin,
  entriesOf,
  eventsOf,
  feedOf,
  ignorePolicy,
  outcomeAtBank,
  smallAgreement,
  startWithLists,
  stateOf,
  subjectsOf,
  Times,
  untilEnded,
} from "../support/policy-nodes.ts";
import { IdealWorker } from "../support/policy-worker.ts";
import type { NodeName, TwoNodes } from "../support/two-nodes.ts";

const HOUR_MS = 3_600_000;
const EPOCH_DAYS = 5;
const times = new Times();
let nodes: TwoNodes;
let titles = 0;
/** What the coordinator does to each node's calls. */
let cheat: Partial<CoordinatorLink> = {};
/** Lets nobody meet. */
let isDeaf = false;

function wrap(link: CoordinatorLink): CoordinatorLink {
  return new Proxy(link, {
    get(target, name: keyof CoordinatorLink) {
      if (isDeaf && name === "connectRelay")
        return () => Promise.reject<Duplex>(new EntenteError("PEER_GONE", { detail: "dropped" }));
      return cheat[name] ?? target[name];
    },
  });
}

beforeAll(async () => {
  ({ nodes } = await startWithLists(times, { wrap: () => wrap }));
});
beforeEach(() => times.nextEpoch(EPOCH_DAYS));
afterEach(() => {
  vi.restoreAllMocks();
  cheat = {};
  isDeaf = false;
});
afterAll(() => nodes.close());

const generous = { runsPerEpoch: 1000, runsPerDay: 1000, epochDays: EPOCH_DAYS };
function draft(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return smallAgreement({ title: `Coordinators ${++titles}`, budgets: generous, ...changes });
}

async function feed(): Promise<string> {
  return feedOf(nodes.bank).then(
    (tags) => `${tags} tags`,
    (error: unknown) => toEntenteError(error).code,
  );
}

describe("an old version of an agreement", () => {
  let first: Digest;
  let second: Digest;
  beforeAll(async () => {
    first = await nodes.agree(draft());
    expect(await outcomeAtBank(nodes, { agreement: first })).toBe("done");
    second = await nodes.agree(draft({ version: 2, supersedes: first, floors: { input: 60 } }));
  });

  test("is refused by the bank, and by the bureau when the bank's node was changed", async () => {
    expect(await outcomeAtBank(nodes, { agreement: first })).toBe("AGREEMENT_SUPERSEDED");
    expect(await outcomeAtBank(nodes, { agreement: second })).toBe("POLICY_INPUT_FLOOR");
    ignorePolicy(nodes.bank);
    expect(await outcomeAtBank(nodes, { agreement: first })).toBe("AGREEMENT_SUPERSEDED");
  });

  test("offered again, whole and signed, stays what it is at both, after a restart, too", async () => {
    for (const party of ["bank", "bureau"] as const) {
      const peer = party === "bank" ? "bureau" : "bank";
      const { envelope } = await nodes[peer].connected.agreements.require(first);
      const { agreements, peers } = nodes[party].connected;
      await agreements.receive(await peers.require(peer), envelope);
      await nodes.restart(party);
      expect((await nodes[party].connected.agreements.status(first)).state).toBe("superseded");
      await expect(nodes[party].connected.agreements.sign(first)).resolves.toMatchObject({ state: "superseded" });
    }
    expect(await outcomeAtBank(nodes, { agreement: first })).toBe("AGREEMENT_SUPERSEDED");
  });

  test("is not revived when the version after it is revoked", async () => {
    await nodes.bureau.connected.revocations.revoke(second);
    await expect
      .poll(async () => (await nodes.bank.connected.agreements.status(second)).state, { timeout: 10_000 })
      .toBe("revoked");
    expect(await outcomeAtBank(nodes, { agreement: first })).toBe("AGREEMENT_SUPERSEDED");
    expect(await outcomeAtBank(nodes, { agreement: second })).toBe("AGREEMENT_REVOKED");
    await expect(
      nodes.bank.connected.agreements.propose(draft({ version: 3, supersedes: second })),
    ).rejects.toMatchObject({ code: "AGREEMENT_INVALID" });
  });

  test("that is running when the next is signed ends without a key", async () => {
    const old = await nodes.agree(draft());
    let isDone = false;
    IdealWorker.before = async (kind) => {
      if (kind !== "receive" || isDone) return;
      isDone = true;
      await nodes.agree(draft({ version: 2, supersedes: old }));
    };
    try {
      const { jobId, finished } = await begin(nodes, { agreement: old });
      await finished;
      expect(stateOf(await untilEnded(nodes.bank, jobId))).toBe("AGREEMENT_SUPERSEDED");
      expect(await eventsOf(nodes.bureau, jobId)).not.toContain("gate-key-released");
    } finally {
      IdealWorker.before = async () => {};
    }
  });
});

describe("what the coordinator says", () => {
  test("of an agreement's state is nobody's signature", async () => {
    const { digest, envelope } = agreementBy(nodes, draft());
    const { agreements, peers } = nodes.bureau.connected;
    await agreements.receive(await peers.require("bank"), envelope(["bank"]));
    await nodes.bank.connected.agreements.propose(draft());
    cheat = {
      getAgreement: async () => ({ agreementDigest: digest, state: "active", parties: ["bank", "bureau"] }) as never,
      listAgreements: async () => [{ agreementDigest: digest, state: "active", parties: ["bank", "bureau"] }] as never,
      recordAgreement: async () => ({ agreementDigest: digest, state: "active", parties: ["bank", "bureau"] }) as never,
    };
    await nodes.bank.store.putAgreement({
      digest,
      collaboration: "0".repeat(32),
      envelope: (await nodes.bureau.store.agreement(digest))?.envelope as string,
      receivedAt: new Date().toISOString(),
    });
    expect(await outcomeAtBank(nodes, { agreement: digest })).toBe("AGREEMENT_UNSIGNED");
    expect((await agreements.status(digest)).state).toBe("proposed");
  });

  test("or what a store was changed to, widens no agreement: not at the bank, not at the bureau", async () => {
    const strict = await nodes.agree(draft({ floors: { input: 60 } }));
    for (const party of ["bank", "bureau"] as const) {
      const { store } = nodes[party];
      const record = await store.agreement(strict);
      if (record === undefined) throw new Error("not stored");
      const { payload, ...rest } = JSON.parse(record.envelope) as { payload: string };
      const document = JSON.parse(Buffer.from(payload, "base64").toString());
      const wide = makeAgreement({ ...document, floors: { ...document.floors, input: 1 } });
      const changed = { ...rest, payload: Buffer.from(wide.bytes).toString("base64") };
      await store.putAgreement({ ...record, envelope: JSON.stringify(changed, Object.keys(changed).sort()) });
      if (party === "bureau") ignorePolicy(nodes.bank);
      expect(await outcomeAtBank(nodes, { agreement: strict })).not.toBe("done");
      await store.putAgreement(record);
    }
  });

  test("of a job is another digest to each party: both act on the one that was signed", async () => {
    const agreement = await nodes.agree(draft());
    const { link } = nodes.bank.connected;
    const createJob = link.createJob.bind(link);
    cheat = { createJob: (request) => createJob({ ...request, jobDigest: "77".repeat(32) as Digest }) };
    const { jobId, finished } = await begin(nodes, { agreement });
    await finished;
    expect(stateOf(await untilEnded(nodes.bank, jobId))).toBe("done");
    expect(stateOf(await untilEnded(nodes.bureau, jobId))).toBe("done");
    const digests = await Promise.all(
      [nodes.bank, nodes.bureau].map(async (node) => (await node.book.require(jobId)).proposed.jobDigest),
    );
    expect(digests[0]).toBe(digests[1]);
    for (const node of [nodes.bank, nodes.bureau])
      for (const { statement } of await entriesOf(node))
        expect(JSON.stringify(statement)).not.toContain("77".repeat(32));
  });

  test("a spec that is changed on its way is refused, and so is an answer", async () => {
    const agreement = await nodes.agree(draft());
    const job = ControlClient.prototype.job;
    vi.spyOn(ControlClient.prototype, "job").mockImplementation(async function (this: ControlClient, signed) {
      const spec = JSON.parse(Buffer.from(signed.payload).toString());
      const payload = new Uint8Array(Buffer.from(JSON.stringify({ ...spec, output: "match-rate", tagDays: null })));
      return job.call(this, { ...signed, payload });
    });
    expect(await outcomeAtBank(nodes, { agreement })).toBe("SIGNATURE_INVALID");
    vi.restoreAllMocks();
    vi.spyOn(ControlClient.prototype, "job").mockImplementation(async function (this: ControlClient, signed) {
      const answer = await job.call(this, signed);
      const said = JSON.parse(Buffer.from(answer.payload).toString());
      const payload = new Uint8Array(Buffer.from(JSON.stringify({ ...said, answeredAt: new Date(0).toISOString() })));
      return { ...answer, payload };
    });
    expect(await outcomeAtBank(nodes, { agreement })).toBe("SIGNATURE_INVALID");
  });
});

describe("a revocation that is dropped", () => {
  test("ends jobs by the revoker at once, and the other's feed when the lease runs out", async () => {
    const agreement = await nodes.agree(draft());
    expect(await outcomeAtBank(nodes, { agreement })).toBe("done");
    expect(await feed()).toBe(`${(await subjectsOf(nodes.bank)).length} tags`);
    isDeaf = true;
    cheat = { recordAgreement: async () => ({}) as never };
    await nodes.bureau.connected.revocations.revoke(agreement);
    expect((await nodes.bank.connected.agreements.status(agreement)).state).toBe("active");
    times.both(times.aheadMs.bank + 23 * HOUR_MS);
    expect(await feed()).toMatch(/tags$/);
    times.both(times.aheadMs.bank + 2 * HOUR_MS);
    expect(await feed()).toBe("AGREEMENT_NOT_IN_FORCE");
    // The coordinator lets the nodes meet, but for the notice.
    vi.spyOn(ControlClient.prototype, "revocation").mockRejectedValue(new EntenteError("PEER_GONE"));
    isDeaf = false;
    expect(await feed()).toBe("AGREEMENT_NOT_IN_FORCE");
    expect(await outcomeAtBank(nodes, { agreement })).toBe("AGREEMENT_REVOKED");
    // A clock that is set back does not bring the lease back, nor does a restart.
    times.both(times.aheadMs.bank - 3 * HOUR_MS);
    expect(await feed()).toBe("AGREEMENT_NOT_IN_FORCE");
    await nodes.restart("bank");
    expect(await feed()).toBe("AGREEMENT_NOT_IN_FORCE");
    times.both(times.aheadMs.bank + 3 * HOUR_MS);
    vi.restoreAllMocks();
    const stateAtBank = async () => {
      for (const pauseMs of [1_000, 2_000, 4_000]) times.pass(pauseMs);
      return (await nodes.bank.connected.agreements.status(agreement)).state;
    };
    await expect.poll(stateAtBank, { timeout: 10_000 }).toBe("revoked");
    // Those of other agreements are fed on.
    await expect.poll(feed, { timeout: 5_000 }).toMatch(/tags$/);
  });

  test.each(["bank", "bureau"] as const)("stops a job that has run for a day at the %s", async (party: NodeName) => {
    const agreement = await nodes.agree(draft());
    IdealWorker.before = async (kind) => {
      if (kind === (party === "bank" ? "receive" : "provide")) times.aheadMs[party] += 25 * HOUR_MS;
    };
    try {
      const { jobId, finished } = await begin(nodes, { agreement });
      await finished;
      expect(stateOf(await untilEnded(nodes.bank, jobId))).toBe("AGREEMENT_NOT_IN_FORCE");
      expect(stateOf(await untilEnded(nodes.bureau, jobId))).toBe("AGREEMENT_NOT_IN_FORCE");
      expect(await eventsOf(nodes.bureau, jobId)).not.toContain("gate-key-released");
    } finally {
      IdealWorker.before = async () => {};
      times.both(Math.max(times.aheadMs.bank, times.aheadMs.bureau));
    }
  });

  test("an old statement that the agreement is in force is not taken for a new one", async () => {
    const agreement = await nodes.agree(draft());
    const held = (await nodes.bank.connected.agreements.require(agreement)).agreement;
    const old = nodes.bureau.connected.leases.statement(held);
    const { leases, peers } = nodes.bank.connected;
    const peer = await peers.require("bureau");
    times.both(times.aheadMs.bank + HOUR_MS);
    await expect(leases.accept(held, peer, old)).rejects.toMatchObject({ code: "SESSION_MISMATCH" });
    expect(() => leases.require(agreement)).toThrow(expect.objectContaining({ code: "AGREEMENT_NOT_IN_FORCE" }));
    const own = nodes.bank.connected.leases.statement(held);
    await expect(leases.accept(held, peer, own)).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
  });
});
