/** The audit report as one HTML page: no script, no request to anywhere, everything that others wrote escaped. */
import { escapeMarkup } from "../../proto/encoding/markup.ts";
import { headline, PROBLEMS } from "../../proto/evidence/verdict.ts";
import type { Language } from "../../proto/language.ts";
import type { AuditReport, ReportedJob } from "./report.ts";
import { REPORT_WORDS, type ReportWords } from "./report-words.ts";
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

function section({ title, head, none }: ReportWords["sections"]["jobs"], rows: readonly (readonly Cell[])[]): string {
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

function placeOf({ folder, path, log, index }: Problem, words: ReportWords): string {
  const entry = index === undefined ? undefined : words.entry(index);
  return [folder, path, log, entry].filter((part) => part !== undefined).join(words.separator.names);
}

function wentIn({ rows, receiver, provider }: ReportedJob, { separator }: ReportWords): string | null {
  const told = [
    [receiver, rows.receiver],
    [provider, rows.sender],
  ].filter(([, count]) => count !== null);
  return told.length === 0 ? null : told.map(([party, count]) => `${party} ${count}`).join(separator.names);
}

function approvalsOf({ approvals }: ReportedJob, { notOpened, decisions, separator }: ReportWords): string | null {
  const told = approvals.map(
    ({ party, person, decision }) => `${party}: ${person ?? notOpened} ${decisions[decision]}`,
  );
  return told.length === 0 ? null : told.join(separator.sentences);
}

/** A whole document. What a problem exactly was is in English alone. */
export function reportHtml(report: AuditReport, language: Language = "en"): string {
  const words = REPORT_WORDS[language];
  const { sections, separator, outcomes, notOpened } = words;
  const { verification, agreements, jobs } = report;
  const { verdict, problems, problemCount, summary, fingerprints, commitments } = verification;
  const released = jobs.filter(({ outcome }) => outcome === "opened");
  const refused = jobs.filter(({ outcome }) => ["refused", "withheld", "failed"].includes(outcome));
  const parts = [
    `<h1>${words.title}</h1>\n<p class="verdict ${verdict}">${escapeMarkup(headline(verification, language))}</p>`,
    section(
      { ...sections.problems, title: `${sections.problems.title} (${problemCount})` },
      problems.map((problem) => [
        ...[{ code: problem.code }, PROBLEMS[problem.code].text[language]],
        ...[problem.why ?? null, placeOf(problem, words)],
      ]),
    ),
    section(
      sections.identities,
      fingerprints.map(({ party, fingerprint }) => [party, { code: fingerprint }]),
    ),
    section(
      sections.agreements,
      agreements.map((item) => [
        short(item.digest),
        item.title,
        item.version,
        item.parties.join(separator.names),
        item.purposes
          .map(({ id, text, legalBasis }) => `${id}: ${words.withBasis(text, legalBasis)}`)
          .join(separator.sentences),
        words.period(item.validFrom, item.validUntil),
        item.revoked === null ? words.states[item.state] : words.revoked(item.revoked.by, item.revoked.at),
        item.jobs,
      ]),
    ),
    section(
      sections.jobs,
      jobs.map((job) => [
        short(job.jobId),
        short(job.agreement),
        [job.operation, job.output].filter((part) => part !== null).join(separator.names) || null,
        job.purpose,
        job.receiver,
        job.provider,
        job.requestedAt,
        outcomes[job.outcome],
        approvalsOf(job, words),
      ]),
    ),
    section(
      sections.released,
      released.map((job) => [
        short(job.jobId),
        job.receiver,
        wentIn(job, words) ?? notOpened,
        job.cameOut ?? notOpened,
        job.releasedColumns.join(separator.names) || words.noColumns,
        job.finishedAt,
        job.tagsExpireAt,
      ]),
    ),
    section(
      sections.refused,
      refused.map((job) => [short(job.jobId), outcomes[job.outcome], job.refusedBy, job.reason, job.requestedAt]),
    ),
    section(
      sections.withdrawals,
      report.withdrawals.map((item) => [item.party, short(item.agreement), item.at, item.tags ?? notOpened]),
    ),
    section(
      sections.budgets,
      report.budgets.map((item) => [
        item.party,
        short(item.agreement),
        item.operation,
        [item.receiverDataset, item.providerDataset].join(separator.names),
        words.ofLimit(item.runsInEpoch, item.runsPerEpoch),
        words.ofLimit(item.runsToday, item.runsPerDay),
        item.modelVersionsAllowed === 0 ? null : words.ofLimit(item.modelVersions, item.modelVersionsAllowed),
        item.epochEndsAt,
      ]),
    ),
    section(
      sections.datasets,
      report.datasets.map(({ party, name, jobs: count, opened }) => [party, name, count, opened]),
    ),
    section(
      sections.people,
      report.people.map(({ party, person, approved, declined }) => [party, person, approved.length, declined.length]),
    ),
    section(
      sections.logs,
      summary.logs.map(({ origin, entries, cosignedSize }) => [{ code: origin }, entries, cosignedSize]),
    ),
    `<p>${escapeMarkup(words.commitments(commitments.opened, commitments.notOpenedCount))}</p>`,
  ];
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${words.title}</title>
<style>${STYLE}
</style>
</head>
<body>
${parts.join("\n")}
</body>
</html>
`;
}
