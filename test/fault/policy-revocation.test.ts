/** Attacks on the end of an agreement: what runs, what was issued and what is fed on stops, whoever is away or restarts. */

import type { Duplex } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { decideJob } from "../../party/jobs/approvals.ts";
import { signRevocation } from "../../proto/agreement/revocation.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import { leftoversIn, NOTHING_LEFT } from "../support/node-folder.ts";
import {
  begin,
  entriesOf,
  eventsOf,
  feedOf,
  ignorePolicy,
  outcomeAtBank,
  STEWARD,
  smallAgreement,
  startWithLists,
  stateOf,
  subjectsOf,
  Times,
  untilEnded,
  withApproval,
} from "../support/policy-nodes.ts";
import { IdealWorker } from "../support/policy-worker.ts";
import type { NodeName, TwoNodes } from "../support/two-nodes.ts";

const EPOCH_DAYS = 5;
const PARTIES = ["bank", "bureau"] as const;
const times = new Times();
let nodes: TwoNodes;
let titles = 0;
/** Whom nobody can meet: as if its machine were off. */
const away = new Set<NodeName>();

function wrap(party: NodeName): (link: CoordinatorLink) => CoordinatorLink {
  return (link) => ({
    ...link,
    connectRelay: (relayId) => {
      if (!away.has(party)) return link.connectRelay(relayId);
      return link.connectRelay(relayId).then((stream): Duplex => stream.destroy());
    },
  });
}

beforeAll(async () => {
  ({ nodes } = await startWithLists(times, { wrap }));
});
beforeEach(() => times.nextEpoch(EPOCH_DAYS));
afterEach(() => {
  IdealWorker.before = async () => {};
  vi.restoreAllMocks();
  away.clear();
});
afterAll(() => nodes.close());

function agree(changes: Record<string, unknown> = {}): Promise<Digest> {
  const budgets = { runsPerEpoch: 1000, runsPerDay: 1000, epochDays: EPOCH_DAYS };
  return nodes.agree(smallAgreement({ title: `Revocations ${++titles}`, budgets, ...changes }));
}

async function stateAt(party: NodeName, agreement: string): Promise<string> {
  for (const pauseMs of [1_000, 2_000, 4_000, 8_000]) times.pass(pauseMs);
  return (await nodes[party].connected.agreements.status(agreement)).state;
}

function untilRevoked(party: NodeName, agreement: string): Promise<void> {
  return expect.poll(() => stateAt(party, agreement), { timeout: 5_000, interval: 20 }).toBe("revoked");
}

async function endEvents(party: NodeName, agreement: string): Promise<string[]> {
  return (await entriesOf(nodes[party])).flatMap((entry) => {
    if (entry.event !== "agreement-revoked" && entry.event !== "tags-withdrawn") return [];
    return entry.statement.predicate.agreementDigest === agreement ? [entry.event] : [];
  });
}

/** Nothing of it can be done any more, whichever node's software was changed. */
async function expectOver(agreement: Digest): Promise<void> {
  expect(await outcomeAtBank(nodes, { agreement })).toBe("AGREEMENT_REVOKED");
  ignorePolicy(nodes.bank);
  expect(await outcomeAtBank(nodes, { agreement })).not.toBe("done");
  vi.restoreAllMocks();
  for (const party of PARTIES) {
    const { agreements } = nodes[party].connected;
    await expect(agreements.sign(agreement)).rejects.toMatchObject({ code: "AGREEMENT_REVOKED" });
  }
}

