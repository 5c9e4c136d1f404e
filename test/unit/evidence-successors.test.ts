/** Logs that follow one another are one story; and forks that somebody has seen. */
import { describe, expect, test } from "vitest";
import { fromUtf8, toHex } from "../../proto/encoding/bytes.ts";
import { digestOf, sha256 } from "../../proto/encoding/sha256.ts";
import { signCheckpoint, type TreeHead } from "../../proto/evidence/checkpoint.ts";
import { type CosignedHead, cosignedHead } from "../../proto/evidence/cosignature.ts";
import { logFolder } from "../../proto/evidence/export.ts";
import { encodeFork } from "../../proto/evidence/fork.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { encodeNote } from "../../proto/evidence/note.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import { reportOf } from "../../sdk/verify/report.ts";
import { examineFolders } from "../../sdk/verify/verify.ts";
import {
  ABOUT_JOB,
  AT,
  BANK,
  cosignBy,
  decisionOf,
  type Exports,
  JOB,
  OPENINGS,
  originOf,
  PARTNER,
  remakeManifest,
  runJob,
  testHash,
} from "../support/evidence-world.ts";

const { jobs, identity } = BANK.keys;
const NEXT_YEAR = originOf(BANK).replace(/2026$/, "2027");
const SECOND = `${originOf(BANK)}-2`;

const EXPORTED = statementEntry(
  "tags-exported",
  ABOUT_JOB,
  {
    jobId: JOB.jobId,
    tagsCommitment: OPENINGS.bank.tags.commitment,
    destination: testHash("destination"),
    at: AT,
  },
  jobs,
);

function continued(previous: CosignedHead): Uint8Array {
  return statementEntry(
    "log-continued",
    [{ name: "log", digest: { sha256: previous.root } }],
    { previous, at: AT },
    jobs,
  );
}

function recovered(found: TreeHead, lost: TreeHead, keys = [jobs, identity]): Uint8Array {
  return statementEntry(
    "log-recovered",
    [{ name: "log", digest: { sha256: found.root } }],
    { lost: [lost], found, at: AT },
    ...keys,
  );
}

/** The bank's log of one job, with the head that its partner cosigned. */
async function first(): Promise<{ readonly exports: Exports; readonly log: EvidenceLog; readonly head: CosignedHead }> {
  const exports = await runJob();
  const log = await EvidenceLog.open({
    files: exports.files,
    folder: "/node/bank",
    origin: originOf(BANK),
    key: BANK.keys.log,
  });
  const cosigned = log.lastCosigned();
  const line = cosigned?.note.signatures.find(({ name }) => name === PARTNER.keys.cosigner.keyId);
  if (cosigned === undefined || line === undefined) throw new Error("not cosigned");
  return { exports, log, head: cosignedHead(cosigned.head, line) };
}

/** Another log of the bank beside the first, in its export. */
async function follow({ files, dirs }: Exports, origin: string, entries: readonly Uint8Array[]) {
  const log = await EvidenceLog.open({ files, folder: "/node/bank-next", origin, key: BANK.keys.log });
  await log.append(entries);
  await cosignBy(log, BANK, PARTNER);
  for (const { path, bytes } of await log.exportFiles())
    files.contents.set(`/export/bank/logs/${logFolder(origin)}/${path}`, bytes);
  remakeManifest(files, "/export/bank", BANK);
  return examine({ files, dirs });
}

async function examine({ files, dirs }: Exports) {
  const examination = await examineFolders(dirs, { files });
  const { verdict, problems } = examination.report;
  return { examination, verdict, found: problems.map(({ code, log, index }) => [code, log, index]) };
}

describe("a log that goes on where another ended", () => {
  test("verifies with it as one story: what was opened in one is exported in the other", async () => {
    const { exports, head } = await first();
    const { verdict, found, examination } = await follow(exports, NEXT_YEAR, [continued(head), EXPORTED]);
    expect([verdict, found]).toEqual(["verified", []]);
    const { jobs: told, budgets } = reportOf(examination);
    expect(told).toMatchObject([{ jobId: JOB.jobId, outcome: "opened" }]);
    expect(budgets.map(({ party, runsToday }) => [party, runsToday])).toEqual([
      ["bank", 1],
      ["partner", 1],
    ]);
  });

  test("counts budgets over both", async () => {
    const { exports, head } = await first();
    const other = { jobId: testHash("other").slice(0, 32), jobDigest: testHash("other job") };
    const decision = { ...decisionOf(BANK), ...other };
    const about = [{ name: "job" as const, digest: { sha256: other.jobDigest } }];
    const { agreementDigest } = decision;
    const request = { ...other, agreementDigest, operation: "audience", output: "list", purpose: "test" } as const;
    const { found } = await follow(exports, NEXT_YEAR, [
      continued(head),
      statementEntry("job-requested", about, { ...request, requester: "bank", at: AT }, jobs),
      // As if nothing had run before.
      statementEntry("policy-decision", about, decision, jobs),
    ]);
    expect(found).toEqual([["DECISION_DIFFERS", NEXT_YEAR, 2]]);
  });

  test("must say so, name the other's end, and carry the peer's cosignature of it", async () => {
    const { exports, log, head } = await first();
    expect((await follow(exports, NEXT_YEAR, [EXPORTED])).found).toEqual([["ORDER_BROKEN", NEXT_YEAR, 0]]);
    const forged = { ...head, root: testHash("another root") };
    const again = await first();
    expect((await follow(again.exports, NEXT_YEAR, [continued(forged)])).found).toEqual([
      ["COSIGNATURE_INVALID", NEXT_YEAR, 0],
    ]);
    const third = await first();
    await log.append([EXPORTED]);
    const later = await cosignBy(log, BANK, PARTNER);
    const short = await follow(third.exports, NEXT_YEAR, [continued(later)]);
    expect([short.verdict, short.found]).toEqual(["incomplete", [["LOG_SHORT", NEXT_YEAR, 0]]]);
  });

  test("ends the other: an entry there after it is caught", async () => {
    const { exports, log, head } = await first();
    await log.append([EXPORTED]);
    await cosignBy(log, BANK, PARTNER);
    for (const { path } of [...exports.files.contents].map(([name]) => ({ path: name })))
      if (path.startsWith(`/export/bank/logs/${logFolder(originOf(BANK))}/`)) exports.files.contents.delete(path);
    for (const { path, bytes } of await log.exportFiles())
      exports.files.contents.set(`/export/bank/logs/${logFolder(originOf(BANK))}/${path}`, bytes);
    const { verdict, found } = await follow(exports, NEXT_YEAR, [continued(head)]);
    expect([verdict, found]).toEqual(["tampered", [["ORDER_BROKEN", NEXT_YEAR, 0]]]);
  });
});

