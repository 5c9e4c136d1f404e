/** All jobs of this node, newest first. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Job } from "../../../sdk/client.ts";
import { useRoute } from "../client.ts";
import { ButtonLink } from "../parts/button.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, When } from "../parts/values.tsx";
import { useSession } from "../session.tsx";
import { JobState } from "./job-state.tsx";

export function JobsPage(): ReactNode {
  const { t } = useTranslation();
  const { has } = useSession();
  const query = useRoute("jobs", {}, { everyMs: 3_000 });
  const build = has("analyst") ? (
    <ButtonLink kind="main" href="/audience">
      {t("jobs.build")}
    </ButtonLink>
  ) : undefined;
  return (
    <Page title={t("jobs.title")} lede={t("jobs.lede")} actions={build}>
      <Panel>
        <Loaded query={query}>
          {({ jobs }) => (
            <Table
              caption={t("jobs.title")}
              empty={t("jobs.none")}
              rows={jobs.toSorted((a, b) => b.updatedAt.localeCompare(a.updatedAt))}
              rowKey={({ jobId }) => jobId}
              columns={[
                { head: t("jobs.what"), isName: true, cell: (job) => <JobLink job={job} /> },
                { head: t("jobs.peer"), cell: ({ peer }) => peer },
                { head: t("jobs.role"), cell: ({ role }) => t(`terms.roles.${role}`) },
                { head: t("jobs.state"), cell: (job) => <JobState job={job} /> },
                { head: t("jobs.result"), cell: (job) => <Result job={job} /> },
                { head: t("jobs.updated"), cell: ({ updatedAt }) => <When at={updatedAt} /> },
              ]}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}

function JobLink({ job: { jobId, operation, output } }: { readonly job: Job }): ReactNode {
  const { t } = useTranslation();
  const words = { operation: t(`terms.operations.${operation}`), output: t(`terms.outputs.${output}`) };
  return <Link href={`/jobs/${jobId}`}>{t("jobs.whatOf", words)}</Link>;
}

function Result({ job: { withheld, summary } }: { readonly job: Job }): ReactNode {
  const { t } = useTranslation();
  if (withheld) return t("jobs.withheld");
  if (summary?.matched !== undefined)
    return t("jobs.matched", { count: summary.matched, amount: countText(summary.matched) });
  return summary?.matchRate;
}
