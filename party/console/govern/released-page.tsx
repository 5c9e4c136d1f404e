/** What has been handed over so far, to whom, and who decided it. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { OUTPUTS } from "../../../proto/agreement/fields.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useRoute } from "../client.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { When } from "../parts/values.tsx";

type Group = RouteResponse<"released">["released"][number];

export function ReleasedPage(): ReactNode {
  const { t } = useTranslation();
  const released = useRoute("released", {});
  return (
    <Page title={t("govern.released.title")} lede={t("govern.released.lede")}>
      <Loaded query={released}>
        {(answer) => (
          <>
            <Groups groups={answer.released} direction="given" />
            <Groups groups={answer.released} direction="received" />
          </>
        )}
      </Loaded>
    </Page>
  );
}

interface GroupsProps {
  readonly groups: readonly Group[];
  readonly direction: Group["direction"];
}

function Groups({ groups, direction }: GroupsProps): ReactNode {
  const { t } = useTranslation();
  const isGiven = direction === "given";
  const title = isGiven ? t("govern.released.given") : t("govern.released.received");
  const withheld: Column<Group> = {
    head: t("govern.released.withheld"),
    cell: (group) => group.withheld ?? t("govern.released.notTold"),
  };
  return (
    <Panel title={title}>
      <p className="hint">{isGiven ? t("govern.released.givenLede") : t("govern.released.receivedLede")}</p>
      <Table
        caption={title}
        empty={isGiven ? t("govern.released.noneGiven") : t("govern.released.noneReceived")}
        rows={groups.filter((group) => group.direction === direction)}
        rowKey={(group) => [group.agreement, group.operation, group.ownDataset, group.peerDataset].join("/")}
        columns={[
          { head: t("govern.released.peer"), isName: true, cell: ({ peer }) => peer },
          { head: t("govern.released.what"), cell: ({ operation }) => t(`terms.operations.${operation}`) },
          {
            head: t("govern.released.data"),
            cell: ({ ownDataset, peerDataset }) => (isGiven ? ownDataset : peerDataset),
          },
          { head: t("govern.released.outputs"), cell: (group) => <Results group={group} /> },
          { head: t("govern.released.clear"), cell: ({ columnsInClear }) => <Names names={columnsInClear} /> },
          { head: t("govern.released.segments"), cell: ({ segments }) => <Names names={segments} /> },
          { head: t("govern.released.decided"), cell: (group) => <Decided group={group} /> },
          ...(isGiven ? [] : [withheld]),
          {
            head: t("govern.released.last"),
            cell: ({ lastAt }) => (lastAt === null ? <None /> : <When at={lastAt} />),
          },
          {
            head: t("govern.released.agreement"),
            cell: ({ agreement, title: name }) => <Link href={`/agreements/${agreement}`}>{name}</Link>,
          },
        ]}
      />
    </Panel>
  );
}

function None(): ReactNode {
  const { t } = useTranslation();
  return t("govern.released.nothing");
}

function Names({ names }: { readonly names: readonly string[] }): ReactNode {
  return names.length === 0 ? <None /> : names.join(", ");
}

function Results({ group: { outputs } }: { readonly group: Group }): ReactNode {
  const { t } = useTranslation();
  const given = OUTPUTS.filter((output) => outputs[output] !== undefined);
  if (given.length === 0) return <None />;
  return given.map((output) => (
    <div key={output}>
      {t("govern.released.output", { output: t(`terms.outputs.${output}`), count: outputs[output] ?? 0 })}
    </div>
  ));
}

function Decided({ group: { released, approved } }: { readonly group: Group }): ReactNode {
  const { t } = useTranslation();
  if (released === 0) return <None />;
  return (
    <>
      {approved > 0 && <div>{t("govern.released.byPerson", { count: approved })}</div>}
      {released > approved && <div>{t("govern.released.byAgreement", { count: released - approved })}</div>}
    </>
  );
}
