import { expect, test } from "vitest";
import { signRevocation } from "../../proto/agreement/revocation.ts";
import { escapeMarkup } from "../../proto/encoding/markup.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import { reportHtml } from "../../sdk/verify/html.ts";
import { type AuditReport, reportOf } from "../../sdk/verify/report.ts";
import { examineFolders } from "../../sdk/verify/verify.ts";
import {
  AGREEMENT,
  AT,
  aboutAgreement,
  agreementWith,
  BANK,
  JOB,
  runJob,
  type Script,
  type TestParty,
  testHash,
} from "../support/evidence-world.ts";

async function reported(script: Script = {}): Promise<AuditReport> {
  const { files, dirs } = await runJob(script);
  return reportOf(await examineFolders(dirs, { files }));
}

test("it says who ran what, under which agreement, how many went in, what came out, to whom", async () => {
  const report = await reported();
  expect(report.headline).toMatch(/^VERIFIED: consistent under the keys in these folders/);
  expect(report.agreements).toMatchObject([
    { digest: AGREEMENT.digest, title: "Joint audience", parties: ["bank", "partner"], state: "in force", jobs: 1 },
  ]);
  expect(report.jobs).toEqual([
    {
      ...{ jobId: JOB.jobId, agreement: AGREEMENT.digest, operation: "audience", output: "list", purpose: "test" },
      ...{ receiver: "bank", provider: "partner", receiverDataset: "customers", providerDataset: "customers" },
      ...{ requestedAt: AT, finishedAt: AT, outcome: "opened", reason: null, refusedBy: null },
      ...{
        rows: { receiver: 1000, sender: 3900 },
        cameOut: "640",
        releasedColumns: [],
        tagsExpireAt: "2026-05-31T00:00:00.000Z",
      },
      approvals: [],
    },
  ]);
  expect(report.budgets.map(({ party, runsInEpoch, runsPerEpoch }) => [party, runsInEpoch, runsPerEpoch])).toEqual([
    ["bank", 1, 20],
    ["partner", 1, 20],
  ]);
  expect(report.datasets).toEqual([
    { party: "bank", name: "customers", jobs: 1, opened: 1 },
    { party: "partner", name: "customers", jobs: 1, opened: 1 },
  ]);
  expect([report.withdrawals, report.people]).toEqual([[], []]);
});

test("a refusal and a withdrawal are told with their codes", async () => {
  const job = { jobId: testHash("refused").slice(0, 32), jobDigest: testHash("refused job") };
  const about = [{ name: "job" as const, digest: { sha256: job.jobDigest } }];
  const revocation = signRevocation({ agreement: AGREEMENT.digest, by: BANK.name, at: AT }, BANK.keys.identity);
  const afterwards = (party: TestParty) => {
    const key = party.keys.jobs;
    const end = { agreementDigest: AGREEMENT.digest, at: AT };
    const revoked = { ...end, by: "bank", revocationDigest: digestOf(revocation.payload) };
    return [
      statementEntry("refused", about, { ...job, by: "partner", code: "POLICY_DATASET", at: AT }, key),
      statementEntry("agreement-revoked", aboutAgreement(AGREEMENT), revoked, key),
      statementEntry("tags-withdrawn", aboutAgreement(AGREEMENT), { ...end, tagsCommitment: testHash("w") }, key),
    ];
  };
  const report = await reported({ afterwards, revocations: [revocation] });
  expect(report.jobs.find(({ jobId }) => jobId === job.jobId)).toMatchObject({
    ...{ outcome: "refused", refusedBy: "partner", reason: "POLICY_DATASET" },
  });
  expect(report.agreements[0]).toMatchObject({ state: "revoked", revoked: { by: "bank", at: AT } });
  expect(report.withdrawals.map(({ party, tags }) => [party, tags])).toEqual([
    ["bank", null],
    ["partner", null],
  ]);
  const html = reportHtml(report);
  for (const text of ["POLICY_DATASET", `revoked by bank at ${AT}`, "not opened"]) expect(html).toContain(text);
});

test("the page asks nothing of anybody, and what others wrote is text in it", async () => {
  const evil = `<img src="https://evil.example/x" onerror='alert(1)'> & more`;
  const html = reportHtml(await reported({ agreement: agreementWith({ title: evil }) }));
  expect(html).toContain("&lt;img src=&quot;https://evil.example/x&quot; onerror=&#39;alert(1)&#39;&gt; &amp; more");
  expect(html).not.toMatch(/<(?:img|script|link|iframe|object|svg|a)\b|url\(|@import/);
  expect(html).toContain(
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
  );
  expect(escapeMarkup("a\u202eb\u0000")).toBe("a\ufffdb\ufffd");
});

test("a report of tampered folders begins with that, and names the entry", async () => {
  const report = await reported({ without: ["decisions"] });
  expect(report.headline).toMatch(/^TAMPERED/);
  const html = reportHtml(report);
  expect(html).toContain('<p class="verdict tampered">');
  expect(html).toContain("a receipt of a job that was not allowed before");
  expect(html).toContain("entry 4");
});
