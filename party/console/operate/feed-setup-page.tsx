/** Where tags go: feeds that are there, and new ones. What has gone, and running one, is the analysts' page. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useAction, useRoute } from "../client.ts";
import { ConfirmButton } from "../parts/confirm.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, When } from "../parts/values.tsx";
import { NewFeed } from "./new-feed.tsx";

type Feed = RouteResponse<"feeds">["feeds"][number];

export function FeedSetupPage(): ReactNode {
  const { t } = useTranslation();
  const feeds = useRoute("feeds", {});
  const status = useRoute("status", {}, { staleMs: 60_000 });
  return (
    <Page title={t("nav.pages.feedSetup")} lede={t("operate.feeds.lede")}>
      <Panel title={t("operate.feeds.all")}>
        <Loaded query={feeds}>{({ feeds: all }) => <Feeds feeds={all} />}</Loaded>
      </Panel>
      <Loaded query={status}>
        {({ storage }) => (
          <NewFeed
            databases={storage.databases.flatMap(({ name, use }) => (use === null || use === "feeds" ? [name] : []))}
          />
        )}
      </Loaded>
    </Page>
  );
}

function Feeds({ feeds }: { readonly feeds: readonly Feed[] }): ReactNode {
  const { t } = useTranslation();
  const remove = useAction("removeFeed");
  return (
    <Table
      caption={t("operate.feeds.all")}
      columns={[
        { head: t("parts.name"), cell: ({ name }) => name, isName: true },
        { head: t("operate.feeds.target"), cell: ({ config }) => <Target config={config} /> },
        { head: t("operate.feeds.keys"), cell: ({ config }) => config.keys?.join(", ") ?? t("operate.feeds.allKeys") },
        {
          head: t("operate.feeds.every"),
          cell: ({ config: { everyMinutes } }) =>
            everyMinutes === undefined
              ? t("operate.feeds.byHand")
              : t("operate.feeds.minutes", { count: everyMinutes }),
        },
        { head: t("operate.feeds.behind"), cell: ({ behind }) => countText(behind), align: "end" },
        {
          head: t("operate.feeds.added"),
          cell: ({ createdAt, createdBy }) => (
            <>
              <When at={createdAt} /> {createdBy}
            </>
          ),
        },
        {
          head: t("operate.access.actions"),
          cell: ({ name }) => (
            <ConfirmButton
              label={t("operate.feeds.remove")}
              title={t("operate.feeds.removeAsk", { name })}
              onConfirm={() => remove.mutateAsync({ name })}
            >
              <p>{t("operate.feeds.removeThen")}</p>
            </ConfirmButton>
          ),
        },
      ]}
      rows={feeds}
      rowKey={({ name }) => name}
      empty={t("operate.feeds.none")}
    />
  );
}

function Target({ config: { target } }: { readonly config: Feed["config"] }): ReactNode {
  const { t } = useTranslation();
  const where =
    target.kind === "postgres"
      ? `${target.database}: ${target.schema}.${target.table}`
      : target.kind === "webhook"
        ? target.url
        : target.folder;
  return (
    <>
      {t(`operate.feeds.kinds.${target.kind}`)} <code>{where}</code>
    </>
  );
}
