/** The coordinator's log and its witnesses, over gRPC. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { keyId, verifyKeyset } from "../../proto/agreement/keyset.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { type SigningKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { cosign, cosignatureVerifier } from "../../proto/evidence/cosignature.ts";
import { encodeSignatureLine, parseNote, verifyNote } from "../../proto/evidence/note.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import { decide } from "../../proto/evidence/witness.ts";
import { type Digest, type JobId, partyId } from "../../proto/ids.ts";
import { codeOf, TestCoordinator, type TestParty } from "../support/coordinator.ts";
import { receiptOf } from "../support/evidence-world.ts";

const collaborationId = collaborationOf(["bank", "telecom"]);
const TIME_S = 1_777_600_000;
let coordinator: TestCoordinator;
let bank: TestParty;
let telecom: TestParty;
let stranger: TestParty;
let agreementDigest: Digest;

beforeAll(async () => {
  coordinator = await TestCoordinator.start();
  bank = await coordinator.enrol("bank");
  telecom = await coordinator.enrol("telecom");
  stranger = await coordinator.enrol("stranger");
  agreementDigest = digestOf(randomBytes(32));
  const parties = [partyId("bank"), partyId("telecom")];
  for (const { link } of [bank, telecom]) await link.recordAgreement({ agreementDigest, parties, state: "active" });
});
afterAll(() => coordinator.close());

/** One more entry of the log. */
async function submitReceipt(): Promise<void> {
  const job = { jobId: toHex(randomBytes(16)) as JobId, jobDigest: digestOf(randomBytes(32)) };
  await bank.link.createJob({ ...job, agreementDigest, peer: partyId("telecom") });
  const receipt = receiptOf({ job, agreementDigest, parties: { receiver: "bank", sender: "telecom" } });
  const subject = [{ name: "job" as const, digest: { sha256: job.jobDigest } }];
  const envelope = statementEntry("receipt", subject, receipt, bank.keys.jobs, telecom.keys.jobs);
  await bank.link.submitReceipt({ jobId: job.jobId, envelope });
}

async function offered(oldSize: number) {
  const { note, proof } = await bank.link.fetchCheckpoint({ collaborationId, oldSize });
  const { coordinatorKeyset, coordinatorIdentity, coordinator: name } = bank.enrolled;
  const { keys } = verifyKeyset(decodeEnvelope(coordinatorKeyset), coordinatorIdentity);
  const log = {
    origin: parseNote(note).text.split("\n")[0] as string,
    key: verifyingKey(keyId(name, "log"), keys.log),
  };
  return { note, proof, log };
}

function lineBy(key: SigningKey, note: Uint8Array): string {
  return encodeSignatureLine(cosign(parseNote(note).text, key, TIME_S));
}

test("both parties cosign, each from where it stands, and what they signed is published", async () => {
  await submitReceipt();
  const first = await offered(0);
  const decision = decide(undefined, { oldSize: 0, proof: first.proof, checkpoint: first.note }, first.log);
  if (decision.kind === "refused") throw decision.error;
  expect(decision.next.size).toBe(1);
  const line = lineBy(bank.keys.cosigner, first.note);
  for (const _ of [1, 2]) await bank.link.submitCosignature({ collaborationId, size: 1, line });
  await submitReceipt();
  await submitReceipt();
  const second = await offered(1);
  const next = decide(decision.next, { oldSize: 1, proof: second.proof, checkpoint: second.note }, second.log);
  if (next.kind === "refused") throw next.error;
  expect(next.next.size).toBe(3);
  for (const { keys, link } of [bank, telecom])
    await link.submitCosignature({ collaborationId, size: 3, line: lineBy(keys.cosigner, second.note) });
  const verifiers = [bank, telecom].map(({ keys }) => cosignatureVerifier(keys.cosigner));
  expect(verifyNote(parseNote((await offered(3)).note), verifiers)).toHaveLength(2);
  const files = await telecom.link.fetchLog(collaborationId);
  const cosigned = files.find(({ path }) => path === "cosigned")?.bytes as Uint8Array;
  expect(verifyNote(parseNote(cosigned), verifiers)).toHaveLength(2);
  // An older one, late, takes nothing away; and all of it survives a restart.
  await bank.link.submitCosignature({ collaborationId, size: 1, line });
  await coordinator.restart();
  await expect.poll(async () => verifyNote(parseNote((await offered(3)).note), verifiers).length).toBe(2);
});

test("a size that the log has not reached has no proof; the witness sees what it is", async () => {
  const { note, proof } = await offered(99);
  expect(proof).toEqual([]);
  expect(parseNote(note).text.split("\n")[1]).toBe("3");
});

test("nobody else's cosignature is kept, nor one of another head, nor is a stranger told anything", async () => {
  const { note } = await offered(0);
  const submit = (party: TestParty, size: number, line: string) =>
    codeOf(party.link.submitCosignature({ collaborationId, size, line }));
  expect(await submit(bank, 3, lineBy(telecom.keys.cosigner, note))).toBe("SIGNATURE_INVALID");
  expect(await submit(bank, 3, lineBy({ ...bank.keys.jobs, keyId: "bank/cosigner" }, note))).toBe("SIGNATURE_INVALID");
  const ofTwo = cosign(parseNote(note).text.replace("\n3\n", "\n2\n"), bank.keys.cosigner, TIME_S);
  expect(await submit(bank, 3, encodeSignatureLine(ofTwo))).toBe("SIGNATURE_INVALID");
  expect(await submit(bank, 4, lineBy(bank.keys.cosigner, note))).toBe("BAD_REQUEST");
  expect(await submit(bank, 3, "— nonsense\n")).toBe("WIRE_INVALID");
  expect(await submit(stranger, 3, lineBy(stranger.keys.cosigner, note))).toBe("NOT_FOUND");
  expect(await codeOf(stranger.link.fetchCheckpoint({ collaborationId, oldSize: 0 }))).toBe("NOT_FOUND");
});
