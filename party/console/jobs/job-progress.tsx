/** How far a running job is: its stages, its partitions, and the step that it is at. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { stepText } from "../../../proto/http/progress-text.ts";
import type { Job } from "../../../sdk/client.ts";
import { currentLanguage } from "../language.ts";
import { ProgressBar } from "../parts/progress-bar.tsx";
import { bytesText } from "../parts/values.tsx";

/** In their order. A job that fails leaves them. */
const STAGES = ["proposed", "admitted", "running", "releasing", "done"] as const;

export function JobProgress({ job }: { readonly job: Job }): ReactNode {
  const { t } = useTranslation();
  const { progress, state } = job;
  const here = (STAGES as readonly string[]).indexOf(state);
  return (
    <>
      <ol className="stages">
        {STAGES.map((stage, i) => (
          <li key={stage} className={i < here ? "past" : undefined} aria-current={stage === state ? "step" : undefined}>
            {t(`terms.jobStates.${stage}`)}
          </li>
        ))}
      </ol>
      {progress?.partition !== undefined && <Partitions {...progress.partition} />}
      {progress !== null && (
        <>
          <ProgressBar progress={progress} step={stepText(progress, currentLanguage())} />
          <p className="hint">{t("jobs.job.memory", { amount: bytesText(progress.rssMB * 1e6) })}</p>
        </>
      )}
    </>
  );
}

function Partitions({ number, of }: { readonly number: number; readonly of: number }): ReactNode {
  const { t } = useTranslation();
  if (of === 1) return null;
  return (
    <div className="progress">
      <span id="job-partitions">{t("jobs.job.partitions")}</span>
      <progress aria-labelledby="job-partitions" value={number - 1} max={of} />
      <span className="hint">{t("jobs.job.partitionsDone", { number, of })}</span>
    </div>
  );
}
