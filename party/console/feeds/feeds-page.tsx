/** Feeds: how far behind each is, delivering now, and what was delivered. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "../../../proto/errors/text.ts";
import { isErrorCode } from "../../../proto/errors.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useAction, useRoute } from "../client.ts";
import { currentLanguage } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { ConfirmButton } from "../parts/confirm.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Badge, type NoticeKind } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, When } from "../parts/values.tsx";
import { useSession } from "../session.tsx";

type Feed = RouteResponse<"feeds">["feeds"][number];
type Delivery = RouteResponse<"deliveries">["deliveries"][number];

const KINDS: Readonly<Record<Delivery["state"], NoticeKind>> = { running: "info", done: "good", failed: "bad" };

export function FeedsPage(): ReactNode {
  const { t } = useTranslation();
  const query = useRoute("feeds", {}, { everyMs: 5_000 });
  const [shown, setShown] = useState<string>();
  return (
    <Page title={t("feeds.title")} lede={t("feeds.lede")}>
      <Loaded query={query}>
        {({ feeds }) => (
          <>
            <Panel>
              <Table
                caption={t("feeds.title")}
                empty={t("feeds.none")}
                rows={feeds}
                rowKey={({ name }) => name}
                columns={[
                  { head: t("feeds.name"), isName: true, cell: ({ name }) => name },
                  { head: t("feeds.target"), cell: ({ config }) => <Target target={config.target} /> },
                  { head: t("feeds.keys"), cell: ({ config }) => config.keys?.join(", ") ?? t("feeds.allKeys") },
                  { head: t("feeds.every"), cell: ({ config }) => <Every minutes={config.everyMinutes} /> },
                  { head: t("feeds.behind"), cell: (feed) => <Behind feed={feed} /> },
                  { head: t("feeds.last"), cell: ({ last }) => <Last last={last} /> },
                  {
                    head: t("feeds.show"),
                    cell: ({ name }) => <FeedActions name={name} onShow={() => setShown(name)} />,
                  },
                ]}
              />
            </Panel>
            {shown !== undefined && <Deliveries name={shown} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Target({ target }: { readonly target: Feed["config"]["target"] }): ReactNode {
  const { t } = useTranslation();
  const place = {
    csv: () => ("folder" in target ? target.folder : ""),
    parquet: () => ("folder" in target ? target.folder : ""),
    postgres: () => ("table" in target ? `${target.database}: ${target.schema}.${target.table}` : ""),
    webhook: () => ("url" in target ? target.url : ""),
  }[target.kind]();
  return t(`feeds.targets.${target.kind}`, { place });
}

function Every({ minutes }: { readonly minutes: number | undefined }): ReactNode {
  const { t } = useTranslation();
  return minutes === undefined ? t("feeds.byHand") : t("feeds.everyMinutes", { count: minutes });
}

function Behind({ feed: { behind } }: { readonly feed: Feed }): ReactNode {
  const { t } = useTranslation();
  if (behind === 0) return <Badge kind="good">{t("feeds.upToDate")}</Badge>;
  return <Badge kind="warn">{t("feeds.behindBy", { count: behind, amount: countText(behind) })}</Badge>;
}

function Last({ last }: { readonly last: Feed["last"] }): ReactNode {
  const { t } = useTranslation();
  if (last === null) return t("feeds.never");
  return (
    <>
      <Badge kind={KINDS[last.state]}>{t(`feeds.states.${last.state}`)}</Badge> <When at={last.startedAt} />
    </>
  );
}

function FeedActions({ name, onShow }: { readonly name: string; readonly onShow: () => void }): ReactNode {
  const { t } = useTranslation();
  const { has } = useSession();
  const run = useAction("runFeed");
  return (
    <div className="actions">
      <Button onClick={onShow}>{t("feeds.show")}</Button>
      {has("analyst") && (
        <>
          <Button isBusy={run.isPending} onClick={() => run.mutate({ name })}>
            {t("feeds.run")}
          </Button>
          <ConfirmButton
            kind="plain"
            label={t("feeds.runFull")}
            title={t("feeds.runFullTitle")}
            onConfirm={() => run.mutateAsync({ name, mode: "full" })}
          >
            <p>{t("feeds.runFullText")}</p>
          </ConfirmButton>
        </>
      )}
      {run.error !== null && <ErrorNote error={run.error} />}
    </div>
  );
}

function Deliveries({ name }: { readonly name: string }): ReactNode {
  const { t } = useTranslation();
  const query = useRoute("deliveries", { name }, { everyMs: 5_000 });
  return (
    <Panel title={t("feeds.deliveries", { name })}>
      <Loaded query={query}>
        {({ deliveries }) => (
          <Table
            caption={t("feeds.deliveries", { name })}
            empty={t("feeds.noDeliveries")}
            rows={deliveries}
            rowKey={({ deliveryId }) => deliveryId}
            columns={[
              { head: t("feeds.started"), isName: true, cell: ({ startedAt }) => <When at={startedAt} /> },
              {
                head: t("feeds.state"),
                cell: ({ state }) => <Badge kind={KINDS[state]}>{t(`feeds.states.${state}`)}</Badge>,
              },
              { head: t("feeds.mode"), cell: ({ mode }) => t(`feeds.modes.${mode}`) },
              { head: t("feeds.written"), align: "end", cell: ({ written }) => countText(written) },
              { head: t("feeds.ended"), align: "end", cell: ({ ended }) => countText(ended) },
              { head: t("feeds.person"), cell: ({ person }) => person },
              { head: t("feeds.why"), cell: ({ code }) => <Why code={code} /> },
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function Why({ code }: { readonly code: string | null }): ReactNode {
  if (code === null) return null;
  return isErrorCode(code) ? errorText(code, currentLanguage()) : code;
}
