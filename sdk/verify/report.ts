/** What an examination says, put together for people: agreements, jobs, what came of them, who decided. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import { compareOrigins, parseOrigin } from "../../proto/evidence/origin.ts";
import { headline } from "../../proto/evidence/verdict.ts";
import { type Budget, budgetOf } from "../../proto/policy/budget.ts";
import { longestOf } from "./agree.ts";
import { summariseJobs } from "./summary.ts";
import type { JobTrace, LogRecord } from "./trace.ts";
import type { VerifyReport } from "./verdict.ts";
import type { Examination } from "./verify.ts";

export interface ReportedApproval {
  readonly party: string;
  readonly decision: "approved" | "declined";
  readonly at: string;
  /** null when its party did not open it. */
  readonly person: string | null;
}

export interface ReportedJob {
  readonly jobId: string;
  readonly agreement: string | null;
  readonly operation: string | null;
  readonly output: string | null;
  readonly purpose: string | null;
  readonly receiver: string | null;
  readonly provider: string | null;
  readonly receiverDataset: string | null;
  readonly providerDataset: string | null;
  readonly requestedAt: string | null;
  readonly finishedAt: string | null;
  readonly outcome: "requested" | "refused" | "failed" | "receipt-only" | "opened" | "withheld";
  /** Code of a refusal, of a failure, or of what was withheld. */
  readonly reason: string | null;
  readonly refusedBy: string | null;
  readonly rows: { readonly receiver: number | null; readonly sender: number | null };
  readonly cameOut: string | null;
  /** Columns of the provider's dataset that left in clear with the result, or would have. */
  readonly releasedColumns: readonly string[];
  readonly tagsExpireAt: string | null;
  readonly approvals: readonly ReportedApproval[];
}

export interface AuditReport {
  readonly format: "entente-audit-report/1";
  readonly headline: string;
  readonly verification: VerifyReport;
  readonly agreements: readonly {
    readonly digest: string;
    readonly title: string;
    readonly version: number;
    readonly parties: readonly string[];
    readonly purposes: readonly { readonly id: string; readonly text: string; readonly legalBasis: string }[];
    readonly validFrom: string;
    readonly validUntil: string;
    readonly state: "in force" | "superseded" | "revoked";
    readonly revoked: { readonly by: string; readonly at: string } | null;
    readonly jobs: number;
  }[];
  readonly jobs: readonly ReportedJob[];
  readonly withdrawals: readonly {
    readonly party: string;
    readonly agreement: string;
    readonly at: string;
    readonly tags: number | null;
  }[];
  /** By each party's own log, in the epoch of its last charge. */
  readonly budgets: readonly (Omit<Budget, "epochEndsAt"> & {
    readonly party: string;
    readonly agreement: string;
    readonly operation: string;
    readonly receiverDataset: string;
    readonly providerDataset: string;
    readonly epochEndsAt: string;
  })[];
  readonly datasets: readonly {
    readonly party: string;
    readonly name: string;
    readonly jobs: number;
    readonly opened: number;
  }[];
  readonly people: readonly {
    readonly party: string;
    readonly person: string;
    readonly approved: readonly string[];
    readonly declined: readonly string[];
  }[];
}

export function reportOf(examination: Examination): AuditReport {
  const { report, agreements } = examination;
  const records = [...Map.groupBy(examination.records, ({ log }) => log.origin).values()]
    .map(longestOf)
    .sort((a, b) => compareOrigins(parseOrigin(a.log.origin), parseOrigin(b.log.origin)));
  const jobs = jobsOf(examination, records);
  return {
    format: "entente-audit-report/1",
    headline: headline(report),
    verification: report,
    agreements: [...agreements.values()].map((agreement) => describe(agreement, records, agreements, jobs)),
    jobs,
    withdrawals: records.flatMap(({ log, withdrawn }) =>
      [...withdrawn].map(([agreement, { at, commitment }]) => {
        const opened = examination.openings.find({ by: log.owner, kind: "withdrawn", commitment });
        return { party: log.owner, agreement, at, tags: opened?.count ?? null };
      }),
    ),
    budgets: budgetsOf(examination, records),
    datasets: datasetsOf(jobs),
    people: peopleOf(jobs),
  };
}

function describe(
  { digest, document }: Agreement,
  records: readonly LogRecord[],
  agreements: ReadonlyMap<string, Agreement>,
  jobs: readonly ReportedJob[],
): AuditReport["agreements"][number] {
  const revoked = records.map((record) => record.revoked.get(digest)).find((found) => found !== undefined);
  const isSuperseded = [...agreements.values()].some((other) => other.document.supersedes === digest);
  const { title, version, validFrom, validUntil } = document;
  return {
    ...{ digest, title, version, validFrom, validUntil },
    parties: document.parties.map(({ name }) => name),
    purposes: document.purposes,
    state: revoked !== undefined ? "revoked" : isSuperseded ? "superseded" : "in force",
    revoked: revoked === undefined ? null : { by: revoked.by, at: revoked.at },
    jobs: jobs.filter((job) => job.agreement === digest).length,
  };
}

