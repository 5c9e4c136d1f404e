/** What every store of a coordinator must do; `test/unit/store-contract.test.ts` says in which databases. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Store } from "../../coordinator/store/store.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { type JobId, partyId } from "../../proto/ids.ts";

const [bank, bureau] = [partyId("bank"), partyId("bureau")];
const nowMs = 1_000;
const identity = new Uint8Array(32).fill(1);

function enrolment(secretHash: string, changes: object = {}) {
  const party = { party: bank, identityPublicKey: identity, keyset: utf8(`keyset of ${secretHash}`), ...changes };
  return { secretHash, nowMs, party, certificate: { fingerprint: `f${secretHash}`, notAfterMs: 9_000, serial: "0a" } };
}

/** `open`: again after a close, with what was there. */
export function coordinatorContract(open: () => Store | Promise<Store>): void {
  let store: Store;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  const reopen = async () => {
    await store.close();
    store = await open();
  };

  test("a setting is changed by who has read it, and kept when the change fails", async () => {
    await store.writeSetting("n", "1");
    const add = () => store.changeSetting("n", (before) => String(Number(before) + 1));
    await Promise.all([add(), add(), add()]);
    const failing = store.changeSetting("n", () => {
      throw new Error("refused");
    });
    await expect(failing).rejects.toThrow("refused");
    await reopen();
    expect(await store.readSetting("n")).toBe("4");
    expect(await store.readSetting("m")).toBeUndefined();
  });

  test("an invite enrols once, and nobody under a name that another has", async () => {
    for (const secretHash of ["a", "b", "c"])
      await store.addInvite({ secretHash, party: bank, inviter: bureau, expiresMs: 5_000 });
    expect(await store.countOpenInvites(bureau, nowMs)).toBe(3);
    const both = await Promise.all([store.enrol(enrolment("a")), store.enrol(enrolment("a"))]);
    expect(both.toSorted()).toEqual(["enrolled", "invite-used"]);
    expect(await store.enrol(enrolment("b", { identityPublicKey: new Uint8Array(32) }))).toBe("name-taken");
    await reopen();
    expect(await store.countOpenInvites(bureau, nowMs)).toBe(2);
    expect(await store.findInvite("a")).toMatchObject({ party: bank, inviter: bureau, usedMs: nowMs });
    expect(await store.findParty(bank)).toEqual({
      ...{ party: bank, identityPublicKey: identity, keyset: utf8("keyset of a"), revokedMs: undefined },
    });
    expect(await store.findCertificate("fa")).toMatchObject({ party: bank, notAfterMs: 9_000, serial: "0a" });
    expect(await store.revokeParty(bank, 2_000)).toBe(true);
    expect(await store.revokeParty(bureau, 2_000)).toBe(false);
    expect(await store.listParties("", 10)).toEqual([]);
    expect((await store.revokedCertificates(nowMs)).map(({ fingerprint }) => fingerprint)).toEqual(["fa"]);
    expect(await store.enrol(enrolment("c"))).toBe("enrolled");
    expect(await store.listParties("", 10)).toMatchObject([{ party: bank, keyset: utf8("keyset of c") }]);
    await store.putIdentity(
      { party: bank, identityPublicKey: utf8("new"), keyset: utf8("k") },
      utf8("not the present"),
    );
    expect((await store.findParty(bank))?.identityPublicKey).toEqual(identity);
    await store.putIdentity({ party: bank, identityPublicKey: utf8("new"), keyset: utf8("k") }, identity);
    await store.putKeyset(bank, utf8("k2"));
    expect(await store.findParty(bank)).toMatchObject({ identityPublicKey: utf8("new"), keyset: utf8("k2") });
  });

  test("a party has so many certificates in force, and none when it is revoked", async () => {
    await store.addInvite({ secretHash: "a", party: bank, expiresMs: 5_000 });
    await store.enrol(enrolment("a"));
    const add = (fingerprint: string) =>
      store.addCertificate({ fingerprint, party: bank, notAfterMs: 9_000 }, { nowMs, maxLive: 3 });
    expect((await Promise.all(["1", "2", "3"].map(add))).toSorted()).toEqual(["added", "added", "too-many"]);
    expect(await store.hasLiveCertificate(bank, nowMs)).toBe(true);
    expect(await store.hasLiveCertificate(bank, 9_000)).toBe(false);
    await store.revokeParty(bank, 2_000);
    expect(await add("4")).toBe("revoked");
    expect(await store.hasLiveCertificate(bank, nowMs)).toBe(false);
  });

  test("agreements and jobs are replaced by who knows their revision; a receipt comes once, with its entry", async () => {
    const parties = [bank, bureau] as const;
    const collaborationId = collaborationOf(parties);
    const agreementDigest = digestOf(utf8("agreement"));
    const agreement = { agreementDigest, collaborationId, parties, state: "proposed" as const, marks: {}, revision: 0 };
    const puts = await Promise.all([store.putAgreement(agreement), store.putAgreement(agreement)]);
    expect(puts.toSorted()).toEqual([false, true]);
    const active = { ...agreement, state: "active" as const, revision: 1, marks: { [bank]: "active" as const } };
    const again = await Promise.all([store.putAgreement(active), store.putAgreement(active)]);
    expect(again.toSorted()).toEqual([false, true]);
    expect(await store.findAgreement(agreementDigest)).toEqual({ ...active, revision: 2 });
    expect(await store.listAgreements(bureau, "", 5)).toHaveLength(1);
    expect(await store.partiesOf(collaborationId)).toEqual(parties);

    const at = "2026-01-01T00:00:00.000Z";
    const jobId = "0b".repeat(16) as JobId;
    const names = { jobId, agreementDigest, collaborationId, requester: bank, peer: bureau };
    const job = { ...names, jobDigest: digestOf(utf8("job")), state: "proposed" as const, updatedAt: at, revision: 0 };
    const asked = { state: "proposed", by: "requester", at, reason: undefined } as const;
    expect(await store.appendJobEvent(job, asked)).toBe(true);
    expect(await store.appendJobEvent(job, asked)).toBe(false);
    const end = { state: "failed", by: "peer", at, reason: "PEER_GONE" } as const;
    const failed = { ...job, state: end.state, reason: end.reason, revision: 1 };
    const ends = await Promise.all([store.appendJobEvent(failed, end), store.appendJobEvent(failed, end)]);
    expect(ends.toSorted()).toEqual([false, true]);
    expect(await store.jobEvents(jobId)).toEqual([asked, end]);
    expect(await store.addReceipt(job, digestOf(utf8("r")), utf8("entry"))).toBe(true);
    expect(await store.addReceipt(job, digestOf(utf8("s")), utf8("other"))).toBe(false);
    await reopen();
    expect(await store.findJob(jobId)).toMatchObject({ state: "failed", reason: "PEER_GONE", revision: 2 });
    expect(await store.listJobs(bureau, "", 5)).toHaveLength(1);
    expect(await store.countJobs(bank)).toBe(1);
    expect(await store.findReceipt(jobId)).toBe(digestOf(utf8("r")));
    expect(await store.collaborationsWithPendingEntries()).toEqual([collaborationId]);
    const pending = await store.pendingEntries(collaborationId);
    expect(pending.map(({ bytes }) => bytes)).toEqual([utf8("entry")]);
    await store.removePending(pending.map(({ id }) => id));
    expect(await store.pendingEntries(collaborationId)).toEqual([]);
  });
}
