/** Own datasets with their health. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useRoute } from "../client.ts";
import { ButtonLink } from "../parts/button.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, When } from "../parts/values.tsx";
import { useSession } from "../session.tsx";
import { Health } from "./health.tsx";
import { setAsideRows } from "./set-aside.ts";

export function DatasetsPage(): ReactNode {
  const { t } = useTranslation();
  const { has } = useSession();
  const query = useRoute("datasets", {});
  const register = has("analyst", "operator") ? (
    <ButtonLink kind="main" href="/datasets/new">
      {t("datasets.register")}
    </ButtonLink>
  ) : undefined;
  return (
    <Page title={t("datasets.title")} lede={t("datasets.lede")} actions={register}>
      <Panel>
        <Loaded query={query}>
          {({ datasets }) => (
            <Table
              caption={t("datasets.title")}
              empty={t("datasets.none")}
              rows={datasets}
              rowKey={({ name }) => name}
              columns={[
                {
                  head: t("datasets.name"),
                  isName: true,
                  cell: ({ name }) => <Link href={`/datasets/${name}`}>{name}</Link>,
                },
                { head: t("datasets.people"), align: "end", cell: ({ accepted }) => countText(accepted) },
                { head: t("datasets.duplicates"), align: "end", cell: ({ duplicates }) => countText(duplicates) },
                {
                  head: t("datasets.setAside"),
                  align: "end",
                  cell: ({ rejected }) => countText(setAsideRows(rejected)),
                },
                { head: t("datasets.health"), cell: (dataset) => <Health dataset={dataset} /> },
                { head: t("datasets.registered"), cell: ({ registeredAt }) => <When at={registeredAt} /> },
              ]}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