function jobsOf({ openings }: Examination, records: readonly LogRecord[]): ReportedJob[] {
  const summaries = new Map(summariseJobs(records, openings).map((summary) => [summary.jobId, summary]));
  const jobIds = new Set(records.flatMap(({ jobs }) => [...jobs.keys()]));
  const told = [...jobIds].map((jobId): ReportedJob => {
    // Of logs that follow one another the last knows what those before it said.
    const byOwner = new Map<string, JobTrace>();
    for (const { log, jobs } of records) {
      const trace = jobs.get(jobId);
      if (trace !== undefined) byOwner.set(log.owner, trace);
    }
    const held = [...byOwner].map(([owner, trace]) => ({ owner, trace }));
    const traces = held.map(({ trace }) => trace);
    const first = <T>(pick: (trace: JobTrace) => T | undefined): T | null =>
      traces.map(pick).find((found) => found !== undefined) ?? null;
    const requested = first((trace) => trace.requested);
    const charge = first((trace) => trace.charge?.charge);
    const receipt = first((trace) => trace.receipt?.predicate);
    const refused = first((trace) => trace.refused);
    const failed = first((trace) => trace.failed);
    const withheld = first((trace) => trace.withheld);
    const summary = summaries.get(jobId);
    const outcome = summary?.outcome ?? (refused !== null ? "refused" : failed !== null ? "failed" : "requested");
    return {
      jobId,
      agreement: first((trace) => trace.agreementDigest) ?? receipt?.agreementDigest ?? null,
      operation: requested?.operation ?? receipt?.operation ?? null,
      output: requested?.output ?? receipt?.output ?? null,
      purpose: requested?.purpose ?? null,
      receiver: receipt?.parties.receiver ?? charge?.receiver ?? requested?.requester ?? null,
      provider: receipt?.parties.sender ?? charge?.provider ?? null,
      receiverDataset: charge?.receiverDataset ?? null,
      providerDataset: charge?.providerDataset ?? null,
      requestedAt: requested?.at ?? null,
      finishedAt: receipt?.finishedAt ?? null,
      outcome,
      reason: outcome === "withheld" ? (withheld?.code ?? null) : (refused?.code ?? failed?.code ?? null),
      refusedBy: outcome === "refused" ? (refused?.by ?? null) : null,
      rows: summary?.rows ?? { receiver: null, sender: null },
      cameOut: summary?.cameOut ?? null,
      releasedColumns: receipt?.releasedColumns ?? charge?.releasedColumns ?? [],
      tagsExpireAt: first((trace) => trace.opened?.predicate.tags?.expiresAt),
      approvals: held.flatMap(({ owner, trace }) =>
        trace.approvals.map(({ isApproved, approver, at }) => ({
          party: owner,
          decision: isApproved ? ("approved" as const) : ("declined" as const),
          at,
          person: openings.find({ by: owner, kind: "approver", commitment: approver })?.person ?? null,
        })),
      ),
    };
  });
  const timeOf = (job: ReportedJob) => job.requestedAt ?? job.finishedAt ?? "";
  return told.sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1));
}

function budgetsOf({ agreements, runs }: Examination, records: readonly LogRecord[]): AuditReport["budgets"] {
  const newest = [
    ...new Map(records.map((record) => [`${record.log.owner}/${record.log.collaboration}`, record])).values(),
  ];
  return newest.flatMap(({ log, isParty }) => {
    const history = runs.get(log.origin) ?? [];
    const last = history.at(-1);
    if (!isParty || last === undefined) return [];
    return [...agreements.values()].flatMap((agreement) =>
      agreement.document.operations
        .filter(({ operation }) =>
          history.some((run) => run.agreement === agreement.digest && run.operation === operation),
        )
        .map((operation) => {
          const budget = budgetOf(agreement, operation, history, last.at);
          const { receiverDataset, providerDataset } = operation;
          return {
            ...{ party: log.owner, agreement: agreement.digest, operation: operation.operation },
            ...{ receiverDataset, providerDataset },
            ...budget,
            epochEndsAt: new Date(budget.epochEndsAt).toISOString(),
          };
        }),
    );
  });
}

function datasetsOf(jobs: readonly ReportedJob[]): AuditReport["datasets"] {
  const uses = jobs.flatMap((job) => [
    { party: job.receiver, name: job.receiverDataset, job },
    { party: job.provider, name: job.providerDataset, job },
  ]);
  const named = uses.filter(({ party, name }) => party !== null && name !== null);
  return [...Map.groupBy(named, ({ party, name }) => `${party}/${name}`).values()].map((same) => {
    const { party, name } = same[0] as (typeof same)[number];
    const opened = same.filter(({ job }) => job.outcome === "opened").length;
    return { party: party as string, name: name as string, jobs: same.length, opened };
  });
}

function peopleOf(jobs: readonly ReportedJob[]): AuditReport["people"] {
  const decisions = jobs.flatMap(({ jobId, approvals }) => approvals.map((approval) => ({ jobId, ...approval })));
  const named = decisions.flatMap((item) => (item.person === null ? [] : [{ ...item, person: item.person }]));
  return [...Map.groupBy(named, ({ party, person }) => `${party}\n${person}`).values()].map((same) => {
    const { party, person } = same[0] as (typeof same)[number];
    const jobsBy = (decision: string) => same.filter((item) => item.decision === decision).map(({ jobId }) => jobId);
    return { party, person, approved: jobsBy("approved"), declined: jobsBy("declined") };
  });
}
