/** How a job ended: its result, or the reason and who must act. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { actorText, publicErrorText } from "../../../proto/errors/text.ts";
import { CATALOGUE, isErrorCode } from "../../../proto/errors.ts";
import type { Job } from "../../../sdk/client.ts";
import { currentLanguage } from "../language.ts";
import { Bars } from "../parts/bars.tsx";
import { ButtonLink } from "../parts/button.tsx";
import { Facts } from "../parts/facts.tsx";
import { Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { bytesText, countText, durationText } from "../parts/values.tsx";
import { useSession } from "../session.tsx";
import { ReportPanel } from "./report-panel.tsx";
import { ResultDownload } from "./result-download.tsx";
import { tierBars } from "./tier-bars.ts";

export function JobEnd({ job }: { readonly job: Job }): ReactNode {
  const { t } = useTranslation();
  const { has } = useSession();
  if (job.state !== "done") return <NotDone job={job} />;
  if (job.withheld)
    return (
      <Notice kind="warn" title={t("jobs.job.withheld")}>
        <p>{t("jobs.job.withheldText")}</p>
        <p>{t("jobs.job.withheldCharged")}</p>
      </Notice>
    );
  const isOwn = job.role === "receiver" && has("analyst");
  return (
    <>
      <Summary job={job} />
      {isOwn && job.summary?.tags !== undefined && <Tags job={job} tags={job.summary.tags} />}
      {isOwn && job.output === "overlap-report" && <ReportPanel jobId={job.jobId} />}
    </>
  );
}

function NotDone({ job }: { readonly job: Job }): ReactNode {
  const { t } = useTranslation();
  const language = currentLanguage();
  const { reason, peer, state } = job;
  const title = state === "refused" ? t("jobs.job.refused") : t("jobs.job.failed");
  if (reason === null) return <Notice kind="bad" title={title} />;
  const facts: [string, ReactNode][] = [
    [t("jobs.job.who"), isErrorCode(reason.code) ? actorText(CATALOGUE[reason.code].who, language) : reason.who],
    [t("jobs.job.code"), <code key="code">{reason.code}</code>],
  ];
  if (reason.detail !== undefined) facts.push([t("jobs.job.detail"), reason.detail]);
  return (
    <Notice kind="bad" title={title}>
      <p>
        {reason.by === "peer" && t("jobs.job.saidByPeer", { peer })}
        {reason.by === "own" && t("jobs.job.saidByOwn")} {publicErrorText(reason, language)}
      </p>
      <Facts facts={facts} />
    </Notice>
  );
}

function Summary({ job }: { readonly job: Job }): ReactNode {
  const { t } = useTranslation();
  const { summary } = job;
  if (summary === null) return <Notice kind="good" title={t("jobs.job.done")} />;
  const { matched, matchRate, labelsUnreadable, seconds, bytesSent, bytesReceived } = summary;
  const facts: [string, ReactNode][] = [];
  if (matched !== undefined) facts.push([t("jobs.job.matched"), <strong key="n">{countText(matched)}</strong>]);
  if (matchRate !== undefined) facts.push([t("jobs.job.matchRate"), <strong key="r">{matchRate}</strong>]);
  if (labelsUnreadable) facts.push([t("jobs.job.labelsUnreadable"), countText(labelsUnreadable)]);
  facts.push([t("jobs.job.took"), durationText(seconds)]);
  facts.push([t("jobs.job.sent"), bytesText(bytesSent)], [t("jobs.job.received"), bytesText(bytesReceived)]);
  return (
    <Panel title={t("jobs.job.done")}>
      <Facts facts={facts} />
      <ResultDownload job={job} />
    </Panel>
  );
}

function Tags({ job, tags }: { readonly job: Job; readonly tags: Readonly<Record<string, number>> }): ReactNode {
  const { t } = useTranslation();
  const bars = tierBars(tags, t("jobs.job.others"));
  if (bars.length === 0) return null;
  const title = job.output === "tier" ? t("jobs.job.tiers") : t("jobs.job.values");
  return (
    <Panel
      title={t("jobs.job.tags")}
      actions={
        <>
          <ButtonLink href="/tags">{t("jobs.job.toTags")}</ButtonLink>
          <ButtonLink href="/tags/export">{t("jobs.job.exportTags")}</ButtonLink>
        </>
      }
    >
      <Bars title={title} unit={t("jobs.job.people")} bars={bars} isLying={bars.length > 12} />
    </Panel>
  );
}
