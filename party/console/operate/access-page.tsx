/** Who may use the node: tokens, each shown once when it is made, and requests that were denied. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "../../../proto/errors/text.ts";
import { isErrorCode } from "../../../proto/errors.ts";
import { ROLES, type Role } from "../../../proto/http/route.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useAction, useRoute } from "../client.ts";
import { currentLanguage } from "../language.ts";
import { ConfirmButton } from "../parts/confirm.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Badge, type NoticeKind } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, listText, When } from "../parts/values.tsx";
import { useSession } from "../session.tsx";
import { NewToken } from "./new-token.tsx";

type Token = RouteResponse<"tokens">["tokens"][number];
type Denial = RouteResponse<"denials">["denials"][number];

const STATES: Readonly<Record<Token["state"], NoticeKind>> = { active: "good", expired: "warn", revoked: "bad" };

export function AccessPage(): ReactNode {
  const { t } = useTranslation();
  const { has } = useSession();
  const [isAll, setIsAll] = useState(false);
  const tokens = useRoute("tokens", {});
  const denials = useRoute("denials", {});
  return (
    <Page title={t("nav.pages.access")} lede={t("operate.access.lede")}>
      {has("operator") && <NewToken />}
      <Panel title={t("operate.access.tokens")}>
        <Loaded query={tokens}>
          {({ tokens: all }) => {
            const shown = isAll ? all : all.filter(({ state }) => state === "active");
            return (
              <>
                <Tokens tokens={shown} />
                <label className="check">
                  <input type="checkbox" checked={isAll} onChange={(event) => setIsAll(event.target.checked)} />
                  <span>{t("operate.access.withEnded", { count: all.length - active(all) })}</span>
                </label>
              </>
            );
          }}
        </Loaded>
      </Panel>
      <Panel title={t("operate.access.denials")}>
        <Loaded query={denials}>{({ denials: all }) => <Denials denials={all} />}</Loaded>
      </Panel>
    </Page>
  );
}

function active(tokens: readonly Token[]): number {
  return tokens.filter(({ state }) => state === "active").length;
}

function Tokens({ tokens }: { readonly tokens: readonly Token[] }): ReactNode {
  const { t } = useTranslation();
  const { has } = useSession();
  const revoke = useAction("revokeToken");
  const rolesText = (roles: readonly Role[]) =>
    listText(ROLES.filter((role) => roles.includes(role)).map((role) => t(`shell.roles.${role}`)));
  const columns = [
    { head: t("operate.access.person"), cell: ({ person }: Token) => person, isName: true },
    { head: t("operate.access.roles"), cell: ({ roles }: Token) => rolesText(roles) },
    {
      head: t("operate.access.state"),
      cell: ({ state }: Token) => <Badge kind={STATES[state]}>{t(`operate.access.states.${state}`)}</Badge>,
    },
    { head: t("operate.access.expires"), cell: ({ expiresAt }: Token) => <When at={expiresAt} /> },
    {
      head: t("operate.access.lastUsed"),
      cell: ({ lastUsedOn }: Token) => <span className="unbroken">{lastUsedOn ?? t("operate.access.never")}</span>,
    },
    { head: t("operate.access.madeBy"), cell: ({ createdBy }: Token) => createdBy ?? t("operate.access.setup") },
    { head: t("operate.access.id"), cell: ({ tokenId }: Token) => <code className="unbroken">{tokenId}</code> },
  ];
  const actions = {
    head: t("operate.access.actions"),
    cell: ({ tokenId, person, state }: Token) =>
      state === "active" && (
        <ConfirmButton
          label={t("operate.access.revoke")}
          title={t("operate.access.revokeAsk", { person })}
          onConfirm={() => revoke.mutateAsync({ tokenId })}
        >
          <p>{t("operate.access.revokeThen")}</p>
        </ConfirmButton>
      ),
  };
  return (
    <Table
      caption={t("operate.access.tokens")}
      columns={has("operator") ? [...columns, actions] : columns}
      rows={tokens}
      rowKey={({ tokenId }) => tokenId}
    />
  );
}

function Denials({ denials }: { readonly denials: readonly Denial[] }): ReactNode {
  const { t } = useTranslation();
  const unknown = t("operate.access.unknown");
  return (
    <Table
      caption={t("operate.access.denials")}
      columns={[
        { head: t("operate.access.minute"), cell: ({ at }) => <When at={at} />, isName: true },
        { head: t("operate.access.times"), cell: ({ count }) => countText(count), align: "end" },
        {
          head: t("operate.access.why"),
          cell: ({ code }) => (
            <>
              {isErrorCode(code) && errorText(code, currentLanguage())} <code>{code}</code>
            </>
          ),
        },
        { head: t("operate.access.person"), cell: ({ person }) => person ?? unknown },
        { head: t("operate.access.route"), cell: ({ route }) => (route === null ? unknown : <code>{route}</code>) },
      ]}
      rows={denials}
      rowKey={({ at, tokenId, route, code }) => [at, tokenId, route, code].join()}
      empty={t("operate.access.noDenials")}
    />
  );
}
