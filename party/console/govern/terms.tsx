/** An agreement's terms in plain words, and what its version changes. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { currentLanguage } from "../language.ts";
import { Badge, type NoticeKind } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { Points } from "./points.tsx";

type Answer = RouteResponse<"agreementTerms">;
type Part = Answer["terms"]["en"][number];
type Difference = NonNullable<Answer["differences"]>[number];

export function Terms({ terms }: Pick<Answer, "terms">): ReactNode {
  const parts = terms[currentLanguage()];
  // What leaves the house is what the page is for: all of its width.
  const [leaves, ...others] = parts;
  return (
    <>
      {leaves && (
        <Panel title={leaves.title}>
          <div className="columns">
            <TermsPart part={leaves} />
          </div>
        </Panel>
      )}
      <div className="columns">
        {others.map((part) => (
          <Panel key={part.id} title={part.title}>
            <TermsPart part={part} />
          </Panel>
        ))}
      </div>
    </>
  );
}

export function TermsPart({ part }: { readonly part: Part }): ReactNode {
  return part.blocks.map(({ title, lines }) => (
    <div key={[title, ...lines].join("/")}>
      {title !== null && <h3>{title}</h3>}
      <Points lines={lines} />
    </div>
  ));
}

const KINDS: { readonly [E in Difference["effect"]]: NoticeKind } = {
  loosens: "warn",
  tightens: "good",
  other: "info",
};

export function Differences({ differences }: { readonly differences: readonly Difference[] }): ReactNode {
  const { t } = useTranslation();
  const wordsOf = ({ words }: Difference) => words[currentLanguage()];
  return (
    <Panel title={t("govern.agreement.changes")}>
      <Table
        caption={t("govern.agreement.changes")}
        empty={t("govern.agreement.noChanges")}
        rows={differences}
        rowKey={({ path }) => path}
        columns={[
          { head: t("govern.agreement.changed"), isName: true, cell: (item) => wordsOf(item).what },
          { head: t("govern.agreement.before"), cell: (item) => wordsOf(item).before ?? t("govern.agreement.nothing") },
          { head: t("govern.agreement.after"), cell: (item) => wordsOf(item).after ?? t("govern.agreement.nothing") },
          {
            head: t("govern.agreement.effect"),
            cell: ({ effect }) => <Badge kind={KINDS[effect]}>{t(`govern.agreement.effects.${effect}`)}</Badge>,
          },
        ]}
      />
    </Panel>
  );
}
