import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { keyId, verifyKeyset } from "../../proto/agreement/keyset.ts";
import { toHex, utf8 } from "../../proto/encoding/bytes.ts";

import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { type SigningKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { openCheckpoint } from "../../proto/evidence/checkpoint.ts";
import type { LogFile } from "../../proto/evidence/log.ts";
import { noteVerifier } from "../../proto/evidence/note.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import { parseBundle } from "../../proto/evidence/tiles.ts";
import { type Digest, type JobId, type PartyId, partyId } from "../../proto/ids.ts";
import { codeOf, makeIdentity, openTestInbox, TestCoordinator, type TestParty } from "../support/coordinator.ts";
import { receiptOf } from "../support/evidence-world.ts";

let coordinator: TestCoordinator;
let bank: TestParty;
let telecom: TestParty;
let stranger: TestParty;
const BANK = partyId("bank");
const TELECOM = partyId("telecom");
const parties = [BANK, TELECOM];

beforeAll(async () => {
  coordinator = await TestCoordinator.start();
  bank = await coordinator.enrol("bank");
  telecom = await coordinator.enrol("telecom");
  stranger = await coordinator.enrol("stranger");
});
afterAll(() => coordinator.close());

const newDigest = (): Digest => digestOf(randomBytes(32));
const newJobId = (): JobId => toHex(randomBytes(16)) as JobId;

async function newAgreement(): Promise<Digest> {
  const agreementDigest = newDigest();
  for (const { link } of [bank, telecom]) await link.recordAgreement({ agreementDigest, parties, state: "active" });
  return agreementDigest;
}

async function newJob() {
  const job = { jobId: newJobId(), agreementDigest: await newAgreement(), peer: TELECOM, jobDigest: newDigest() };
  return bank.link.createJob(job);
}

describe("agreements", () => {
  test("are recorded by each party, and listed for theirs only", async () => {
    const agreementDigest = newDigest();
    const record = { agreementDigest, parties };
    const first = await bank.link.recordAgreement({ ...record, state: "active" });
    expect(first).toEqual({ ...record, collaborationId: collaborationOf(parties), state: "proposed" });
    expect((await telecom.link.recordAgreement({ ...record, state: "active" })).state).toBe("active");
    expect((await telecom.link.recordAgreement({ ...record, state: "active" })).state).toBe("active");
    expect(await bank.link.listAgreements()).toContainEqual({ ...first, state: "active" });
    expect((await bank.link.recordAgreement({ ...record, state: "revoked" })).state).toBe("revoked");
    expect(await codeOf(bank.link.recordAgreement({ ...record, state: "active" }))).toBe("WIRE_UNEXPECTED");
    expect(await codeOf(stranger.link.getAgreement(agreementDigest))).toBe("AGREEMENT_UNKNOWN");
    expect(await stranger.link.listAgreements()).toEqual([]);
    const job = { jobId: newJobId(), agreementDigest, peer: TELECOM, jobDigest: newDigest() };
    expect(await codeOf(bank.link.createJob(job))).toBe("AGREEMENT_REVOKED");
  });

  test("both at once lose nothing", async () => {
    const agreementDigest = newDigest();
    const record = { agreementDigest, parties, state: "active" } as const;
    await Promise.all([bank.link.recordAgreement(record), telecom.link.recordAgreement(record)]);
    expect((await bank.link.getAgreement(agreementDigest)).state).toBe("active");
  });

  test("a caller that is no party, other parties than before, unknown, unsorted and repeated ones are refused", async () => {
    const agreementDigest = await newAgreement();
    const record = (digest: Digest, names: readonly PartyId[], by = bank) =>
      codeOf(by.link.recordAgreement({ agreementDigest: digest, parties: names, state: "active" }));
    expect(await record(newDigest(), parties, stranger)).toBe("BAD_REQUEST");
    expect(await record(agreementDigest, [BANK, partyId("stranger")])).toBe("BAD_REQUEST");
    expect(await record(newDigest(), [BANK, partyId("nobody")])).toBe("PEER_UNKNOWN");
    expect(await record(newDigest(), [TELECOM, BANK])).toBe("WIRE_INVALID");
    expect(await record(newDigest(), [BANK, BANK])).toBe("WIRE_INVALID");
    expect(await record(newDigest(), [BANK])).toBe("WIRE_INVALID");
  });
});

describe("jobs", () => {
  test("go from proposed to done as both report", async () => {
    const { jobId } = await newJob();
    expect(await codeOf(bank.link.reportJob({ jobId, state: "admitted" }))).toBe("NOT_ALLOWED");
    expect(await codeOf(bank.link.reportJob({ jobId, state: "running" }))).toBe("NOT_ALLOWED");
    for (const state of ["admitted", "running", "releasing", "done"] as const)
      expect((await telecom.link.reportJob({ jobId, state })).state).toBe(state);
    // The other party's reports arrive late.
    expect((await bank.link.reportJob({ jobId, state: "running" })).state).toBe("done");
    expect(await codeOf(bank.link.reportJob({ jobId, state: "failed", reason: "PEER_GONE" }))).toBe("WIRE_UNEXPECTED");
    expect((await bank.link.getJob(jobId)).state).toBe("done");
  });

  test("carry a reason exactly when refused or failed", async () => {
    const { jobId } = await newJob();
    expect(await codeOf(telecom.link.reportJob({ jobId, state: "refused" }))).toBe("WIRE_INVALID");
    expect(await codeOf(telecom.link.reportJob({ jobId, state: "admitted", reason: "PEER_GONE" }))).toBe(
      "WIRE_INVALID",
    );
    const refused = await telecom.link.reportJob({ jobId, state: "refused", reason: "POLICY_DATASET" });
    expect(refused.reason).toBe("POLICY_DATASET");
    expect((await bank.link.getJob(jobId)).reason).toBe("POLICY_DATASET");
  });

  test("are created once, under an agreement of both, and are nobody else's", async () => {
    const job = await newJob();
    const { jobId, agreementDigest, jobDigest } = job;
    const same = { jobId, agreementDigest, peer: TELECOM, jobDigest };
    expect(await bank.link.createJob(same)).toEqual(job);
    expect(await codeOf(bank.link.createJob({ ...same, jobDigest: newDigest() }))).toBe("ALREADY_EXISTS");
    expect(await codeOf(telecom.link.createJob({ ...same, peer: BANK }))).toBe("ALREADY_EXISTS");
    const fresh = { ...same, jobId: newJobId() };
    expect(await codeOf(bank.link.createJob({ ...fresh, agreementDigest: newDigest() }))).toBe("AGREEMENT_UNKNOWN");
    expect(await codeOf(bank.link.createJob({ ...fresh, peer: BANK }))).toBe("BAD_REQUEST");
    expect(await codeOf(bank.link.createJob({ ...fresh, peer: partyId("stranger") }))).toBe("BAD_REQUEST");
    expect(await codeOf(stranger.link.createJob(fresh))).toBe("AGREEMENT_UNKNOWN");
    expect(await codeOf(stranger.link.getJob(jobId))).toBe("NOT_FOUND");
    expect(await codeOf(stranger.link.reportJob({ jobId, state: "cancelled" }))).toBe("NOT_FOUND");
    expect(await stranger.link.listJobs()).toEqual([]);
    expect(await telecom.link.listJobs()).toContainEqual(job);
  });

  test("are listed over several pages", async () => {
    const agreementDigest = await newAgreement();
    const ids = Array.from({ length: 120 }, newJobId);
    for (const jobId of ids)
      await bank.link.createJob({ jobId, agreementDigest, peer: TELECOM, jobDigest: newDigest() });
    const listed = (await telecom.link.listJobs()).map((job) => job.jobId);
    expect(listed).toEqual(expect.arrayContaining(ids));
    expect(new Set(listed).size).toBe(listed.length);
  });

  test("wake the peer with job and attempt, until they end", async () => {
    const { jobId } = await newJob();
    const inbox = await openTestInbox(telecom.link);
    const purpose = { kind: "job", jobId, attempt: 2 } as const;
    await bank.link.requestSession({ peer: TELECOM, purpose });
    expect((await inbox.next()).purpose).toEqual(purpose);
    const zeroth = { ...purpose, attempt: 0 };
    expect(await codeOf(bank.link.requestSession({ peer: TELECOM, purpose: zeroth }))).toBe("WIRE_INVALID");
    expect(await codeOf(stranger.link.requestSession({ peer: TELECOM, purpose }))).toBe("NOT_FOUND");
    await bank.link.reportJob({ jobId, state: "cancelled" });
    expect(await codeOf(bank.link.requestSession({ peer: TELECOM, purpose }))).toBe("CANCELLED");
    inbox.close();
  });
});

describe("receipts", () => {
  function receipt(job: { jobId: JobId; jobDigest: Digest; agreementDigest: Digest }, ...keys: readonly SigningKey[]) {
    const predicate = receiptOf({
      job: { jobId: job.jobId, jobDigest: job.jobDigest },
      agreementDigest: job.agreementDigest,
      parties: { receiver: "bank", sender: "telecom" },
    });
    return statementEntry("receipt", [{ name: "job", digest: { sha256: job.jobDigest } }], predicate, ...keys);
  }
  const collaborationId = collaborationOf(parties);

  function entriesOf(files: readonly LogFile[]): readonly Uint8Array[] {
    const note = files.find((file) => file.path === "checkpoint")?.bytes ?? new Uint8Array();
    const year = new Date().getUTCFullYear();
    const { coordinatorKeyset, coordinatorIdentity } = bank.enrolled;
    const { keys } = verifyKeyset(decodeEnvelope(coordinatorKeyset), coordinatorIdentity);
    const verifiers = [noteVerifier(verifyingKey(keyId("coordinator", "log"), keys.log))];
    const { checkpoint } = openCheckpoint(note, { origin: `coordinator/${collaborationId}/${year}`, verifiers });
    const bundles = files.filter((file) => file.path.startsWith("tile/entries/"));
    expect(bundles).toHaveLength(checkpoint.size === 0 ? 0 : 1);
    return bundles.flatMap((file) => [...parseBundle(file.bytes, checkpoint.size)]);
  }

  test("of both parties go into the log once, whoever submits them", async () => {
    const job = await newJob();
    const envelope = receipt(job, bank.keys.jobs, telecom.keys.jobs);
    const before = entriesOf(await bank.link.fetchLog(collaborationId)).length;
    const submitted = await Promise.all(
      [bank, telecom, bank].map(({ link }) => link.submitReceipt({ jobId: job.jobId, envelope })),
    );
    for (const answer of submitted) expect(answer).toEqual({ collaborationId, entryDigest: digestOf(envelope) });
    const entries = entriesOf(await telecom.link.fetchLog(collaborationId));
    expect(entries).toHaveLength(before + 1);
    expect(entries.at(-1)).toEqual(envelope);
  });

  test("not signed by both, by another key, of another job, or not receipts are refused", async () => {
    const [job, other] = [await newJob(), await newJob()];
    const submit = (envelope: Uint8Array) => codeOf(bank.link.submitReceipt({ jobId: job.jobId, envelope }));
    const both = [bank.keys.jobs, telecom.keys.jobs];
    expect(await submit(receipt(job, bank.keys.jobs))).toBe("SIGNATURE_INVALID");
    expect(await submit(receipt(job, bank.keys.jobs, makeIdentity("telecom").keys.jobs))).toBe("SIGNATURE_INVALID");
    expect(await submit(receipt(job, ...both, stranger.keys.jobs))).toBe("SIGNATURE_INVALID");
    expect(await submit(receipt(other, ...both))).toBe("RECEIPT_MISMATCH");
    expect(await submit(receipt({ ...job, agreementDigest: newDigest() }, ...both))).toBe("RECEIPT_MISMATCH");
    expect(await submit(utf8("{}"))).toBe("WIRE_INVALID");
    const envelope = receipt(job, ...both);
    expect(await codeOf(stranger.link.submitReceipt({ jobId: job.jobId, envelope }))).toBe("NOT_FOUND");
    await bank.link.submitReceipt({ jobId: job.jobId, envelope });
    const another = statementEntry(
      "receipt",
      [{ name: "job", digest: { sha256: job.jobDigest } }],
      receiptOf({
        job: { jobId: job.jobId, jobDigest: job.jobDigest },
        agreementDigest: job.agreementDigest,
        parties: { receiver: "telecom", sender: "bank" },
      }),
      ...both,
    );
    expect(await submit(another)).toBe("RECEIPT_MISMATCH");
  });

  test("are shown to the collaboration's parties only", async () => {
    expect(await codeOf(stranger.link.fetchLog(collaborationId))).toBe("NOT_FOUND");
    expect(await codeOf(bank.link.fetchLog(collaborationOf(["bank", "stranger"])))).toBe("NOT_FOUND");
  });
});

describe("a restart", () => {
  test("keeps parties, agreements, jobs and logs; links come back by themselves", async () => {
    const job = await newJob();
    await telecom.link.reportJob({ jobId: job.jobId, state: "admitted" });
    const log = await bank.link.fetchLog(collaborationOf(parties));
    const inbox = await openTestInbox(telecom.link);
    await coordinator.restart();
    expect((await inbox.ended).code).toBe("COORDINATOR_UNREACHABLE");
    const link = coordinator.dial(bank.enrolled);
    expect((await link.getJob(job.jobId)).state).toBe("admitted");
    expect((await link.getAgreement(job.agreementDigest)).state).toBe("active");
    expect((await link.lookup(TELECOM)).identityPublicKey).toEqual(Buffer.from(telecom.identity.publicKey));
    expect(await link.fetchLog(collaborationOf(parties))).toEqual(log);
    await openTestInbox(telecom.link);
    expect((await bank.link.lookup(TELECOM)).connected).toBe(true);
  });
});