describe.each(PARTIES)("revoked by the %s", (by) => {
  const peer = by === "bank" ? "bureau" : "bank";

  test("a running job stops at both nodes at once, nothing of it is left, and nothing is run again", async () => {
    const agreement = await agree();
    let jobId = "";
    let revoking: Promise<void> | undefined;
    IdealWorker.before = async (kind) => {
      if (kind !== "receive" || revoking !== undefined) return;
      revoking = nodes[by].connected.revocations.revoke(agreement);
      await revoking;
      // At the revoker it has ended by now, keys and all.
      expect(stateOf(await nodes[by].book.require(jobId))).toBe("AGREEMENT_REVOKED");
      expect((await leftoversIn(nodes.folder(by))).secrets).toBe(0);
      await untilRevoked(peer, agreement);
    };
    const begun = await begin(nodes, { agreement });
    jobId = begun.jobId;
    await begun.finished;
    expect(revoking).toBeDefined();
    for (const party of PARTIES) {
      expect(stateOf(await untilEnded(nodes[party], jobId))).toBe("AGREEMENT_REVOKED");
      const events = await eventsOf(nodes[party], jobId);
      for (const event of ["gate-key-released", "opened", "receipt"]) expect(events).not.toContain(event);
      await expect
        .poll(() => endEvents(party, agreement), { timeout: 5_000 })
        .toEqual(["agreement-revoked", "tags-withdrawn"]);
      await expect
        .poll(async () => ({ ...(await leftoversIn(nodes.folder(party))), tags: 0 }), { timeout: 5_000 })
        .toEqual(NOTHING_LEFT);
    }
    await expectOver(agreement);
  });

  test("between the receipt and the keys: no key is released", async () => {
    const agreement = await agree();
    const { store } = nodes.bureau;
    const put = store.putJobDocument.bind(store);
    vi.spyOn(store, "putJobDocument").mockImplementation(async (id, kind, text) => {
      await put(id, kind, text);
      if (kind !== "receipt") return;
      await nodes[by].connected.revocations.revoke(agreement);
      await untilRevoked("bureau", agreement);
    });
    const { jobId, finished } = await begin(nodes, { agreement });
    await finished;
    expect(stateOf(await untilEnded(nodes.bureau, jobId))).toBe("AGREEMENT_REVOKED");
    expect((await untilEnded(nodes.bank, jobId)).isOpened).toBe(false);
    expect(await eventsOf(nodes.bureau, jobId)).not.toContain("gate-key-released");
    expect(await eventsOf(nodes.bank, jobId)).not.toContain("opened");
    await untilRevoked("bank", agreement);
  });

  test("while tags are being stored: none stays", async () => {
    const agreement = await agree();
    const before = (await subjectsOf(nodes.bank)).length;
    const { store } = nodes.bank;
    const putTags = store.putTags.bind(store);
    vi.spyOn(store, "putTags").mockImplementation(async (...batch) => {
      await nodes[by].connected.revocations.revoke(agreement);
      await untilRevoked("bank", agreement);
      return putTags(...batch);
    });
    const { finished } = await begin(nodes, { agreement });
    await finished;
    await expect.poll(async () => (await subjectsOf(nodes.bank)).length, { timeout: 5_000 }).toBe(before);
  });

  test("tags that were issued are withdrawn at the receiver, those of other agreements stay", async () => {
    const [agreement, other] = [await agree(), await agree()];
    const before = (await subjectsOf(nodes.bank)).length;
    // Of one key they would have one value.
    const issuing = (key: string) => ({ tag: { key: `marketing:${key}-${by}`, value: "yes", expiresInDays: 30 } });
    expect(await outcomeAtBank(nodes, { agreement: other, ...issuing("other") })).toBe("done");
    expect(await outcomeAtBank(nodes, { agreement, ...issuing("own") })).toBe("done");
    expect((await subjectsOf(nodes.bank)).length).toBe(before + 60);
    await nodes[by].connected.revocations.revoke(agreement);
    await untilRevoked(peer, agreement);
    await expect.poll(async () => (await subjectsOf(nodes.bank)).length, { timeout: 5_000 }).toBe(before + 30);
    for (const party of PARTIES)
      await expect
        .poll(() => endEvents(party, agreement), { timeout: 5_000 })
        .toEqual(["agreement-revoked", "tags-withdrawn"]);
  });

  test("while the other is away: told when it is back, also after a restart of the revoker", async () => {
    const agreement = await agree();
    expect(await outcomeAtBank(nodes, { agreement })).toBe("done");
    away.add(peer);
    await nodes[by].connected.revocations.revoke(agreement);
    await new Promise((done) => setTimeout(done, 100));
    expect(await stateAt(peer, agreement)).toBe("active");
    await nodes.restart(by);
    await new Promise((done) => setTimeout(done, 100));
    expect(await stateAt(peer, agreement)).toBe("active");
    away.clear();
    await untilRevoked(peer, agreement);
    await expect
      .poll(() => endEvents(peer, agreement), { timeout: 5_000 })
      .toEqual(["agreement-revoked", "tags-withdrawn"]);
    await nodes.restart(peer);
    expect(await stateAt(peer, agreement)).toBe("revoked");
    await expectOver(agreement);
  });

  test("a job that waits for a person at either node ends", async () => {
    const agreement = await agree(withApproval("every-run", "automatic"));
    const { jobId } = await begin(nodes, { agreement });
    await nodes[by].connected.revocations.revoke(agreement);
    await untilRevoked(peer, agreement);
    expect(stateOf(await untilEnded(nodes.bank, jobId))).toBe("AGREEMENT_REVOKED");
    const decided = decideJob(nodes.bank.connected, { jobId, isApproved: true, person: STEWARD });
    await expect(decided).rejects.toMatchObject({ code: "NOT_FOUND" });
    const served = await agree(withApproval("automatic", "every-run"));
    const pending = await begin(nodes, { agreement: served });
    await expect
      .poll(() => nodes.bank.book.progress(pending.jobId)?.step, { timeout: 5_000 })
      .toBe("awaiting-peer-approval");
    await nodes[by].connected.revocations.revoke(served);
    for (const party of PARTIES)
      expect(stateOf(await untilEnded(nodes[party], pending.jobId))).toBe("AGREEMENT_REVOKED");
  });

  test("a stop between the evidence and the store: what the evidence says holds", async () => {
    const agreement = await agree();
    const { store } = nodes[by];
    vi.spyOn(store, "putRevocation").mockRejectedValue(new Error("stopped"));
    await expect(nodes[by].connected.revocations.revoke(agreement)).rejects.toThrow();
    vi.restoreAllMocks();
    await nodes.restart(by);
    expect(await endEvents(by, agreement)).toContain("agreement-revoked");
    await untilRevoked(peer, agreement);
    expect(await outcomeAtBank(nodes, { agreement })).toBe("AGREEMENT_REVOKED");
  });

  test("a stop between the store and what it stops: finished at the next start", async () => {
    const agreement = await agree();
    const before = (await subjectsOf(nodes.bank)).length;
    expect(await outcomeAtBank(nodes, { agreement })).toBe("done");
    const { store } = nodes[by];
    vi.spyOn(store, "tagCounts").mockRejectedValue(new Error("stopped"));
    await expect(nodes[by].connected.revocations.revoke(agreement)).rejects.toThrow();
    vi.restoreAllMocks();
    await nodes.restart(by);
    await untilRevoked(peer, agreement);
    await expect.poll(async () => (await subjectsOf(nodes.bank)).length, { timeout: 5_000 }).toBe(before);
  });
});

