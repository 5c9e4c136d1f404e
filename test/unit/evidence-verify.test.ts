import { expect, test } from "vitest";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { signCheckpoint } from "../../proto/evidence/checkpoint.ts";
import { exportBundle, logFolder, parseManifest } from "../../proto/evidence/export.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { MerkleTree } from "../../proto/evidence/merkle.ts";
import { encodeNote } from "../../proto/evidence/note.ts";
import { encodeOpenings } from "../../proto/evidence/openings.ts";
import type { EvidenceEvent, PredicateInput } from "../../proto/evidence/predicates.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import { EXIT_CODE } from "../../sdk/verify/verdict.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import {
  ABOUT_JOB,
  AGREEMENT,
  AT,
  BANK,
  COUNTS,
  JOB,
  openingsFor,
  originOf,
  PARTNER,
  receiptOf,
  remakeManifest,
  runJob,
  type Script,
  type TestParty,
  testHash,
} from "../support/evidence-world.ts";

/** One more entry of the bank's, after all others. */
function byBank<E extends EvidenceEvent>(
  event: E,
  fields: Omit<PredicateInput<E>, "jobId" | "at">,
): NonNullable<Script["afterwards"]> {
  const predicate = { jobId: JOB.jobId, at: AT, ...fields } as PredicateInput<E>;
  return (party) => (party === BANK ? [statementEntry(event, ABOUT_JOB, predicate, BANK.keys.jobs)] : []);
}

/** With heads that nobody compares any more, as it comes too late by itself. */
function openedAgain(party: TestParty): Uint8Array[] {
  if (party !== BANK) return [];
  const head = {
    origin: originOf(BANK),
    size: 1,
    root: testHash("r"),
    cosigner: "partner/cosigner",
    cosignature: "00".repeat(72),
  };
  const again = {
    ...{ jobId: JOB.jobId, receiptDigest: testHash("receipt"), outputCommitment: testHash("o"), outputSizeClass: 80 },
    ...{ tags: null, receiver: "bank", cosigned: { receiver: head, sender: head }, at: AT },
  };
  return [statementEntry("opened", ABOUT_JOB, again, BANK.keys.jobs)];
}

async function verdictOf(script: Script, only?: 0 | 1) {
  const { files, dirs } = await runJob(script);
  const report = await verifyFolders(only === undefined ? dirs : [dirs[only]], { files });
  return { ...report, code: report.firstProblem?.code, at: report.firstProblem?.index };
}

test("both parties' exports of a finished job verify", async () => {
  const { files, dirs } = await runJob();
  const report = await verifyFolders(dirs, { files, requireOpenings: true });
  expect(report.problems).toEqual([]);
  expect(report).toEqual({
    verdict: "verified",
    trusted: false,
    problems: [],
    problemCount: 0,
    commitments: { opened: 4, notOpenedCount: 0, notOpened: [] },
    summary: {
      logs: [BANK, PARTNER].map((party) => ({
        origin: originOf(party),
        entries: 7,
        cosignedSize: 7,
        keys: [expect.stringMatching(/^[a-z]+\/log\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}$/)],
      })),
      jobs: [
        {
          jobId: JOB.jobId,
          operation: "audience",
          agreementDigest: AGREEMENT.digest,
          receiver: "bank",
          sender: "partner",
          attempts: 1,
          finishedAt: AT,
          rows: { receiver: COUNTS.bank, sender: COUNTS.partner },
          cameOut: String(COUNTS.matched),
          outcome: "opened",
        },
      ],
    },
    fingerprints: [BANK, PARTNER].map(({ name, keys }) => ({
      party: name,
      fingerprint: fingerprint(keys.identity.publicKey),
    })),
  });
  expect(Object.values(EXIT_CODE)).toEqual([0, 1, 2]);
});

test("logs of several tiles verify", async () => {
  expect((await verdictOf({ padding: 600 })).verdict).toBe("verified");
});

test("trust: the identities must be those that the auditor knows", async () => {
  const { files, dirs } = await runJob();
  const prints = [BANK, PARTNER].map(({ keys }) => fingerprint(keys.identity.publicKey));
  expect(await verifyFolders(dirs, { files, trust: prints.map((print) => print.toUpperCase()) })).toMatchObject({
    verdict: "verified",
    trusted: true,
  });
  expect(await verifyFolders(dirs, { files, trust: prints.slice(1) })).toMatchObject({
    verdict: "tampered",
    firstProblem: { code: "IDENTITY_UNTRUSTED" },
  });
  await expect(verifyFolders(dirs, { files, trust: ["bank"] })).rejects.toThrow(
    expect.objectContaining({ code: "BAD_REQUEST" }),
  );
});

