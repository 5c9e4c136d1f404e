/** All agreements of this node, in every state. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useRoute } from "../client.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Badge, type NoticeKind } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { Digest, When } from "../parts/values.tsx";
import { useSession } from "../session.tsx";

export type Agreement = RouteResponse<"agreement">;

const KINDS: { readonly [S in Agreement["state"]]: NoticeKind } = {
  proposed: "warn",
  active: "good",
  superseded: "info",
  revoked: "bad",
  expired: "info",
};

export function AgreementState({ state }: Pick<Agreement, "state">): ReactNode {
  const { t } = useTranslation();
  return <Badge kind={KINDS[state]}>{t(`govern.agreements.states.${state}`)}</Badge>;
}

export function AgreementsPage(): ReactNode {
  const { t } = useTranslation();
  const agreements = useRoute("agreements", {});
  return (
    <Page title={t("govern.agreements.title")} lede={t("govern.agreements.lede")}>
      <Panel>
        <Loaded query={agreements}>
          {(answer) => <AgreementTable caption={t("govern.agreements.title")} agreements={answer.agreements} />}
        </Loaded>
      </Panel>
    </Page>
  );
}

interface AgreementTableProps {
  readonly caption: string;
  readonly agreements: readonly Agreement[];
}

/** In the order given. */
export function AgreementTable({ caption, agreements }: AgreementTableProps): ReactNode {
  const { t } = useTranslation();
  const { party } = useSession();
  return (
    <Table
      caption={caption}
      empty={t("govern.agreements.none")}
      rows={agreements}
      rowKey={({ digest }) => digest}
      columns={[
        {
          head: t("govern.agreements.name"),
          isName: true,
          cell: ({ digest, title }) => <Link href={`/agreements/${digest}`}>{title}</Link>,
        },
        { head: t("govern.agreements.version"), cell: ({ version }) => version },
        {
          head: t("govern.agreements.peer"),
          cell: ({ parties }) => parties.filter((name) => name !== party).join(", "),
        },
        { head: t("govern.agreements.state"), cell: ({ state }) => <AgreementState state={state} /> },
        { head: t("govern.agreements.validUntil"), cell: ({ validUntil }) => <When at={validUntil} /> },
        { head: t("govern.agreements.digest"), cell: ({ digest }) => <Digest value={digest} /> },
      ]}
    />
  );
}
