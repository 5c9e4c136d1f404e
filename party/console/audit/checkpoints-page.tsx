/** Who vouches for how much of which log. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useRoute } from "../client.ts";
import { Facts } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, Digest } from "../parts/values.tsx";
import { type Collaboration, ForCollaboration } from "./collaboration.tsx";
import { Cosigned } from "./entry-page.tsx";

const STANDING_KINDS = { open: "good", "read-only": "warn", forked: "bad", frozen: "bad" } as const;

export function CheckpointsPage(): ReactNode {
  const { t } = useTranslation();
  return (
    <Page title={t("audit.checkpoints.title")} lede={t("audit.checkpoints.lede")}>
      <ForCollaboration>{(chosen) => <Checkpoints chosen={chosen} />}</ForCollaboration>
    </Page>
  );
}

function Checkpoints({ chosen: { collaboration, state } }: { readonly chosen: Collaboration }): ReactNode {
  const { t } = useTranslation();
  const query = useRoute("checkpoints", { collaboration });
  return (
    <>
      <Notice kind={STANDING_KINDS[state]} title={t("audit.checkpoints.standing")}>
        {t(`audit.checkpoints.standings.${state}`)}
      </Notice>
      <Loaded query={query}>
        {({ own, witnessed, fingerprints }) => (
          <>
            <Panel title={t("audit.checkpoints.own")}>
              <Table
                caption={t("audit.checkpoints.own")}
                rows={own}
                rowKey={({ newest }) => newest.origin}
                columns={[
                  {
                    head: t("audit.checkpoints.log"),
                    isName: true,
                    cell: ({ newest }) => newest.origin.slice(newest.origin.lastIndexOf("/") + 1),
                  },
                  { head: t("audit.checkpoints.entries"), align: "end", cell: ({ newest }) => countText(newest.size) },
                  {
                    head: t("audit.checkpoints.upTo"),
                    align: "end",
                    cell: ({ cosigned }) => countText(cosigned?.size ?? 0),
                  },
                  {
                    head: t("audit.checkpoints.cosigners"),
                    cell: ({ cosigned }) => <Cosigned cosigned={cosigned?.cosigned ?? []} />,
                  },
                  {
                    head: t("audit.checkpoints.root"),
                    cell: ({ newest }) => <Digest value={newest.root} />,
                  },
                ]}
              />
              {own.map(({ newest, cosigned }) => (
                <details key={newest.origin}>
                  <summary>{t("audit.checkpoints.note", { origin: newest.origin })}</summary>
                  <pre>{newest.note}</pre>
                  {cosigned !== null && cosigned.size < newest.size && <pre>{cosigned.note}</pre>}
                </details>
              ))}
            </Panel>
            <Panel title={t("audit.checkpoints.witnessed")}>
              <Table
                caption={t("audit.checkpoints.witnessed")}
                rows={witnessed}
                rowKey={({ origin }) => origin}
                empty={t("audit.checkpoints.nothingWitnessed")}
                columns={[
                  { head: t("audit.checkpoints.owner"), isName: true, cell: ({ owner }) => owner },
                  {
                    head: t("audit.checkpoints.log"),
                    cell: ({ origin }) => origin.slice(origin.lastIndexOf("/") + 1),
                  },
                  { head: t("audit.checkpoints.size"), align: "end", cell: ({ size }) => countText(size) },
                  { head: t("audit.checkpoints.root"), cell: ({ root }) => <Digest value={root} /> },
                ]}
              />
            </Panel>
            <Panel title={t("audit.checkpoints.fingerprints")}>
              <p>{t("audit.checkpoints.fingerprintsText")}</p>
              <Facts
                facts={fingerprints.map(({ party, fingerprint }) => [
                  party,
                  <code key={fingerprint}>{fingerprint}</code>,
                ])}
              />
            </Panel>
          </>
        )}
      </Loaded>
    </>
  );
}