test("a clock that is set back brings no expired tag back into a feed", async () => {
  const agreement = await agree();
  const tag = { key: "marketing:short", value: "yes", expiresInDays: 1 };
  const key = { format: "csv", key: tag.key } as const;
  expect(await outcomeAtBank(nodes, { agreement, tag })).toBe("done");
  expect(await feedOf(nodes.bank, key)).toBe(30);
  const nowMs = times.aheadMs.bank;
  times.both(nowMs + 25 * 3_600_000);
  expect(await feedOf(nodes.bank, key)).toBe(0);
  times.both(nowMs);
  expect(await feedOf(nodes.bank, key)).toBe(0);
});

test("a notice that the peer has not signed, or of another's agreement, revokes nothing", async () => {
  const agreement = await agree();
  const { revocations, peers } = nodes.bank.connected;
  const bureau = await peers.require("bureau");
  const at = new Date().toISOString();
  const { bank: bankNode, bureau: bureauNode } = nodes;
  const notices = [
    signRevocation({ agreement, by: bankNode.keyring.party, at }, bankNode.keyring.identity),
    signRevocation(
      { agreement, by: bureauNode.keyring.party, at },
      {
        ...bankNode.keyring.identity,
        keyId: "bureau/identity",
      },
    ),
    signRevocation(
      { agreement, by: bureauNode.keyring.party, at },
      {
        ...bureauNode.keyring.keys.jobs,
        keyId: "bureau/identity",
      },
    ),
    signRevocation({ agreement, by: bankNode.keyring.party, at }, bureauNode.keyring.identity),
    signRevocation(
      { agreement: "00".repeat(32) as Digest, by: bureauNode.keyring.party, at },
      bureauNode.keyring.identity,
    ),
  ];
  for (const notice of notices) {
    const code = await revocations.receive(bureau, notice).then(
      () => "taken",
      (error: unknown) => toEntenteError(error).code,
    );
    expect(["SIGNATURE_INVALID", "SESSION_MISMATCH", "AGREEMENT_UNKNOWN"]).toContain(code);
  }
  expect(await outcomeAtBank(nodes, { agreement })).toBe("done");
});
