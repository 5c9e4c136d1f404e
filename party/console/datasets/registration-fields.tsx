/** Where a dataset's rows are, which columns are its id, and what becomes of duplicates. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { MAX_ID_COLUMNS, NORMALISERS, type NormaliserName } from "../../../proto/agreement/fields.ts";
import { AGGREGATES } from "../../../proto/duplicate-policy.ts";
import { Button } from "../parts/button.tsx";
import { SelectField, TextField } from "../parts/fields.tsx";
import { type RegistrationForm, SOURCE_KINDS, type WrittenId } from "./registration.ts";

interface RegistrationFieldsProps {
  readonly form: RegistrationForm;
  onChange(changes: Partial<RegistrationForm>): void;
}

export function RegistrationFields({ form, onChange }: RegistrationFieldsProps): ReactNode {
  const { t } = useTranslation();
  const { kind } = form;
  return (
    <>
      <TextField
        label={t("datasets.form.name")}
        hint={t("datasets.form.nameHint")}
        value={form.name}
        onChange={(name) => onChange({ name })}
        required
        autoComplete="off"
      />
      <SelectField
        label={t("datasets.form.kind")}
        value={kind}
        onChange={(value) => onChange({ kind: value as RegistrationForm["kind"] })}
        choices={SOURCE_KINDS.map((value) => ({ value, label: t(`datasets.form.kinds.${value}`) }))}
      />
      {kind === "postgres" ? (
        <TextField
          label={t("datasets.form.database")}
          value={form.database}
          onChange={(database) => onChange({ database })}
          required
        />
      ) : (
        <TextField
          label={t("datasets.form.path")}
          hint={t("datasets.form.pathHint")}
          value={form.path}
          onChange={(path) => onChange({ path })}
          required
          autoComplete="off"
        />
      )}
      {kind !== "files" && (
        <TextField
          label={t("datasets.form.table")}
          value={form.table}
          onChange={(table) => onChange({ table })}
          required
        />
      )}
      <IdFields ids={form.ids} onIds={(ids) => onChange({ ids })} />
      <SelectField
        label={t("datasets.form.duplicates")}
        value={form.duplicates}
        onChange={(duplicates) => onChange({ duplicates: duplicates as RegistrationForm["duplicates"] })}
        choices={[
          ...(["first", "reject"] as const).map((value) => ({
            value,
            label: t(`datasets.form.duplicateChoices.${value}`),
          })),
          ...AGGREGATES.map((value) => ({
            value,
            label: t("datasets.form.aggregate", { how: t(`datasets.form.aggregates.${value}`) }),
          })),
        ]}
      />
    </>
  );
}

interface IdFieldsProps {
  readonly ids: readonly WrittenId[];
  onIds(ids: readonly WrittenId[]): void;
}

function IdFields({ ids, onIds }: IdFieldsProps): ReactNode {
  const { t } = useTranslation();
  const set = (at: number, changes: Partial<WrittenId>) =>
    onIds(ids.map((id, i) => (i === at ? { ...id, ...changes } : id)));
  return (
    <>
      {ids.map(({ column, normaliser }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the places are what they are
        <div className="row" key={at}>
          <TextField
            label={t("datasets.form.idColumn")}
            hint={t("datasets.form.idColumnHint")}
            value={column}
            onChange={(value) => set(at, { column: value })}
            required
            autoComplete="off"
          />
          <SelectField
            label={t("datasets.form.normaliser")}
            value={normaliser}
            onChange={(value) => set(at, { normaliser: value as NormaliserName })}
            choices={NORMALISERS.map((value) => ({ value, label: t(`terms.normalisers.${value}`) }))}
          />
          {ids.length > 1 && (
            <Button onClick={() => onIds(ids.filter((_, i) => i !== at))}>{t("datasets.form.removeId")}</Button>
          )}
        </div>
      ))}
      {ids.length < MAX_ID_COLUMNS && (
        <p>
          <Button onClick={() => onIds([...ids, { column: "", normaliser: "opaque" }])}>
            {t("datasets.form.addId")}
          </Button>
        </p>
      )}
    </>
  );
}
