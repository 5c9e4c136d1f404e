/** Which of the own segments which partners see. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { partyId } from "../../../proto/ids.ts";
import { useAction, useRoute } from "../client.ts";
import { ConfirmButton } from "../parts/confirm.tsx";
import { CheckList, TextField } from "../parts/fields.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Badge, Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";

type Segment = RouteResponse<"segments">["segments"][number];

export function PublicationsPage(): ReactNode {
  const { t } = useTranslation();
  const segments = useRoute("segments", {});
  return (
    <Page title={t("govern.publications.title")} lede={t("govern.publications.lede")}>
      <Panel>
        <Loaded query={segments}>
          {(answer) => (
            <Table
              caption={t("govern.publications.title")}
              empty={t("govern.publications.none")}
              rows={answer.segments.filter(({ retiredAt }) => retiredAt === null)}
              rowKey={({ name }) => name}
              columns={[
                { head: t("govern.publications.segment"), isName: true, cell: ({ name }) => name },
                { head: t("govern.publications.dataset"), cell: ({ dataset }) => dataset },
                { head: t("govern.publications.seen"), cell: (segment) => <Seen segment={segment} /> },
                {
                  head: t("govern.publications.description"),
                  cell: ({ published }) => published?.description ?? null,
                },
                {
                  head: t("govern.publications.publish"),
                  cell: (segment) => (
                    <div className="actions">
                      {/* A version that comes while the question stands is another question. */}
                      <Publish key={segment.version} segment={segment} />
                      {segment.published !== null && <End segment={segment} />}
                    </div>
                  ),
                },
              ]}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}

function Seen({ segment: { published, version } }: { readonly segment: Segment }): ReactNode {
  const { t } = useTranslation();
  if (published === null) return t("govern.publications.nobody");
  return (
    <>
      <div>{t("govern.publications.seenAs", { version: published.version, to: published.to.join(", ") })}</div>
      {version > published.version && <Badge kind="warn">{t("govern.publications.newer", { version })}</Badge>}
    </>
  );
}

function Publish({ segment: { name, version, published } }: { readonly segment: Segment }): ReactNode {
  const { t } = useTranslation();
  const publish = useAction("publishSegment");
  const [description, setDescription] = useState(published?.description ?? "");
  const [to, setTo] = useState<readonly string[]>(published?.to ?? []);
  return (
    <ConfirmButton
      kind="main"
      label={t("govern.publications.publish")}
      title={t("govern.publications.publishTitle", { name, version })}
      onConfirm={() => publish.mutateAsync({ name, version, description, to: to.map(partyId) })}
    >
      <p>{t("govern.publications.publishText")}</p>
      <Definition name={name} version={version} />
      <TextField
        label={t("govern.publications.describe")}
        hint={t("govern.publications.describeHint")}
        value={description}
        onChange={setDescription}
      />
      <Peers chosen={to} onChange={setTo} />
    </ConfirmButton>
  );
}

/** What is about to be published, as this node keeps it. */
function Definition({ name, version }: Pick<Segment, "name" | "version">): ReactNode {
  const { t } = useTranslation();
  const segment = useRoute("segment", { name });
  const shown = segment.data?.versions.find((one) => one.version === version);
  return (
    <p>
      {t("govern.publications.definition")} <code>{definitionText(shown?.definition)}</code>
    </p>
  );
}

/** An expression as it was written; what has none as the node keeps it. */
function definitionText(definition: unknown): string {
  const { expression } = (definition ?? {}) as { readonly expression?: unknown };
  return typeof expression === "string" ? expression : JSON.stringify(definition ?? null);
}

interface PeersProps {
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}

function Peers({ chosen, onChange }: PeersProps): ReactNode {
  const { t } = useTranslation();
  const peers = useRoute("peers", {});
  return (
    <Loaded query={peers}>
      {(answer) => {
        const confirmed = answer.peers.filter((peer) => peer.confirmed);
        if (confirmed.length === 0) return <Notice kind="warn">{t("govern.publications.noPeers")}</Notice>;
        return (
          <CheckList
            legend={t("govern.publications.to")}
            choices={confirmed.map(({ party }) => ({ value: party, label: party }))}
            chosen={chosen}
            onChange={onChange}
          />
        );
      }}
    </Loaded>
  );
}

function End({ segment: { name } }: { readonly segment: Segment }): ReactNode {
  const { t } = useTranslation();
  const end = useAction("unpublishSegment");
  return (
    <ConfirmButton
      label={t("govern.publications.end")}
      title={t("govern.publications.endTitle", { name })}
      onConfirm={() => end.mutateAsync({ name })}
    >
      <p>{t("govern.publications.endText")}</p>
    </ConfirmButton>
  );
}
