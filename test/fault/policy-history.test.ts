/** Attacks on what a node remembers of its budgets: databases deleted or changed, clocks set back, stops at any step. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { decideJob } from "../../party/jobs/approvals.ts";
import { ControlClient } from "../../party/session/control.ts";
import { STORE_FILE } from "../../party/store/open.ts";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { readJobAnswer } from "../../proto/agreement/job-spec.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope, type Envelope } from "../../proto/encoding/dsse.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import type { Digest } from "../../proto/ids.ts";
import { range } from "../support/people.ts";
import {
  begin,
  COLLABORATION,
  chargedRuns,
  DAY_MS,
  eventsOf,
  ignorePolicy,
  outcomeAtBank,
  rateOf,
  STEWARD,
  scoreOf,
  smallAgreement,
  startWithLists,
  Times,
  untilEnded,
  withApproval,
} from "../support/policy-nodes.ts";
import { IdealWorker } from "../support/policy-worker.ts";
import type { NodeName, TwoNodes } from "../support/two-nodes.ts";

const EPOCH_DAYS = 5;
const times = new Times();
let nodes: TwoNodes;
let files: { bank: string; bureau: string };
let titles = 0;

/** New nodes for each test: what was deleted at one is missed by the next job. */
beforeEach(async () => {
  times.both(0);
  ({ nodes, files } = await startWithLists(times));
  times.nextEpoch(EPOCH_DAYS);
});
afterEach(async () => {
  IdealWorker.before = async () => {};
  vi.restoreAllMocks();
  await nodes.close();
});

const generous = { runsPerEpoch: 1000, runsPerDay: 1000, epochDays: EPOCH_DAYS };
function draft(changes: Record<string, unknown> = {}, budgets: Record<string, unknown> = {}): Record<string, unknown> {
  return smallAgreement({ title: `Histories ${++titles}`, budgets: { ...generous, ...budgets }, ...changes });
}

describe("a node whose database was deleted", () => {
  /** Peers confirmed, datasets registered and the agreement taken anew. */
  async function afresh(party: NodeName, digest: Digest): Promise<void> {
    const peer = party === "bank" ? "bureau" : "bank";
    const { envelope } = await nodes[party].connected.agreements.require(digest);
    const close = nodes[party].close.bind(nodes[party]);
    vi.spyOn(nodes[party], "close").mockImplementation(async () => {
      await close();
      for (const suffix of ["", "-wal", "-shm"])
        await rm(join(nodes.folder(party), `${STORE_FILE}${suffix}`), { force: true });
      // Or the node would not start: it has run here.
      await rm(join(nodes.folder(party), "evidence", "generation"));
    });
    await nodes.restart(party);
    const { peers, agreements, link } = nodes[party].connected;
    // The coordinator forgets with it.
    vi.spyOn(link, "recordAgreement").mockResolvedValue({} as never);
    await peers.confirm(peer, fingerprint(nodes[peer].keyring.identity.publicKey));
    await nodes.register(files);
    await agreements.receive(await peers.require(peer), envelope);
  }

  test.each(["bank", "bureau"] as const)(
    "the %s's still counts the runs of the epoch, and of scores",
    async (party) => {
      const agreement = await nodes.agree(draft({}, { runsPerEpoch: 2 }));
      const score = scoreOf(agreement, "1");
      expect(await outcomeAtBank(nodes, { agreement })).toBe("done");
      expect(await outcomeAtBank(nodes, score)).toBe("done");
      await afresh(party, agreement);
      expect(await nodes[party].book.list()).toEqual([]);
      // Only this node decides.
      ignorePolicy(nodes[party === "bank" ? "bureau" : "bank"]);
      expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_EPOCH");
      const wider = await nodes.agree(draft({}, { modelVersionsPerEpoch: 1000 }));
      ignorePolicy(nodes[party === "bank" ? "bureau" : "bank"]);
      if (party === "bureau")
        expect(await outcomeAtBank(nodes, { ...score, agreement: wider })).toBe("POLICY_SCORE_REPEATED");
      expect(await chargedRuns(nodes[party])).toBeGreaterThanOrEqual(2);
    },
  );

  test("the bank's still compares the lists of match rates", async () => {
    const agreement = await nodes.agree(draft());
    expect(await outcomeAtBank(nodes, rateOf(agreement))).toBe("done");
    await afresh("bank", agreement);
    expect(await outcomeAtBank(nodes, rateOf(agreement, "n <> 30"))).toBe("POLICY_DIFFERENCE");
    expect(await outcomeAtBank(nodes, rateOf(agreement, "n < 49"))).toBe("POLICY_DIFFERENCE");
  });

  test("the bureau's does not run again what it has run before, when it is offered it again", async () => {
    const agreement = await nodes.agree(draft({}, { runsPerEpoch: 1 }));
    const { jobId, finished } = await begin(nodes, { agreement });
    await finished;
    await untilEnded(nodes.bureau, jobId);
    const text = (await nodes.bank.store.jobDocument(jobId, "spec")) as string;
    await afresh("bureau", agreement);
    const spec = decodeEnvelope(utf8(text));
    const { peers, meetings } = nodes.bank.connected;
    const bureau = await peers.require("bureau");
    const client = new ControlClient(await meetings.openControl(bureau));
    try {
      const answer = await client.job(spec).then(
        (signed: Envelope) => readJobAnswer(signed, bureau.key("jobs"), digestOf(spec.payload)),
        () => ({ decision: "refused" as const }),
      );
      expect(answer.decision).toBe("refused");
    } finally {
      await client.close();
    }
  });

  test("a revoked agreement stays revoked by what the evidence says", async () => {
    const agreement = await nodes.agree(draft());
    await nodes.bank.connected.revocations.revoke(agreement);
    await expect
      .poll(async () => (await nodes.bureau.connected.agreements.status(agreement)).state, { timeout: 5_000 })
      .toBe("revoked");
    await afresh("bank", agreement);
    ignorePolicy(nodes.bureau);
    expect((await nodes.bank.connected.agreements.status(agreement)).state).toBe("revoked");
  });
});

