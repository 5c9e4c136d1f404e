/** Defining a segment, in any of the six ways. */
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useParams } from "wouter";
import { SEGMENT_KINDS, type SegmentKind } from "../../../proto/segments/names.ts";
import { useAction, useRoute } from "../client.ts";
import type { Dataset } from "../datasets/health.tsx";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { SelectField, TextField } from "../parts/fields.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Conditions } from "./conditions.tsx";
import { definitionOf, EMPTY_SEGMENT, type SegmentForm } from "./definition.ts";

export function DefinePage(): ReactNode {
  const { t } = useTranslation();
  const { name } = useParams();
  const query = useRoute("datasets", {});
  return (
    <Page title={t("segments.form.title")} lede={t("segments.lede")}>
      <Loaded query={query}>
        {({ datasets }) =>
          datasets.length === 0 ? (
            <Notice kind="info">{t("datasets.none")}</Notice>
          ) : (
            <Form datasets={datasets} dataset={name ?? (datasets[0] as Dataset).name} />
          )
        }
      </Loaded>
    </Page>
  );
}

interface FormProps {
  readonly datasets: readonly Dataset[];
  readonly dataset: string;
}

function Form({ datasets, dataset }: FormProps): ReactNode {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const define = useAction("defineSegment");
  const [form, setForm] = useState<SegmentForm>({ ...EMPTY_SEGMENT, dataset });
  const change = (changes: Partial<SegmentForm>) => setForm({ ...form, ...changes });
  const columns = datasets.find(({ name }) => name === form.dataset)?.columns ?? [];
  const isNumber = (column: string) => columns.some(({ name, type }) => name === column && type === "number");
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    const { name, dataset: of } = form;
    define.mutate(
      { name: name.trim(), dataset: of, definition: definitionOf(form, isNumber) },
      { onSuccess: ({ name: defined }) => go(`/segments/${defined}`) },
    );
  };
  return (
    <Panel>
      <form onSubmit={onSubmit}>
        <TextField
          label={t("segments.form.name")}
          hint={t("segments.form.nameHint")}
          value={form.name}
          onChange={(name) => change({ name })}
          required
          autoComplete="off"
        />
        <SelectField
          label={t("segments.form.dataset")}
          value={form.dataset}
          onChange={(of) => change({ dataset: of, conditions: EMPTY_SEGMENT.conditions })}
          choices={datasets.map(({ name }) => ({ value: name, label: name }))}
        />
        <SelectField
          label={t("segments.form.kind")}
          value={form.kind}
          onChange={(kind) => change({ kind: kind as SegmentKind })}
          // What most people want first.
          choices={(["rule", ...SEGMENT_KINDS.filter((kind) => kind !== "rule")] as const).map((kind) => ({
            value: kind,
            label: t(`segments.kinds.${kind}`),
          }))}
        />
        <Definition
          {...{ form, change }}
          columns={columns.filter(({ type }) => type !== "id").map(({ name }) => name)}
        />
        {define.error !== null && <ErrorNote error={define.error} />}
        <Button kind="main" type="submit" isBusy={define.isPending}>
          {t("segments.form.submit")}
        </Button>
      </form>
    </Panel>
  );
}

interface DefinitionProps {
  readonly form: SegmentForm;
  readonly columns: readonly string[];
  change(changes: Partial<SegmentForm>): void;
}

function Definition({ form, columns, change }: DefinitionProps): ReactNode {
  const { t } = useTranslation();
  switch (form.kind) {
    case "rule":
      return <Conditions {...{ form, columns, change }} />;
    case "sql":
      return (
        <TextField
          label={t("segments.form.sql")}
          hint={t("segments.form.sqlHint", { example: "age >= 30 AND city IN ('Shanghai', 'Suzhou')" })}
          lines={3}
          required
          value={form.sql}
          onChange={(sql) => change({ sql })}
        />
      );
    case "list":
      return (
        <TextField
          label={t("segments.form.ids")}
          hint={t("segments.form.idsHint")}
          lines={8}
          required
          value={form.ids}
          onChange={(ids) => change({ ids })}
        />
      );
    case "import":
      return (
        <>
          <TextField
            label={t("segments.form.path")}
            hint={t("datasets.form.pathHint")}
            required
            value={form.path}
            onChange={(path) => change({ path })}
          />
          <TextField
            label={t("segments.form.idColumn")}
            required
            value={form.idColumn}
            onChange={(idColumn) => change({ idColumn })}
          />
        </>
      );
    case "tier":
      return (
        <>
          <TextField label={t("segments.form.tagKey")} value={form.tagKey} onChange={(tagKey) => change({ tagKey })} />
          <TextField
            label={t("segments.form.tagValues")}
            hint={t("segments.form.tagValuesHint")}
            value={form.tagValues}
            onChange={(tagValues) => change({ tagValues })}
          />
        </>
      );
    case "derived":
      return (
        <TextField
          label={t("segments.form.expression")}
          hint={t("segments.form.expressionHint")}
          required
          value={form.expression}
          onChange={(expression) => change({ expression })}
        />
      );
  }
}
