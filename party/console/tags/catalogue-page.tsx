/** The tag catalogue: what keys mean, who answers for them. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useRoute } from "../client.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Badge } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { useSession } from "../session.tsx";
import { DefineTag } from "./define-tag.tsx";

type Entry = RouteResponse<"tagCatalogue">["definitions"][number];

export function CataloguePage(): ReactNode {
  const { t } = useTranslation();
  const { has } = useSession();
  const query = useRoute("tagCatalogue", {});
  const mayDefine = has("analyst", "steward");
  const valuesOf = ({ valueType }: Entry) =>
    typeof valueType === "string" ? t(`tags.valueTypes.${valueType}`) : valueType.join(", ");
  return (
    <Page
      title={t("tags.catalogue")}
      lede={t("tags.catalogueLede")}
      actions={mayDefine ? <DefineTag kind="main" label={t("tags.define")} entry={undefined} /> : undefined}
    >
      <Panel>
        <Loaded query={query}>
          {({ definitions }) => (
            <Table
              caption={t("tags.catalogue")}
              empty={t("tags.noneDefined")}
              rows={definitions}
              rowKey={({ key }) => key}
              columns={[
                { head: t("tags.key"), isName: true, cell: ({ key }) => key },
                {
                  head: t("tags.description"),
                  cell: ({ description, isDeclared }) =>
                    isDeclared ? description : <Badge kind="warn">{t("tags.undeclared")}</Badge>,
                },
                { head: t("tags.kind"), cell: ({ kind }) => t(`tags.kinds.${kind ?? "none"}`) },
                { head: t("tags.values"), cell: valuesOf },
                { head: t("tags.owner"), cell: ({ owner }) => owner },
                {
                  head: t("tags.ttl"),
                  cell: ({ ttlDays }) => (ttlDays === null ? "" : t("tags.days", { count: ttlDays })),
                },
                ...(mayDefine
                  ? [
                      {
                        head: t("tags.define"),
                        cell: (entry: Entry) =>
                          (!entry.isDeclared || has("steward")) && (
                            <DefineTag kind="plain" label={t("tags.edit")} entry={entry} />
                          ),
                      },
                    ]
                  : []),
              ]}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
