/** One job: how far it is while it runs; then what came out of it, or why nothing did and who must act. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "wouter";
import { isFinal, type Job } from "../../../sdk/client.ts";
import { ErrorNote } from "../parts/error-note.tsx";
import { Loading } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { JobEnd } from "./job-end.tsx";
import { JobProgress } from "./job-progress.tsx";
import { JobState } from "./job-state.tsx";
import { JobTerms } from "./job-terms.tsx";
import { useJob } from "./use-job.ts";

export function JobPage(): ReactNode {
  const { t } = useTranslation();
  const { jobId = "" } = useParams();
  const { job, error, retry } = useJob(jobId);
  if (job === undefined)
    return (
      <Page title={t("jobs.job.id")}>
        {error === undefined ? <Loading /> : <ErrorNote error={error} onRetry={retry} />}
      </Page>
    );
  const words = { operation: t(`terms.operations.${job.operation}`), peer: job.peer };
  return (
    <Page title={t("jobs.job.title", words)} lede={t(`terms.outputs.${job.output}`)} actions={<JobState job={job} />}>
      {error !== undefined && <ErrorNote error={error} onRetry={retry} />}
      {isFinal(job) ? <JobEnd job={job} /> : <Underway job={job} />}
      <JobTerms job={job} />
    </Page>
  );
}

function Underway({ job }: { readonly job: Job }): ReactNode {
  const { t } = useTranslation();
  if (job.awaitsApproval)
    return (
      <Notice kind="warn" title={t("jobs.job.awaitsHere")}>
        {t("jobs.job.awaitsHereText")}
      </Notice>
    );
  if (job.progress?.step === "awaiting-peer-approval")
    return (
      <Notice kind="warn" title={t("jobs.job.awaitsPeer", { peer: job.peer })}>
        {t("jobs.job.awaitsPeerText")}
      </Notice>
    );
  return (
    <Panel title={t("jobs.job.stages")}>
      <JobProgress job={job} />
      <p className="hint">{t("jobs.job.canClose")}</p>
    </Panel>
  );
}
