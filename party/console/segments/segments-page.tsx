/** Segments of own datasets. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useRoute } from "../client.ts";
import { ButtonLink } from "../parts/button.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Badge } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { useSession } from "../session.tsx";
import { CountSegment } from "./count-segment.tsx";

export function SegmentsPage(): ReactNode {
  const { t } = useTranslation();
  const { has } = useSession();
  const query = useRoute("segments", {});
  const define = has("analyst") ? (
    <ButtonLink kind="main" href="/segments/new">
      {t("segments.define")}
    </ButtonLink>
  ) : undefined;
  return (
    <Page title={t("segments.title")} lede={t("segments.lede")} actions={define}>
      <Panel>
        <Loaded query={query}>
          {({ segments }) => (
            <Table
              caption={t("segments.title")}
              empty={t("segments.none")}
              rows={segments}
              rowKey={({ name }) => name}
              columns={[
                {
                  head: t("segments.name"),
                  isName: true,
                  cell: ({ name }) => <Link href={`/segments/${name}`}>{name}</Link>,
                },
                { head: t("segments.dataset"), cell: ({ dataset }) => dataset },
                { head: t("segments.kind"), cell: ({ kind }) => t(`segments.kinds.${kind}`) },
                { head: t("segments.version"), align: "end", cell: ({ version }) => version },
                {
                  head: t("segments.people"),
                  cell: ({ name, retiredAt }) =>
                    retiredAt === null ? (
                      <CountSegment name={name} />
                    ) : (
                      <Badge kind="warn">{t("segments.retired")}</Badge>
                    ),
                },
                {
                  head: t("segments.published"),
                  cell: ({ published }) => published?.to.join(", ") ?? t("segments.notPublished"),
                },
              ]}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
