/** One dataset: where its rows went, where it comes from, its columns. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "wouter";
import { EntenteError } from "../../../proto/errors.ts";
import { isSetAsideReason, setAsideFix } from "../../../proto/set-aside.ts";
import { useRoute } from "../client.ts";
import { currentLanguage } from "../language.ts";
import { ButtonLink } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { Facts } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, Digest, When } from "../parts/values.tsx";
import { useSession } from "../session.tsx";
import { type Dataset, Health } from "./health.tsx";
import { ColumnType, IdColumns } from "./id-columns.tsx";

export function DatasetPage(): ReactNode {
  const { name = "" } = useParams();
  const { has } = useSession();
  const { t } = useTranslation();
  const query = useRoute("datasets", {});
  const actions = has("analyst") ? (
    <>
      <ButtonLink href={`/datasets/${name}/again`}>{t("datasets.again")}</ButtonLink>
      <ButtonLink href={`/datasets/${name}/segment`}>{t("datasets.segmentsOf")}</ButtonLink>
      <ButtonLink kind="main" href="/audience">
        {t("datasets.build")}
      </ButtonLink>
    </>
  ) : undefined;
  return (
    <Page title={name} actions={actions}>
      <Loaded query={query}>
        {({ datasets }) => {
          const dataset = datasets.find((item) => item.name === name);
          if (dataset === undefined) return <ErrorNote error={new EntenteError("NOT_FOUND", { detail: name })} />;
          return <About dataset={dataset} />;
        }}
      </Loaded>
    </Page>
  );
}

function About({ dataset }: { readonly dataset: Dataset }): ReactNode {
  const { t } = useTranslation();
  const { source, dialect, ids, duplicatePolicy, columns, rows, lines, accepted, quarantine } = dataset;
  const facts: [string, ReactNode][] = [
    [t("datasets.health"), <Health key="h" dataset={dataset} />],
    [t("datasets.people"), countText(accepted)],
    [t("datasets.rows"), countText(rows)],
    [t("datasets.ids"), <IdColumns key="i" ids={ids} />],
    [
      t("datasets.source"),
      <span key="s">
        <code>{source.from}</code> {source.files > 1 && t("datasets.files", { count: source.files })}
      </span>,
    ],
    [t("datasets.format"), dataset.format],
    [t("datasets.policy"), t(`datasets.policies.${duplicatePolicy.kind}`)],
    [t("datasets.version"), <Digest key="v" value={dataset.version} />],
    [t("datasets.registered"), <When key="w" at={dataset.registeredAt} />],
  ];
  if (lines !== null) facts.splice(3, 0, [t("datasets.lines"), countText(lines.total)]);
  if (dialect !== null) {
    const { delimiter, quote, encoding } = dialect;
    const written = { delimiter: JSON.stringify(delimiter), quote, encoding };
    facts.push([t("datasets.dialect"), t("datasets.dialectOf", written)]);
  }
  return (
    <>
      <Panel>
        <Facts facts={facts} />
      </Panel>
      <SetAside dataset={dataset} />
      {quarantine !== null && (
        <Panel title={t("datasets.quarantine")}>
          <p>
            <code>{quarantine}</code>
          </p>
          <p className="hint">{t("datasets.quarantineHint")}</p>
        </Panel>
      )}
      <Panel title={t("datasets.columns")}>
        <Table
          caption={t("datasets.columns")}
          rows={columns}
          rowKey={({ name }) => name}
          columns={[
            { head: t("datasets.column"), isName: true, cell: ({ name }) => name },
            { head: t("datasets.type"), cell: ({ type }) => <ColumnType type={type} /> },
          ]}
        />
      </Panel>
    </>
  );
}

function SetAside({ dataset: { duplicates, rejected } }: { readonly dataset: Dataset }): ReactNode {
  const { t } = useTranslation();
  const nameOf = (reason: string) => (isSetAsideReason(reason) ? t(`datasets.reasons.${reason}`) : reason);
  const aside = Object.entries({ ...(duplicates > 0 && { duplicate: duplicates }), ...rejected })
    .filter(([, rows]) => rows > 0)
    .toSorted(([, a], [, b]) => b - a);
  if (aside.length === 0) return null;
  return (
    <Panel title={t("datasets.asideTitle")}>
      <Table
        caption={t("datasets.setAside")}
        rows={aside}
        rowKey={([reason]) => reason}
        columns={[
          { head: t("datasets.reason"), isName: true, cell: ([reason]) => nameOf(reason) },
          { head: t("datasets.rows"), align: "end", cell: ([, count]) => countText(count) },
          { head: t("datasets.whatToDo"), cell: ([reason]) => setAsideFix(reason, currentLanguage()) },
        ]}
      />
    </Panel>
  );
}