test("one party's export alone is incomplete", async () => {
  expect(await verdictOf({}, 0)).toMatchObject({ verdict: "incomplete", code: "LOG_MISSING", at: 5 });
  expect(await verdictOf({}, 1)).toMatchObject({ verdict: "incomplete", code: "LOG_MISSING" });
});

test.each<[string, Script, string, string]>([
  ["no request before the decision", { without: ["requests"] }, "tampered", "ORDER_BROKEN"],
  ["no decision before the receipt", { without: ["decisions"] }, "tampered", "ORDER_BROKEN"],
  ["a partition that no log finished", { without: ["partitions"] }, "tampered", "ORDER_BROKEN"],
  ["a release without a receipt", { without: ["receipt"] }, "tampered", "ORDER_BROKEN"],
  ["no cosigned checkpoint over the receipt", { without: ["cosign", "final cosign"] }, "incomplete", "NOT_COSIGNED"],
  ["opened twice", { afterwards: openedAgain }, "tampered", "ORDER_BROKEN"],
  [
    "tags that were exported and never issued",
    {
      without: ["opened"],
      afterwards: byBank("tags-exported", { tagsCommitment: testHash("tags"), destination: testHash("crm") }),
    },
    "tampered",
    "ORDER_BROKEN",
  ],
  [
    "another result that was exported than was opened",
    { afterwards: byBank("result-exported", { outputCommitment: testHash("other"), destination: testHash("crm") }) },
    "tampered",
    "ORDER_BROKEN",
  ],
  [
    "another agreement than was requested",
    { receipt: { agreementDigest: testHash("other") } },
    "tampered",
    "ORDER_BROKEN",
  ],
  ["another operation than was charged", { receipt: { operation: "score" } }, "tampered", "DECISION_DIFFERS"],
  [
    "a job after the agreement's end",
    { receipt: { finishedAt: "2026-12-15T00:00:00.000Z" } },
    "tampered",
    "AGREEMENT_ENDED",
  ],
  [
    "other roles than were charged",
    { receipt: { parties: { receiver: "partner", sender: "bank" } } },
    "tampered",
    "DECISION_DIFFERS",
  ],
  ["a release on heads from before the receipt", { cosignEarly: true }, "tampered", "GATE_BROKEN"],
  [
    "heads in each other's place",
    { heads: ({ receiver, sender }) => ({ receiver: sender, sender: receiver }) },
    "tampered",
    "GATE_BROKEN",
  ],
  [
    "a cosignature that nobody made",
    { heads: (heads) => ({ ...heads, sender: { ...heads.sender, cosignature: "01".repeat(72) } }) },
    "tampered",
    "COSIGNATURE_INVALID",
  ],
  [
    "a head that the cosigner never saw",
    { heads: (heads) => ({ ...heads, sender: { ...heads.sender, size: 3 } }) },
    "tampered",
    "COSIGNATURE_INVALID",
  ],
  ["a key after its end", { receipt: { finishedAt: "2027-06-01T00:00:00.000Z" } }, "tampered", "KEY_NOT_IN_FORCE"],
  [
    "another job than was requested",
    { receipt: { job: { ...JOB, jobDigest: testHash("x") } } },
    "tampered",
    "ENTRY_INVALID",
  ],
  [
    "a head of a log that never was",
    { receipt: { lastCosigned: { receiver: { origin: originOf(BANK), size: 1, root: testHash("x") }, sender: null } } },
    "tampered",
    "LOGS_DISAGREE",
  ],
  [
    "a head in the receipt's own future",
    { receipt: { lastCosigned: { receiver: { origin: originOf(BANK), size: 6, root: testHash("x") }, sender: null } } },
    "tampered",
    "ORDER_BROKEN",
  ],
])("%s", async (_, script, verdict, code) => {
  const report = await verdictOf(script);
  expect([report.verdict, report.code ?? ""]).toEqual([verdict, code]);
});

test("a job whose result was never opened is told as that", async () => {
  const report = await verdictOf({ without: ["release", "opened"] });
  expect([report.verdict, report.summary.jobs[0]?.outcome]).toEqual(["verified", "receipt-only"]);
});

test("a folder that is not there, or none, is not verified", async () => {
  const { files } = await runJob();
  expect(await verifyFolders(["/nowhere"], { files })).toMatchObject({ verdict: "tampered" });
  expect(await verifyFolders([], { files })).toMatchObject({ verdict: "incomplete" });
});