describe("a projection of the budgets that was", () => {
  const KEY = `charged-runs/${COLLABORATION}`;
  function changeSettings(party: NodeName, change: (db: DatabaseSync) => void): void {
    const close = nodes[party].close.bind(nodes[party]);
    vi.spyOn(nodes[party], "close").mockImplementation(async () => {
      await close();
      const db = new DatabaseSync(join(nodes.folder(party), STORE_FILE));
      change(db);
      db.close();
    });
  }

  test.each(["bank", "bureau"] as const)("deleted at the %s is made anew", async (party) => {
    const agreement = await nodes.agree(draft({}, { runsPerEpoch: 1 }));
    expect(await outcomeAtBank(nodes, { agreement })).toBe("done");
    const before = await chargedRuns(nodes[party]);
    changeSettings(party, (db) => {
      expect(db.prepare("DELETE FROM setting WHERE key = ?").run(KEY).changes).toBe(1);
    });
    await nodes.restart(party);
    expect(await chargedRuns(nodes[party])).toBe(before);
    ignorePolicy(nodes[party === "bank" ? "bureau" : "bank"]);
    expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_EPOCH");
  });

  test.each(["bank", "bureau"] as const)(
    "emptied at the %s, with its root left as it is, is not believed",
    async (party) => {
      const agreement = await nodes.agree(draft({}, { runsPerEpoch: 1 }));
      expect(await outcomeAtBank(nodes, { agreement })).toBe("done");
      const before = await chargedRuns(nodes[party]);
      changeSettings(party, (db) => {
        const { value } = db.prepare("SELECT value FROM setting WHERE key = ?").get(KEY) as { value: string };
        const emptied = JSON.stringify({ ...JSON.parse(value), runs: [] }, ["root", "runs", "size"]);
        db.prepare("UPDATE setting SET value = ? WHERE key = ?").run(emptied, KEY);
      });
      await nodes.restart(party);
      expect(await chargedRuns(nodes[party])).toBe(before);
    },
  );
});

test("evidence that was deleted frees nothing: the node knows that there was more, and signs nothing", async () => {
  const agreement = await nodes.agree(draft({}, { runsPerEpoch: 1 }));
  expect(await outcomeAtBank(nodes, { agreement })).toBe("done");
  const close = nodes.bank.close.bind(nodes.bank);
  const folder = join(nodes.folder("bank"), "evidence", COLLABORATION);
  vi.spyOn(nodes.bank, "close").mockImplementation(async () => {
    await close();
    await rm(folder, { recursive: true });
  });
  await nodes.restart("bank");
  ignorePolicy(nodes.bureau);
  // The node's store knows of more entries than the log holds: it signs nothing, no wider agreement, neither.
  await expect(nodes.agree(draft())).rejects.toMatchObject({ code: "LOG_FORKED" });
  expect(await outcomeAtBank(nodes, { agreement })).not.toBe("done");
});

