/** Where the node's data lies, how much of it there is, and which databases it may use. */
import { type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useRoute } from "../client.ts";
import { Bars } from "../parts/bars.tsx";
import { Facts } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { bytesText, countText } from "../parts/values.tsx";

type Storage = RouteResponse<"status">["storage"];

export function StoragePage(): ReactNode {
  const { t } = useTranslation();
  const status = useRoute("status", {}, { everyMs: 15_000 });
  return (
    <Page title={t("nav.pages.storage")} lede={t("operate.storage.lede")}>
      <Loaded query={status}>
        {({ storage }) => (
          <>
            <Disk storage={storage} />
            <Areas storage={storage} />
            <Databases databases={storage.databases} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Disk({ storage: { folder, store, freeBytes, keptBytes } }: { readonly storage: Storage }): ReactNode {
  const { t } = useTranslation();
  return (
    <>
      {freeBytes !== null && freeBytes < keptBytes && <Notice kind="bad" title={t("operate.storage.full")} />}
      <Panel title={t("operate.storage.disk")}>
        <Facts
          facts={[
            [t("operate.storage.free"), freeBytes === null ? t("operate.storage.unknown") : bytesText(freeBytes)],
            [t("operate.storage.kept"), bytesText(keptBytes)],
            [t("operate.storage.folder"), <code key="f">{folder}</code>],
            [
              t("operate.storage.store"),
              t("operate.storage.schema", {
                kind: t(`operate.storage.kinds.${store.kind}`),
                version: countText(store.schema),
              }),
            ],
          ]}
        />
      </Panel>
    </>
  );
}

function Areas({ storage: { areas } }: { readonly storage: Storage }): ReactNode {
  const { t } = useTranslation();
  const bars = useMemo(
    () =>
      areas.flatMap(({ area, bytes }) =>
        bytes === null ? [] : [{ label: t(`operate.storage.areas.${area}`), value: bytes }],
      ),
    [areas, t],
  );
  return (
    <Panel>
      <Bars title={t("operate.storage.uses")} unit={t("operate.storage.size")} bars={bars} isLying format={bytesText} />
      {areas.some(({ bytes }) => bytes === null) && <p className="hint">{t("operate.storage.onServer")}</p>}
    </Panel>
  );
}

function Databases({ databases }: { readonly databases: Storage["databases"] }): ReactNode {
  const { t } = useTranslation();
  return (
    <Panel title={t("operate.storage.databases")}>
      <p>{t("operate.storage.databasesAbout")}</p>
      <Table
        caption={t("operate.storage.databases")}
        columns={[
          { head: t("parts.name"), cell: ({ name }) => <code>{name}</code>, isName: true },
          { head: t("operate.storage.use"), cell: ({ use }) => t(`operate.storage.useFor.${use ?? "both"}`) },
        ]}
        rows={databases}
        rowKey={({ name }) => name}
        empty={t("operate.storage.noDatabases")}
      />
    </Panel>
  );
}
