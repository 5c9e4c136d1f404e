/** What a job was asked to do, and what each side learns of it. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "../../../sdk/client.ts";
import { useRoute } from "../client.ts";
import { Facts } from "../parts/facts.tsx";
import { Panel } from "../parts/panel.tsx";
import { countText, Digest, When } from "../parts/values.tsx";
import { LeakStatement } from "./leak-statement.tsx";

export function JobTerms({ job }: { readonly job: Job }): ReactNode {
  const { t } = useTranslation();
  const { jobId, ownRows, peerRows, agreement } = job;
  // Neither is there before this node has read the spec.
  const terms = useRoute("jobTerms", { jobId }).data;
  const leak = useRoute("leakStatement", { jobId }).data;
  const facts: [string, ReactNode][] = [];
  if (terms !== undefined) {
    const { receiverDataset, providerDataset, providerSegment, purposeText, labels, tagDays, createdAt } = terms;
    const isReceiver = job.role === "receiver";
    const [own, theirs] = isReceiver ? [receiverDataset, providerDataset] : [providerDataset, receiverDataset];
    facts.push([t("jobs.job.datasets"), t("jobs.job.datasetsOf", { own, theirs })]);
    if (providerSegment !== null) facts.push([t("jobs.job.peerSegment"), t("jobs.job.segmentOf", providerSegment)]);
    facts.push([t("jobs.job.purpose"), purposeText]);
    if (labels.length > 0) facts.push([t("jobs.job.labels"), labels.join(", ")]);
    if (tagDays !== null) facts.push([t("jobs.job.tagDays"), t("jobs.job.days", { count: tagDays })]);
    facts.push([t("jobs.job.asked"), <When key="at" at={createdAt} />]);
  }
  facts.push([t("jobs.job.ownRows"), t("jobs.matched", { count: ownRows, amount: countText(ownRows) })]);
  if (peerRows !== null) {
    const { from, to } = peerRows;
    facts.push([t("jobs.job.peerRows"), t("jobs.job.peerRowsOf", { from: countText(from), to: countText(to) })]);
  }
  facts.push([t("jobs.job.agreement"), <AgreementName key="a" title={terms?.agreementTitle} digest={agreement} />]);
  facts.push([t("jobs.job.id"), <Digest key="id" value={jobId} />]);
  return (
    <>
      <Panel title={t("jobs.job.about")}>
        <Facts facts={facts} />
      </Panel>
      {leak !== undefined && (
        <Panel title={t("jobs.job.leak")}>
          <LeakStatement leak={leak} />
        </Panel>
      )}
    </>
  );
}

function AgreementName({ title, digest }: { readonly title: string | undefined; readonly digest: string }): ReactNode {
  return (
    <>
      {title} <Digest value={digest} />
    </>
  );
}
