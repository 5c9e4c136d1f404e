/** Tags in force: how many people have which value of which key. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useRoute } from "../client.ts";
import { tierBars } from "../jobs/tier-bars.ts";
import { Bars } from "../parts/bars.tsx";
import { ButtonLink } from "../parts/button.tsx";
import { JobLink } from "../parts/job-link.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText } from "../parts/values.tsx";

export function TagsPage(): ReactNode {
  const { t } = useTranslation();
  const query = useRoute("tags", {});
  return (
    <Page
      title={t("tags.title")}
      lede={t("tags.lede")}
      actions={<ButtonLink href="/tags/export">{t("tags.export")}</ButtonLink>}
    >
      <Loaded query={query}>
        {({ tags }) =>
          tags.length === 0 ? (
            <Panel>
              <p className="empty">{t("tags.noneCurrent")}</p>
            </Panel>
          ) : (
            [...Map.groupBy(tags, ({ key }) => key)].map(([key, rows]) => <Key key={key} name={key} rows={rows} />)
          )
        }
      </Loaded>
    </Page>
  );
}

interface KeyProps {
  readonly name: string;
  readonly rows: readonly { readonly value: string; readonly jobId: string; readonly count: number }[];
}

function Key({ name, rows }: KeyProps): ReactNode {
  const { t } = useTranslation();
  const counts: Record<string, number> = {};
  for (const { value, count } of rows) counts[value] = (counts[value] ?? 0) + count;
  const bars = tierBars(counts, t("jobs.job.others"));
  return (
    <Panel title={name}>
      {bars.length > 1 && <Bars title={t("tags.chart", { key: name })} unit={t("tags.people")} bars={bars} />}
      <Table
        caption={name}
        rows={rows}
        rowKey={({ value, jobId }) => `${value}/${jobId}`}
        columns={[
          { head: t("tags.value"), isName: true, cell: ({ value }) => value },
          { head: t("tags.people"), align: "end", cell: ({ count }) => countText(count) },
          {
            head: t("tags.job"),
            cell: ({ jobId }) => <JobLink jobId={jobId} />,
          },
        ]}
      />
    </Panel>
  );
}
