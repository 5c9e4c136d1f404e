/** Every column that an agreement names, the own ones first. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { AgreementDocument } from "../../../proto/agreement/schema.ts";
import { Badge } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { useSession } from "../session.tsx";

export function AgreedColumns({ document }: { readonly document: Readonly<Record<string, unknown>> }): ReactNode {
  const { t } = useTranslation();
  const { party: own } = useSession();
  // As the node has checked it.
  const { datasets } = document as unknown as Pick<AgreementDocument, "datasets">;
  const rows = datasets
    .toSorted((a, b) => Number(b.party === own) - Number(a.party === own))
    .flatMap(({ party, name, columns }) => columns.map((column) => ({ party, dataset: name, ...column })));
  const leaves = (role: string) => role === "label" || role === "release";
  return (
    <Panel title={t("govern.agreement.columns")}>
      <Table
        caption={t("govern.agreement.columns")}
        rows={rows}
        rowKey={({ party, dataset, name }) => [party, dataset, name].join("/")}
        columns={[
          { head: t("govern.agreement.column"), isName: true, cell: ({ name }) => name },
          { head: t("govern.agreement.dataset"), cell: ({ dataset }) => dataset },
          {
            head: t("govern.agreement.party"),
            cell: ({ party }) => (party === own ? t("govern.agreement.you") : party),
          },
          {
            head: t("govern.agreement.use"),
            cell: ({ role }) => (
              <Badge kind={leaves(role) ? "warn" : "info"}>{t(`govern.agreement.uses.${role}`)}</Badge>
            ),
          },
          { head: t("govern.agreement.grade"), align: "end", cell: ({ grade }) => grade },
          {
            head: t("govern.agreement.personal"),
            cell: ({ personal }) => (personal ? t("govern.agreement.yes") : t("govern.agreement.no")),
          },
        ]}
      />
    </Panel>
  );
}