test.each<[string, (contents: Map<string, Uint8Array>) => void, string]>([
  ["an extra file", (c) => c.set("/export/bank/notes.txt", utf8("x")), "FILE_EXTRA"],
  ["an extra hidden file", (c) => c.set("/export/bank/logs/.x", utf8("x")), "FILE_EXTRA"],
  ["a missing file", (c) => c.delete("/export/bank/keysets.json"), "FILE_MISSING"],
  ["a missing manifest", (c) => c.delete("/export/bank/manifest.json"), "MANIFEST_INVALID"],
  ["a changed file", (c) => c.set("/export/bank/keysets.json", utf8("[]")), "FILE_DIFFERS"],
])("%s is tampering", async (_, change, code) => {
  const { files, dirs } = await runJob();
  change(files.contents);
  expect((await verifyFolders(dirs, { files })).firstProblem).toMatchObject({ code, folder: "/export/bank" });
});

test("a file that no manifest should list is found though it is listed", async () => {
  for (const path of ["notes.txt", `logs/${logFolder(originOf(BANK))}/tile/0/007`]) {
    const { files, dirs } = await runJob();
    files.contents.set(`/export/bank/${path}`, utf8("x"));
    remakeManifest(files, "/export/bank", BANK);
    expect((await verifyFolders(dirs, { files })).firstProblem).toMatchObject({ code: "FILE_EXTRA", path });
  }
});

test("a path that leads out of the folder is no manifest", () => {
  for (const path of ["../x", "/etc/x", "a//b", "a/../b", "a\\b", ".x", "A"]) {
    const bytes = utf8(
      JSON.stringify({
        collaboration: AGREEMENT.collaboration,
        exportingParty: "bank",
        files: [{ bytes: 0, path, sha256: testHash("") }],
        version: 1,
      }),
    );
    expect(() => parseManifest(bytes), path).toThrow(expect.objectContaining({ code: "WIRE_INVALID" }));
  }
});

const BANK_LOG = `/export/bank/logs/${logFolder(originOf(BANK))}`;

test("an owner who signs a checkpoint of an absurd size gets a verdict, not an endless search", async () => {
  const { files, dirs } = await runJob();
  const note = signCheckpoint({ origin: originOf(BANK), size: 2 ** 50, root: new MerkleTree().root() }, BANK.keys.log);
  files.contents.set(`${BANK_LOG}/checkpoint`, encodeNote(note));
  remakeManifest(files, "/export/bank", BANK);
  expect((await verifyFolders(dirs, { files })).firstProblem).toMatchObject({
    code: "FILE_MISSING",
    log: originOf(BANK),
  });
});

/** An owner with all its own keys: rewrites its log as `change` says, and exports it anew. */
async function rewrite(change: (entries: readonly Uint8Array[]) => readonly Uint8Array[]) {
  const { files, dirs } = await runJob();
  const old = await EvidenceLog.open({ files, folder: "/node/bank", origin: originOf(BANK), key: BANK.keys.log });
  const entries = await Promise.all(Array.from({ length: old.size }, (_, i) => old.entry(i)));
  const log = await EvidenceLog.open({ files, folder: "/forged", origin: originOf(BANK), key: BANK.keys.log });
  await log.append(change(entries));
  for (const path of [...files.contents.keys()]) if (path.startsWith(`${BANK_LOG}/`)) files.contents.delete(path);
  for (const { path, bytes } of await log.exportFiles()) files.contents.set(`${BANK_LOG}/${path}`, bytes);
  files.contents.set("/export/bank/openings.json", encodeOpenings("bank", await openingsFor(BANK, log)));
  remakeManifest(files, "/export/bank", BANK);
  return verifyFolders(dirs, { files });
}

test("an owner who drops its receipt and signs the log anew is contradicted by its peer's log", async () => {
  const report = await rewrite((entries) => entries.toSpliced(5, 1));
  expect(report.verdict).toBe("tampered");
  const [own, peers] = [originOf(BANK), originOf(PARTNER)];
  const found = report.problems.map(({ code, log }) => [code, log]);
  expect(found).toContainEqual(["ORDER_BROKEN", own]);
  expect(found).toContainEqual(["LOGS_DISAGREE", peers]);
});

