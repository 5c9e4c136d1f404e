/** A job's state as a word with its colour. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "../../../sdk/client.ts";
import { Badge, type NoticeKind } from "../parts/notice.tsx";

const KINDS: Readonly<Record<Job["state"], NoticeKind>> = {
  proposed: "info",
  admitted: "info",
  running: "info",
  releasing: "info",
  done: "good",
  refused: "bad",
  failed: "bad",
};

export function JobState({ job }: { readonly job: Job }): ReactNode {
  const { t } = useTranslation();
  if (job.awaitsApproval) return <Badge kind="warn">{t("jobs.awaitsHere")}</Badge>;
  if (job.progress?.step === "awaiting-peer-approval") return <Badge kind="warn">{t("jobs.awaitsPeer")}</Badge>;
  return <Badge kind={KINDS[job.state]}>{t(`terms.jobStates.${job.state}`)}</Badge>;
}