describe("a log that was begun anew", () => {
  const lost = (size: number): TreeHead => ({ origin: originOf(BANK), size, root: testHash("lost") });

  test("is incomplete: what was lost is named", async () => {
    const { exports, log, head } = await first();
    const { verdict, found, examination } = await follow(exports, SECOND, [
      recovered(log.head, lost(head.size + 3)),
      EXPORTED,
    ]);
    expect([verdict, found]).toEqual(["incomplete", [["LOG_RECOVERED", SECOND, 0]]]);
    expect(examination.report.firstProblem?.why).toContain(`${head.size + 3} of ${originOf(BANK)}`);
  });

  test("needs the identity, and ends the log that was found", async () => {
    const { exports, log, head } = await first();
    const unsigned = await follow(exports, SECOND, [recovered(log.head, lost(head.size + 3), [jobs])]);
    expect(unsigned.found).toContainEqual(["SIGNATURE_INVALID", SECOND, 0]);
    const again = await first();
    const other = { ...log.head, root: testHash("another") };
    expect((await follow(again.exports, SECOND, [recovered(other, lost(head.size + 3))])).found).toEqual([
      ["LOGS_DISAGREE", SECOND, 0],
    ]);
  });
});

describe("a fork", () => {
  const noteOf = (size: number, label: string) => {
    const root = sha256(new TextEncoder().encode(label));
    const note = signCheckpoint({ origin: originOf(BANK), size, root }, BANK.keys.log);
    return { note: fromUtf8(encodeNote(note)), head: { origin: originOf(BANK), size, root: toHex(root) } };
  };

  async function withFork(bytes: Uint8Array, name = `${digestOf(bytes)}.json`) {
    const exports = await runJob();
    exports.files.contents.set(`/export/partner/forks/${name}`, new Uint8Array(bytes));
    remakeManifest(exports.files, "/export/partner", PARTNER);
    return examine(exports);
  }

  test("that the notes prove is tampering by the log's owner; otherwise it is the witness's word", async () => {
    const [a, b, c] = [noteOf(100, "a"), noteOf(100, "b"), noteOf(120, "c")];
    const proven = await withFork(encodeFork({ known: a.note, offered: b.note, proof: [] }));
    expect([proven.verdict, proven.found]).toEqual(["tampered", [["LOGS_DISAGREE", originOf(BANK), undefined]]]);
    const told = await withFork(encodeFork({ known: a.note, offered: c.note, proof: [] }));
    expect([told.verdict, told.found]).toEqual(["incomplete", [["FORK_SEEN", originOf(BANK), undefined]]]);
  });

  test("file that shows none, or is not named by its digest, is caught", async () => {
    const a = noteOf(100, "a");
    const same = encodeFork({ known: a.note, offered: a.note, proof: [] });
    expect((await withFork(same)).found.map(([code]) => code)).toEqual(["FORK_INVALID"]);
    const fork = encodeFork({ known: a.note, offered: noteOf(100, "b").note, proof: [] });
    expect((await withFork(fork, `${testHash("x")}.json`)).found.map(([code]) => code)).toEqual(["FORK_INVALID"]);
  });

  test("entry must say what its file does; without the file it is the owner's word", async () => {
    const [a, b] = [noteOf(100, "a"), noteOf(100, "b")];
    const bytes = encodeFork({ known: a.note, offered: b.note, proof: [] });
    const seen = (known: TreeHead) =>
      statementEntry(
        "log-fork-seen",
        [{ name: "fork", digest: { sha256: digestOf(bytes) } }],
        { known, offered: b.head, forkDigest: digestOf(bytes), at: AT },
        PARTNER.keys.jobs,
      );
    const say = (known: TreeHead) => runJob({ afterwards: (party) => (party === PARTNER ? [seen(known)] : []) });
    expect((await examine(await say(a.head))).found.map(([code]) => code)).toEqual(["FORK_SEEN"]);
    for (const [known, codes] of [
      [a.head, ["LOGS_DISAGREE"]],
      [{ ...a.head, size: 99 }, ["LOGS_DISAGREE", "FORK_INVALID"]],
    ] as const) {
      const exports = await say(known);
      exports.files.contents.set(`/export/partner/forks/${digestOf(bytes)}.json`, bytes);
      remakeManifest(exports.files, "/export/partner", PARTNER);
      expect((await examine(exports)).found.map(([code]) => code)).toEqual(codes);
    }
  });
});
