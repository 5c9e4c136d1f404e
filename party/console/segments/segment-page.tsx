/** One segment with all its versions. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "wouter";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useAction, useRoute } from "../client.ts";
import { ConfirmButton } from "../parts/confirm.tsx";
import { Facts } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { timeText, When } from "../parts/values.tsx";
import { CountSegment } from "./count-segment.tsx";

type Segment = RouteResponse<"segment">;

export function SegmentPage(): ReactNode {
  const { name = "" } = useParams();
  const query = useRoute("segment", { name });
  return (
    <Page title={name} actions={query.data?.retiredAt === null ? <Retire name={name} /> : undefined}>
      <Loaded query={query}>{(segment) => <About segment={segment} />}</Loaded>
    </Page>
  );
}

function Retire({ name }: { readonly name: string }): ReactNode {
  const { t } = useTranslation();
  const retire = useAction("retireSegment");
  return (
    <ConfirmButton
      label={t("segments.retire")}
      title={t("segments.retireTitle")}
      onConfirm={() => retire.mutateAsync({ name })}
    >
      <p>{t("segments.retireText")}</p>
    </ConfirmButton>
  );
}

function About({ segment }: { readonly segment: Segment }): ReactNode {
  const { t } = useTranslation();
  const { name, dataset, published, retiredAt, versions } = segment;
  const facts: [string, ReactNode][] = [
    [t("segments.dataset"), dataset],
    [t("segments.published"), published?.to.join(", ") ?? t("segments.notPublished")],
  ];
  if (published !== null) facts.push([t("segments.description"), published.description]);
  if (retiredAt === null) facts.push([t("segments.people"), <CountSegment key="c" name={name} />]);
  else facts.push([t("segments.retired"), <When key="r" at={retiredAt} />]);
  return (
    <>
      <Panel>
        <Facts facts={facts} />
      </Panel>
      <Panel title={t("segments.versions")}>
        <Table
          caption={t("segments.versions")}
          rows={versions}
          rowKey={({ version }) => String(version)}
          columns={[
            { head: t("segments.version"), isName: true, cell: ({ version }) => version },
            { head: t("segments.kind"), cell: ({ kind }) => t(`segments.kinds.${kind}`) },
            { head: t("segments.definition"), cell: ({ definition }) => <Definition definition={definition} /> },
            {
              head: t("segments.defined"),
              cell: ({ definedBy, definedAt }) => t("segments.by", { person: definedBy, when: timeText(definedAt) }),
            },
          ]}
        />
      </Panel>
    </>
  );
}

/** As the node tells it: an expression, or JSON. */
function Definition({ definition }: { readonly definition: unknown }): ReactNode {
  const text = typeof definition === "string" ? definition : JSON.stringify(definition);
  return <code>{text}</code>;
}