describe("a clock that is set back", () => {
  test("at both nodes frees no run of the epoch", async () => {
    const agreement = await nodes.agree(draft({}, { runsPerEpoch: 1, runsPerDay: 1 }));
    await nodes.bank.clock.keep();
    await nodes.bureau.clock.keep();
    const nowMs = times.aheadMs.bank;
    times.both(nowMs - EPOCH_DAYS * DAY_MS);
    try {
      const outcomes = [];
      for (const _run of range(0, 3)) outcomes.push(await outcomeAtBank(nodes, { agreement }));
      expect(outcomes).toEqual(["done", "POLICY_RUNS_EPOCH", "POLICY_RUNS_EPOCH"]);
    } finally {
      times.both(nowMs);
    }
  });

  test("revives no agreement that has expired, after a restart, neither", async () => {
    const validUntil = new Date(nodes.bank.clock.nowMs() + 3_600_000).toISOString();
    const agreement = await nodes.agree(draft({ validUntil }));
    expect(await outcomeAtBank(nodes, { agreement })).toBe("done");
    const nowMs = times.aheadMs.bank;
    times.both(nowMs + 7_200_000);
    expect(await outcomeAtBank(nodes, { agreement })).toBe("AGREEMENT_EXPIRED");
    ignorePolicy(nodes.bank);
    expect(await outcomeAtBank(nodes, { agreement })).toBe("AGREEMENT_EXPIRED");
    vi.restoreAllMocks();
    times.both(nowMs);
    expect(await outcomeAtBank(nodes, { agreement })).toBe("AGREEMENT_EXPIRED");
    await nodes.restart("bank");
    await nodes.restart("bureau");
    expect(await outcomeAtBank(nodes, { agreement })).toBe("AGREEMENT_EXPIRED");
    ignorePolicy(nodes.bank);
    expect(await outcomeAtBank(nodes, { agreement })).toBe("AGREEMENT_EXPIRED");
    times.both(nowMs + 7_200_000);
  });
});

describe("a stop between the charge and the start", () => {
  test("at the bank leaves the run charged", async () => {
    const agreement = await nodes.agree(draft({}, { runsPerEpoch: 1 }));
    const { store } = nodes.bank;
    vi.spyOn(store, "appendJobEvent").mockRejectedValue(new Error("stopped"));
    await expect(begin(nodes, { agreement })).rejects.toThrow();
    vi.restoreAllMocks();
    await nodes.restart("bank");
    expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_EPOCH");
  });

  test("at the bureau leaves the run charged, and the same offer is charged once", async () => {
    const agreement = await nodes.agree(draft({}, { runsPerEpoch: 1 }));
    const { store } = nodes.bureau;
    const append = store.appendJobEvent.bind(store);
    vi.spyOn(store, "appendJobEvent").mockImplementation(async (id, length, event) => {
      if (event.type === "proposed") throw new Error("stopped");
      return append(id, length, event);
    });
    const before = await chargedRuns(nodes.bureau);
    expect(await outcomeAtBank(nodes, { agreement })).not.toBe("done");
    expect(await chargedRuns(nodes.bureau)).toBe(before + 1);
    vi.restoreAllMocks();
    await nodes.restart("bureau");
    expect(await chargedRuns(nodes.bureau)).toBe(before + 1);
    ignorePolicy(nodes.bank);
    expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_EPOCH");
  });

  test("of an approved job leaves it charged once, and it goes on by itself", async () => {
    const agreement = await nodes.agree(draft(withApproval("every-run", "automatic"), { runsPerEpoch: 1 }));
    const { jobId } = await begin(nodes, { agreement });
    const { store } = nodes.bank;
    vi.spyOn(store, "appendJobEvent").mockRejectedValue(new Error("stopped"));
    const decision = { jobId, isApproved: true, person: STEWARD };
    await expect(decideJob(nodes.bank.connected, decision)).rejects.toThrow();
    vi.restoreAllMocks();
    const before = await chargedRuns(nodes.bank);
    await nodes.restart("bank");
    await untilEnded(nodes.bank, jobId);
    const other = await begin(nodes, { agreement }).catch((error) => String(error.code));
    expect(other).toBe("POLICY_RUNS_EPOCH");
    expect(await chargedRuns(nodes.bank)).toBe(before);
    expect(await eventsOf(nodes.bank, jobId)).toContain("opened");
  });

  test("while it runs, at both nodes, leaves it charged", async () => {
    const agreement = await nodes.agree(draft({}, { runsPerEpoch: 1 }));
    let isStopped = false;
    IdealWorker.before = async (kind) => {
      if (kind === "receive") {
        isStopped = true;
        await new Promise(() => {});
      }
    };
    void begin(nodes, { agreement }).catch(() => {});
    await expect.poll(() => isStopped, { timeout: 5_000 }).toBe(true);
    const before = [await chargedRuns(nodes.bank), await chargedRuns(nodes.bureau)];
    await nodes.restart("bank");
    await nodes.restart("bureau");
    expect([await chargedRuns(nodes.bank), await chargedRuns(nodes.bureau)]).toEqual(before);
    expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_EPOCH");
    ignorePolicy(nodes.bank);
    expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_EPOCH");
  });
});
