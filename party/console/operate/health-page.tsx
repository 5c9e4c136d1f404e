/** How the node is: whether it can take a job, what an examination found and who has to do what, what runs. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "../../../proto/errors/text.ts";
import { isErrorCode } from "../../../proto/errors.ts";
import { stepText } from "../../../proto/http/progress-text.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useRoute } from "../client.ts";
import { currentLanguage } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { Facts } from "../parts/facts.tsx";
import { Loaded, Loading } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { ProgressBar } from "../parts/progress-bar.tsx";
import { bytesText, Digest, When } from "../parts/values.tsx";
import { Findings } from "./findings.tsx";

type Status = RouteResponse<"status">;

const STATUS_MS = 5_000;

export function HealthPage(): ReactNode {
  const { t } = useTranslation();
  const status = useRoute("status", {}, { everyMs: STATUS_MS });
  return (
    <Page title={t("nav.pages.health")} lede={t("operate.health.lede")}>
      <Loaded query={status}>
        {(shown) => (
          <>
            <Readiness readiness={shown.readiness} />
            <Examination />
            <Jobs jobs={shown.jobs} />
            <Process status={shown} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Readiness({ readiness: { ready, checks } }: { readonly readiness: Status["readiness"] }): ReactNode {
  const { t } = useTranslation();
  if (ready) return <Notice kind="good" title={t("operate.health.ready")} />;
  return (
    <Notice kind="bad" title={t("operate.health.notReady")}>
      <ul>
        {checks.map(({ check, why }) =>
          why === null ? null : (
            <li key={check}>
              {isErrorCode(why) ? errorText(why, currentLanguage()) : null} <code>{why}</code>
            </li>
          ),
        )}
      </ul>
    </Notice>
  );
}

/** It asks coordinator and peers, so it is made when the page is opened and when somebody asks for it, and not by itself. */
function Examination(): ReactNode {
  const { t } = useTranslation();
  const { data, error, isFetching, refetch, dataUpdatedAt } = useRoute("doctor", {}, { staleMs: 60_000 });
  return (
    <Panel
      title={t("operate.health.examination")}
      actions={
        <Button isBusy={isFetching} onClick={() => void refetch()}>
          {t("operate.health.again")}
        </Button>
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {data === undefined ? (
        error === null && <Loading />
      ) : (
        <>
          <Findings findings={data.findings} />
          <p className="hint">
            {t("operate.health.examinedAt")} <When at={new Date(dataUpdatedAt).toISOString()} />
          </p>
        </>
      )}
    </Panel>
  );
}

function Jobs({ jobs }: { readonly jobs: Status["jobs"] }): ReactNode {
  const { t } = useTranslation();
  return (
    <Panel title={t("operate.health.jobs")}>
      {jobs.length === 0 ? (
        <p className="empty">{t("operate.health.noJobs")}</p>
      ) : (
        <ul className="stack">
          {jobs.map(({ jobId, peer, awaitsApproval, updatedAt, progress }) => (
            <li key={jobId}>
              <strong>{t("operate.health.jobWith", { peer })}</strong> <Digest value={jobId} />
              {progress === null ? (
                <p className="hint">
                  {awaitsApproval ? t("operate.health.awaitsApproval") : t("operate.health.waits")}{" "}
                  <When at={updatedAt} />
                </p>
              ) : (
                <ProgressBar progress={progress} step={stepText(progress, currentLanguage())} />
              )}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Process({ status }: { readonly status: Status }): ReactNode {
  const { t } = useTranslation();
  const { version, nodeVersion, startedAt, memoryBytes, memoryLimitBytes } = status;
  return (
    <Panel title={t("operate.health.process")}>
      <Facts
        facts={[
          [t("home.version"), version],
          [t("operate.health.runtime"), t("operate.health.runtimeVersion", { version: nodeVersion })],
          [t("operate.health.since"), <When key="s" at={startedAt} />],
          [
            t("operate.health.memory"),
            t("operate.of", { used: bytesText(memoryBytes), all: bytesText(memoryLimitBytes) }),
          ],
        ]}
      />
    </Panel>
  );
}
