/** What the node proves itself with: its identity, its keyset, its certificate; and new ones in their place. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useAction, useRoute } from "../client.ts";
import { ConfirmButton } from "../parts/confirm.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Badge, Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, Digest, When } from "../parts/values.tsx";
import { Fingerprint } from "./fingerprint.tsx";

type Lasting = RouteResponse<"status">["lasting"][number];

const SEAL_COMMAND = "entente keys seal --dir FOLDER --key-file FILE";

/** Fewer days are shown as something to look at: a node renews its own long before. */
const SOON_DAYS: Readonly<Record<Lasting["of"], number>> = { certificate: 14, keyset: 30, authority: 180 };

export function KeysPage(): ReactNode {
  const { t } = useTranslation();
  const status = useRoute("status", {});
  const node = useRoute("node", {});
  return (
    <Page title={t("nav.pages.keys")} lede={t("operate.keys.lede")}>
      <Panel title={t("home.fingerprint")}>
        <Loaded query={node}>{({ fingerprint }) => <Fingerprint value={fingerprint} />}</Loaded>
      </Panel>
      <Panel title={t("operate.keys.validity")}>
        <Loaded query={status}>{({ lasting }) => <Validity lasting={lasting} />}</Loaded>
      </Panel>
      <Loaded query={status}>
        {({ storage: { keysSealed } }) => (
          <Notice
            kind={keysSealed ? "good" : "warn"}
            title={t(keysSealed ? "operate.keys.sealed" : "operate.keys.plain")}
          >
            {!keysSealed && <code>{SEAL_COMMAND}</code>}
          </Notice>
        )}
      </Loaded>
      <Rotation />
    </Page>
  );
}

function Validity({ lasting }: { readonly lasting: readonly Lasting[] }): ReactNode {
  const { t } = useTranslation();
  return (
    <Table
      caption={t("operate.keys.validity")}
      columns={[
        { head: t("operate.keys.what"), cell: ({ of }) => t(`operate.keys.of.${of}`), isName: true },
        { head: t("operate.keys.left"), cell: (one) => <DaysLeft lasting={one} />, align: "end" },
        { head: t("operate.keys.until"), cell: ({ validUntil }) => <When at={validUntil} /> },
        {
          head: t("operate.keys.renewal"),
          cell: ({ of, renewsAt }) => (renewsAt === null ? t(`operate.keys.renewedBy.${of}`) : <When at={renewsAt} />),
        },
        { head: t("operate.keys.digest"), cell: ({ fingerprint }) => <Digest value={fingerprint} /> },
      ]}
      rows={lasting}
      rowKey={({ of }) => of}
    />
  );
}

function DaysLeft({ lasting: { of, daysLeft } }: { readonly lasting: Lasting }): ReactNode {
  const { t } = useTranslation();
  if (daysLeft < 0) return <Badge kind="bad">{t("operate.keys.ended")}</Badge>;
  if (daysLeft < SOON_DAYS[of]) return <Badge kind="warn">{countText(daysLeft)}</Badge>;
  return countText(daysLeft);
}

function Rotation(): ReactNode {
  const { t } = useTranslation();
  const keys = useAction("rotateKeys");
  const identity = useAction("rotateIdentity");
  return (
    <div className="columns">
      <Panel title={t("operate.keys.rotateKeys")}>
        <p>{t("operate.keys.rotateKeysAbout")}</p>
        <ConfirmButton
          kind="plain"
          label={t("operate.keys.rotateKeys")}
          title={t("operate.keys.rotateKeysAsk")}
          onConfirm={() => keys.mutateAsync({})}
        >
          <p>{t("operate.keys.rotateKeysThen")}</p>
        </ConfirmButton>
        {keys.data !== undefined && <Notice kind="good" title={t("operate.keys.rotatedKeys")} />}
      </Panel>
      <Panel title={t("operate.keys.rotateIdentity")}>
        <p>{t("operate.keys.rotateIdentityAbout")}</p>
        <ConfirmButton
          label={t("operate.keys.rotateIdentity")}
          title={t("operate.keys.rotateIdentityAsk")}
          onConfirm={() => identity.mutateAsync({})}
        >
          <p>{t("operate.keys.rotateIdentityThen")}</p>
        </ConfirmButton>
        {identity.data !== undefined && (
          <Notice kind="good" title={t("operate.keys.rotatedIdentity")}>
            <Fingerprint value={identity.data.fingerprint} />
          </Notice>
        )}
      </Panel>
    </div>
  );
}
