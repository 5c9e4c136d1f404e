/** The audit report as one HTML page: no script, no request to anywhere, everything that others wrote escaped. */
import { escapeMarkup } from "../../proto/encoding/markup.ts";
import type { AuditReport, ReportedJob } from "./report.ts";
import type { Problem } from "./verdict.ts";

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1f; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } caption { text-align: left; color: #555; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #ddd; }
code { font-size: .85em; overflow-wrap: anywhere; } .verdict { padding: .8rem 1rem; border-left: 6px solid; }
.verified { border-color: #2e7d32; background: #edf7ed; } .tampered { border-color: #c62828; background: #fdecea; }
.incomplete { border-color: #ef6c00; background: #fff4e5; } .none { color: #555; }`;

type Cell = string | number | null | { readonly code: string };

function cell(value: Cell): string {
  if (value === null) return '<td class="none">–</td>';
  if (typeof value === "object") return `<td><code>${escapeMarkup(value.code)}</code></td>`;
  return `<td>${escapeMarkup(String(value))}</td>`;
}

function section(title: string, head: readonly string[], rows: readonly (readonly Cell[])[], none: string): string {
  const body =
    rows.length === 0
      ? `<p class="none">${escapeMarkup(none)}</p>`
      : `<table><thead><tr>${head.map((name) => `<th>${escapeMarkup(name)}</th>`).join("")}</tr></thead><tbody>${rows
          .map((row) => `<tr>${row.map(cell).join("")}</tr>`)
          .join("")}</tbody></table>`;
  return `<h2>${escapeMarkup(title)}</h2>\n${body}`;
}

function short(digest: string | null): Cell {
  return digest === null ? null : { code: digest.slice(0, 12) };
}

function placeOf({ folder, path, log, index }: Problem): string {
  const entry = index === undefined ? undefined : `entry ${index}`;
  return [folder, path, log, entry].filter((part) => part !== undefined).join(", ");
}

function wentIn({ rows, receiver, provider }: ReportedJob): string | null {
  const told = [
    [receiver, rows.receiver],
    [provider, rows.sender],
  ].filter(([, count]) => count !== null);
  return told.length === 0 ? null : told.map(([party, count]) => `${party} ${count}`).join(", ");
}

function approvalsOf({ approvals }: ReportedJob): string | null {
  const told = approvals.map(({ party, person, decision }) => `${party}: ${person ?? "not opened"} ${decision}`);
  return told.length === 0 ? null : told.join("; ");
}

/** A whole document. */
export function reportHtml(report: AuditReport): string {
  const { verification, agreements, jobs } = report;
  const { verdict, problems, problemCount, summary, fingerprints, commitments } = verification;
  const released = jobs.filter(({ outcome }) => outcome === "opened");
  const refused = jobs.filter(({ outcome }) => ["refused", "withheld", "failed"].includes(outcome));
  const parts = [
    `<h1>Evidence report</h1>\n<p class="verdict ${verdict}">${escapeMarkup(report.headline)}</p>`,
    section(
      `What is wrong (${problemCount})`,
      ["code", "what", "why", "where"],
      problems.map((problem) => [{ code: problem.code }, problem.text, problem.why ?? null, placeOf(problem)]),
      "Nothing was found.",
    ),
    section(
      "Identities",
      ["party", "fingerprint"],
      fingerprints.map(({ party, fingerprint }) => [party, { code: fingerprint }]),
      "No identity could be read.",
    ),
    section(
      "Agreements",
      ["digest", "title", "version", "between", "purposes", "valid", "state", "jobs"],
      agreements.map((item) => [
        short(item.digest),
        item.title,
        item.version,
        item.parties.join(", "),
        item.purposes.map(({ id, text, legalBasis }) => `${id}: ${text} (${legalBasis})`).join("; "),
        `${item.validFrom} to ${item.validUntil}`,
        item.revoked === null ? item.state : `revoked by ${item.revoked.by} at ${item.revoked.at}`,
        item.jobs,
      ]),
      "No agreement could be read.",
    ),
    section(
      "Jobs",
      ["job", "agreement", "what", "purpose", "receiver", "provider", "requested", "outcome", "approved by"],
      jobs.map((job) => [
        short(job.jobId),
        short(job.agreement),
        [job.operation, job.output].filter((part) => part !== null).join(", ") || null,
        job.purpose,
        job.receiver,
        job.provider,
        job.requestedAt,
        job.outcome,
        approvalsOf(job),
      ]),
      "No job is on record.",
    ),
    section(
      "Released",
      ["job", "to", "people in", "came out", "columns in clear", "finished", "tags until"],
      released.map((job) => [
        short(job.jobId),
        job.receiver,
        wentIn(job) ?? "not opened",
        job.cameOut ?? "not opened",
        job.releasedColumns.join(", ") || "none",
        job.finishedAt,
        job.tagsExpireAt,
      ]),
      "Nothing was released.",
    ),
    section(
      "Refused, withheld or failed",
      ["job", "outcome", "by", "code", "requested"],
      refused.map((job) => [short(job.jobId), job.outcome, job.refusedBy, job.reason, job.requestedAt]),
      "Nothing was.",
    ),
    section(
      "Withdrawn tags",
      ["party", "agreement", "at", "tags"],
      report.withdrawals.map((item) => [item.party, short(item.agreement), item.at, item.tags ?? "not opened"]),
      "No tags were withdrawn.",
    ),
    section(
      "Budgets used, by each party's own log",
      ["party", "agreement", "operation", "datasets", "runs in epoch", "runs in a day", "model versions", "epoch ends"],
      report.budgets.map((item) => [
        item.party,
        short(item.agreement),
        item.operation,
        `${item.receiverDataset}, ${item.providerDataset}`,
        `${item.runsInEpoch} of ${item.runsPerEpoch}`,
        `${item.runsToday} of ${item.runsPerDay}`,
        item.modelVersionsAllowed === 0 ? null : `${item.modelVersions} of ${item.modelVersionsAllowed}`,
        item.epochEndsAt,
      ]),
      "Nothing was charged.",
    ),
    section(
      "Data sets",
      ["party", "data set", "jobs", "released"],
      report.datasets.map(({ party, name, jobs: count, opened }) => [party, name, count, opened]),
      "No data set was used.",
    ),
    section(
      "People who decided",
      ["party", "person", "approved", "declined"],
      report.people.map(({ party, person, approved, declined }) => [party, person, approved.length, declined.length]),
      "No approval was opened.",
    ),
    section(
      "Logs",
      ["log", "entries", "cosigned up to"],
      summary.logs.map(({ origin, entries, cosignedSize }) => [{ code: origin }, entries, cosignedSize]),
      "No log could be read.",
    ),
    `<p>Commitments of the logs' owners: ${commitments.opened} opened, ${commitments.notOpenedCount} committed, not opened.</p>`,
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Evidence report: ${escapeMarkup(verdict)}</title>
<style>${STYLE}
</style>
</head>
<body>
${parts.join("\n")}
</body>
</html>
`;
}