test("an owner who puts its entries in another order is contradicted by the heads that its peer cosigned", async () => {
  const { problems } = await rewrite(([signed, request, decision, ...rest]) => [
    ...([signed, decision, request] as Uint8Array[]),
    ...rest,
  ]);
  expect(problems.map(({ code, log, index }) => [code, log, index])).toEqual([
    ["ORDER_BROKEN", originOf(BANK), 1],
    ["ORDER_BROKEN", originOf(BANK), 5],
    ["LOGS_DISAGREE", originOf(BANK), 6],
    ["LOGS_DISAGREE", originOf(PARTNER), 6],
    ["NOT_COSIGNED", originOf(BANK), 5],
  ]);
});

test("a log cut off before what its peer cosigned looks like an older export, and is called incomplete", async () => {
  const report = await rewrite((entries) => entries.slice(0, 1));
  expect(report.verdict).toBe("incomplete");
  expect(report.problems.map(({ code }) => code)).toContain("LOG_SHORT");
});

test("a log cut off after its last cosigned head is not caught by its peer: it lacks a cosignature, no more", async () => {
  const report = await rewrite((entries) => entries.slice(0, 6));
  expect([report.verdict, report.firstProblem?.code]).toEqual(["incomplete", "NOT_COSIGNED"]);
});

test("an older export of a log beside the newer one changes nothing", async () => {
  const { files, dirs } = await runJob();
  const { files: early } = await runJob({ without: ["receipt", "cosign", "final cosign", "openings"] });
  for (const [path, bytes] of early.contents) {
    if (path.startsWith("/export/bank/")) files.contents.set(path.replace("/export/bank/", "/export/early/"), bytes);
  }
  const report = await verifyFolders([...dirs, "/export/early"], { files });
  expect([report.problems, report.summary.logs.map(({ entries }) => entries)]).toEqual([[], [7, 7, 5]]);
});

test("a receipt whose agreement is not in the folders is found", async () => {
  const { files, dirs } = await runJob();
  for (const [dir, party] of [
    ["/export/bank", BANK],
    ["/export/partner", PARTNER],
  ] as const) {
    files.contents.delete(`${dir}/agreements/${AGREEMENT.digest}.json`);
    remakeManifest(files, dir, party);
  }
  expect((await verifyFolders(dirs, { files })).firstProblem).toMatchObject({ code: "AGREEMENT_MISSING", index: 0 });
});

test("two exports of one log with different histories are a fork", async () => {
  const { files } = await runJob();
  const log = await EvidenceLog.open({ files, folder: "/other", origin: originOf(BANK), key: BANK.keys.log });
  await log.append([
    statementEntry("failed", ABOUT_JOB, { jobId: JOB.jobId, attempt: 1, code: "PEER_GONE", at: AT }, BANK.keys.jobs),
  ]);
  const identity = ({ name, keys, keyset }: typeof BANK) => ({
    party: name,
    identity: keys.identity.publicKey,
    envelope: keyset,
  });
  const bundle = exportBundle({
    collaboration: AGREEMENT.collaboration,
    exportingParty: "bank",
    keysets: [identity(BANK), identity(PARTNER)],
    ...{ agreements: [], revocations: [], forks: [], openings: [], witnessed: [] },
    logs: [{ origin: log.origin, files: await log.exportFiles() }],
  });
  for (const { path, bytes } of bundle) files.contents.set(`/export/other/${path}`, bytes);
  const report = await verifyFolders(["/export/bank", "/export/partner", "/export/other"], { files });
  expect(report.firstProblem).toMatchObject({ code: "LOGS_DISAGREE", folder: "/export/other" });
});

test("an entry signed by somebody else than the log's owner is named by its index", async () => {
  const { files } = await runJob();
  const log = await EvidenceLog.open({ files, folder: "/node/bank", origin: originOf(BANK), key: BANK.keys.log });
  const failed = { jobId: JOB.jobId, attempt: 1, code: "PEER_GONE", at: AT };
  await log.append([
    statementEntry("failed", ABOUT_JOB, failed, PARTNER.keys.jobs),
    statementEntry("receipt", ABOUT_JOB, receiptOf(), BANK.keys.jobs),
    utf8("plain text"),
  ]);
  for (const { path, bytes } of await log.exportFiles()) files.contents.set(`${BANK_LOG}/${path}`, bytes);
  for (const path of [...files.contents.keys()])
    if (path.startsWith(BANK_LOG) && /\.p\/7$/.test(path)) files.contents.delete(path);
  remakeManifest(files, "/export/bank", BANK);
  const report = await verifyFolders(["/export/bank", "/export/partner"], { files });
  expect(report.problems.map(({ code, index }) => [code, index])).toEqual([
    ["SIGNATURE_INVALID", 7],
    ["SIGNATURE_INVALID", 8],
    ["ENTRY_INVALID", 9],
  ]);
});
