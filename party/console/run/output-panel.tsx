/** What should come out of a run: the output, its purpose, and what belongs to that output. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useRoute } from "../client.ts";
import { CheckList, SelectField, TextField } from "../parts/fields.tsx";
import { Panel } from "../parts/panel.tsx";
import { timeText } from "../parts/values.tsx";
import { Breakdowns } from "./breakdowns.tsx";
import { ModelField } from "./model-field.tsx";
import type { Chosen } from "./people-panel.tsx";
import { isAggregate, mistakesIn, type RunForm } from "./request.ts";

interface OutputPanelProps {
  readonly chosen: Chosen;
  readonly form: RunForm;
  change(changes: Partial<RunForm>): void;
}

export function OutputPanel({ chosen, form, change }: OutputPanelProps): ReactNode {
  const { t } = useTranslation();
  const { operation, agreement, pair } = chosen;
  return (
    <Panel title={t("run.what")}>
      {operation === "score" && <ModelField model={form.model} onModel={(model) => change({ model })} />}
      <SelectField
        label={t("run.output")}
        hint={t(`run.outputHints.${form.output}`)}
        value={form.output}
        onChange={(output) => change({ output: output as RunForm["output"] })}
        choices={pair.outputs.map((output) => ({ value: output, label: t(`terms.outputs.${output}`) }))}
      />
      <SelectField
        label={t("run.purpose")}
        value={form.purpose === "" ? (agreement.purposes[0]?.id ?? "") : form.purpose}
        onChange={(purpose) => change({ purpose })}
        choices={agreement.purposes.map(({ id, text }) => ({ value: id, label: text }))}
      />
      {operation === "score" && pair.alignments.includes("shared") && <AudienceField {...{ chosen, form, change }} />}
      {form.output === "overlap-report" && (
        <Breakdowns dataset={pair.own} by={form.by} onChange={(by) => change({ by })} />
      )}
      {!isAggregate(form.output) && <TagFields {...{ chosen, form, change }} />}
    </Panel>
  );
}

function AudienceField({ chosen: { agreement, pair }, form, change }: OutputPanelProps): ReactNode {
  const { t } = useTranslation();
  const jobs = useRoute("jobs", {}).data?.jobs ?? [];
  const earlier = jobs.filter(
    (job) => job.state === "done" && job.operation === "audience" && job.output === "list" && !job.withheld,
  );
  const own = earlier.filter((job) => job.role === "receiver" && job.agreement === agreement.digest);
  return (
    <SelectField
      label={t("run.audienceJob")}
      value={form.audience}
      onChange={(audience) => change({ audience })}
      {...(pair.alignments.includes("hidden") || own.length === 0 ? { none: t("run.audienceAll") } : {})}
      choices={own.map(({ jobId, updatedAt, peer }) => ({
        value: jobId,
        label: t("run.audienceJobChoice", { when: timeText(updatedAt), peer }),
      }))}
    />
  );
}

function TagFields({ chosen: { operation, agreement, pair }, form, change }: OutputPanelProps): ReactNode {
  const { t } = useTranslation();
  const wrong = mistakesIn(form, operation);
  /** A field that nobody has touched is not complained about. */
  const mistake = (name: "tagKey" | "tagValue" | "days") =>
    wrong.includes(name) && form[name] !== "" ? t(`run.errors.${name}`) : undefined;
  const example = operation === "audience" ? "balance > 50000 -> marketing:wealthy" : "tier = C -> risk:review";
  return (
    <>
      <TextField
        label={t("run.tagKey")}
        hint={t("run.tagKeyHint")}
        value={form.tagKey}
        onChange={(tagKey) => change({ tagKey: tagKey.trim() })}
        error={mistake("tagKey")}
        autoComplete="off"
      />
      {operation === "audience" && (
        <TextField
          label={t("run.tagValue")}
          value={form.tagValue}
          onChange={(tagValue) => change({ tagValue })}
          error={mistake("tagValue")}
          autoComplete="off"
        />
      )}
      <TextField
        label={t("run.days")}
        hint={t("run.daysHint", { count: agreement.maxTagDays })}
        type="number"
        min={1}
        max={agreement.maxTagDays}
        value={form.days}
        onChange={(days) => change({ days })}
        error={mistake("days")}
      />
      {pair.labels.length > 0 && (
        <CheckList
          legend={t("run.labels")}
          choices={pair.labels.map(({ name, grade }) => ({
            value: name,
            label: t("run.labelChoice", { name, grade }),
          }))}
          chosen={form.labels}
          onChange={(labels) => change({ labels })}
        />
      )}
      <details>
        <summary>{t("run.rules")}</summary>
        <TextField
          label={t("run.rules")}
          hint={t("run.rulesHint", { example })}
          lines={4}
          value={form.rules}
          onChange={(rules) => change({ rules })}
        />
      </details>
    </>
  );
}
