/** Sessions that are open with peers now, and the way to the coordinator. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "../../../proto/errors/text.ts";
import { isErrorCode } from "../../../proto/errors.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useRoute } from "../client.ts";
import { currentLanguage } from "../language.ts";
import { Facts } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Badge, Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { bytesText, Digest, When } from "../parts/values.tsx";

type Status = RouteResponse<"status">;
type Session = Status["sessions"][number];

const SESSIONS_MS = 2_000;

export function SessionsPage(): ReactNode {
  const { t } = useTranslation();
  const status = useRoute("status", {}, { everyMs: SESSIONS_MS });
  return (
    <Page title={t("nav.pages.sessions")} lede={t("operate.sessions.lede")}>
      <Loaded query={status}>
        {({ sessions, coordinator, directAddress }) => (
          <>
            <Panel title={t("operate.sessions.open")}>
              <Sessions sessions={sessions} />
            </Panel>
            <Panel title={t("home.coordinator")}>
              <Coordinator coordinator={coordinator} />
              <Facts
                facts={[
                  [
                    t("operate.sessions.direct"),
                    directAddress === null ? t("operate.sessions.noDirect") : <code key="d">{directAddress}</code>,
                  ],
                ]}
              />
            </Panel>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Sessions({ sessions }: { readonly sessions: readonly Session[] }): ReactNode {
  const { t } = useTranslation();
  return (
    <Table
      caption={t("operate.sessions.open")}
      columns={[
        { head: t("operate.sessions.peer"), cell: ({ peer }) => peer, isName: true },
        {
          head: t("operate.sessions.kind"),
          cell: ({ kind, jobId }) => (
            <>
              {t(`operate.sessions.kinds.${kind}`)} {jobId !== null && <Digest value={jobId} characters={8} />}
            </>
          ),
        },
        { head: t("operate.sessions.way"), cell: ({ way }) => <Way way={way} /> },
        { head: t("operate.sessions.openedBy"), cell: ({ openedBy }) => t(`operate.sessions.by.${openedBy}`) },
        { head: t("operate.sessions.since"), cell: ({ openedAt }) => <When at={openedAt} /> },
        { head: t("operate.sessions.sent"), cell: ({ bytesSent }) => bytesText(bytesSent), align: "end" },
        { head: t("operate.sessions.received"), cell: ({ bytesReceived }) => bytesText(bytesReceived), align: "end" },
      ]}
      rows={sessions}
      rowKey={({ peer, kind, jobId, openedAt }) => [peer, kind, jobId, openedAt].join()}
      empty={t("operate.sessions.none")}
    />
  );
}

function Way({ way }: { readonly way: Session["way"] }): ReactNode {
  const { t } = useTranslation();
  if (way === null) return <Badge kind="warn">{t("operate.sessions.broken")}</Badge>;
  return t(`operate.sessions.ways.${way}`);
}

function Coordinator({ coordinator }: { readonly coordinator: Status["coordinator"] }): ReactNode {
  const { t } = useTranslation();
  if (coordinator === null) return <Notice kind="warn" title={t("shell.notEnrolled")} />;
  const { name, at, connected, error } = coordinator;
  return (
    <>
      <Notice kind={connected ? "good" : "bad"} title={t(connected ? "shell.online" : "shell.offline")}>
        {error !== null && (
          <>
            {isErrorCode(error) && errorText(error, currentLanguage())} <code>{error}</code>
          </>
        )}
      </Notice>
      <Facts
        facts={[
          [t("home.coordinator"), name],
          [t("operate.sessions.at"), <code key="a">{at}</code>],
        ]}
      />
    </>
  );
}
