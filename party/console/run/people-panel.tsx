/** Whom to compare: the agreement, the pair of datasets, and who of each takes part. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { Operation } from "../../../proto/agreement/fields.ts";
import { useRoute } from "../client.ts";
import { SelectField } from "../parts/fields.tsx";
import { Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { countText, timeText } from "../parts/values.tsx";
import type { AgreementChoice, Pair } from "./choices.ts";
import type { RunForm } from "./request.ts";

export interface Chosen {
  readonly operation: Operation;
  readonly agreement: AgreementChoice;
  readonly pair: Pair;
}

interface PeoplePanelProps {
  readonly chosen: Chosen;
  readonly choices: readonly AgreementChoice[];
  readonly form: RunForm;
  change(changes: Partial<RunForm>): void;
  onChoose(digest: string, pairAt: number): void;
}

export function PeoplePanel({ chosen, choices, form, change, onChoose }: PeoplePanelProps): ReactNode {
  const { t } = useTranslation();
  const { agreement, pair } = chosen;
  const { peer } = agreement;
  return (
    <Panel title={t("run.who")}>
      <SelectField
        label={t("run.agreement")}
        hint={t("run.until", { when: timeText(agreement.validUntil) })}
        value={agreement.digest}
        onChange={(digest) => onChoose(digest, 0)}
        choices={choices.map((choice) => ({ value: choice.digest, label: t("run.agreementChoice", { ...choice }) }))}
      />
      <SelectField
        label={t("run.pair")}
        value={String(agreement.pairs.indexOf(pair))}
        onChange={(at) => onChoose(agreement.digest, Number(at))}
        choices={agreement.pairs.map(({ own, theirs }, at) => ({
          value: String(at),
          label: t("run.pairChoice", { own, theirs, peer }),
        }))}
      />
      <OwnPeople {...{ pair, form, change }} />
      {form.audience === "" && <PeerPeople {...{ chosen, form, change }} />}
    </Panel>
  );
}

function OwnPeople({
  pair,
  form,
  change,
}: Pick<PeoplePanelProps, "form" | "change"> & { readonly pair: Pair }): ReactNode {
  const { t } = useTranslation();
  const datasets = useRoute("datasets", {}).data?.datasets;
  const segments = useRoute("segments", {}).data?.segments ?? [];
  const dataset = datasets?.find(({ name }) => name === pair.own);
  if (datasets !== undefined && dataset === undefined)
    return (
      <Notice kind="warn">
        {t("run.noDataset", { dataset: pair.own })} <Link href="/datasets/new">{t("datasets.register")}</Link>
      </Notice>
    );
  const everybody =
    dataset === undefined
      ? t("run.everybody", { dataset: pair.own })
      : t("run.everybodyCount", { dataset: pair.own, people: countText(dataset.accepted) });
  const mine = segments.filter(({ dataset: of, retiredAt }) => of === pair.own && retiredAt === null);
  return (
    <SelectField
      label={t("run.segment")}
      hint={
        <>
          {t("run.segmentHint")} <Link href="/segments/new">{t("run.defineSegment")}</Link>
        </>
      }
      value={form.segment}
      onChange={(segment) => change({ segment })}
      none={everybody}
      choices={mine.map(({ name, version }) => ({ value: name, label: t("run.segmentChoice", { name, version }) }))}
    />
  );
}

function PeerPeople({ chosen, form, change }: Pick<PeoplePanelProps, "chosen" | "form" | "change">): ReactNode {
  const { t } = useTranslation();
  const { agreement, pair } = chosen;
  const { data, error } = useRoute("peerDatasets", { party: agreement.peer });
  const published = data?.datasets.find(({ name }) => name === pair.theirs)?.segments ?? [];
  const agreed = published.filter(({ name }) => pair.segments === undefined || pair.segments.includes(name));
  const none = pair.segments === undefined ? { none: t("run.peerEverybody", { dataset: pair.theirs }) } : {};
  return (
    <SelectField
      label={t("run.peerSegment")}
      {...(error === null ? {} : { hint: t("run.peerUnreachable") })}
      value={form.peerSegment}
      onChange={(peerSegment) => change({ peerSegment })}
      {...none}
      choices={agreed.map(({ name, version, description }) => ({
        value: `${name}@${version}`,
        label: t("run.peerSegmentChoice", { name, description }),
      }))}
    />
  );
}
