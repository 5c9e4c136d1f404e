/** Batches of tags with where they come from. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useRoute } from "../client.ts";
import { JobLink } from "../parts/job-link.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Badge, type NoticeKind } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, When } from "../parts/values.tsx";

type Batch = RouteResponse<"tagBatches">["batches"][number];

const KINDS: Readonly<Record<Batch["state"], NoticeKind>> = {
  "in-force": "good",
  superseded: "info",
  withdrawn: "warn",
  expired: "info",
  removed: "info",
};

export function BatchesPage(): ReactNode {
  const { t } = useTranslation();
  const query = useRoute("tagBatches", {});
  return (
    <Page title={t("tags.batches")} lede={t("tags.batchesLede")}>
      <Panel>
        <Loaded query={query}>
          {({ batches }) => (
            <Table
              caption={t("tags.batches")}
              empty={t("tags.noneBatches")}
              rows={batches}
              rowKey={({ batchId }) => String(batchId)}
              columns={[
                { head: t("tags.key"), isName: true, cell: ({ key }) => key },
                {
                  head: t("tags.state"),
                  cell: ({ state }) => <Badge kind={KINDS[state]}>{t(`tags.states.${state}`)}</Badge>,
                },
                { head: t("tags.counts"), cell: ({ counts }) => countsText(counts) },
                { head: t("tags.holding"), align: "end", cell: ({ current }) => countText(current) },
                { head: t("tags.issued"), cell: ({ issuedAt }) => <When at={issuedAt} /> },
                { head: t("tags.expires"), cell: ({ expiresAt }) => <When at={expiresAt} /> },
                { head: t("tags.lineage"), cell: (batch) => <Lineage batch={batch} /> },
              ]}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}

function countsText(counts: Batch["counts"]): string {
  return Object.entries(counts)
    .map(([value, count]) => `${value}: ${countText(count)}`)
    .join(", ");
}

function Lineage({ batch: { lineage, jobId } }: { readonly batch: Batch }): ReactNode {
  const { t } = useTranslation();
  const job = <JobLink jobId={jobId} />;
  if (lineage === null) return job;
  const { dataset, peerDataset, peer, purpose, requestedBy } = lineage;
  return (
    <>
      {job} {t("tags.lineageOf", { dataset, peerDataset, peer, purpose })}
      {requestedBy !== null && <p className="hint">{t("tags.requestedBy", { person: requestedBy })}</p>}
    </>
  );
}
