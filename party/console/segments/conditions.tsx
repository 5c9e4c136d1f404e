/** Conditions over a dataset's columns, for who writes no SQL. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../parts/button.tsx";
import { SelectField, TextField } from "../parts/fields.tsx";
import { OPERATORS, type Operator, type SegmentForm, takesValue, type WrittenCondition } from "./definition.ts";

interface ConditionsProps {
  readonly form: SegmentForm;
  readonly columns: readonly string[];
  change(changes: Partial<SegmentForm>): void;
}

export function Conditions({ form, columns, change }: ConditionsProps): ReactNode {
  const { t } = useTranslation();
  const { conditions } = form;
  const set = (at: number, changes: Partial<WrittenCondition>) =>
    change({ conditions: conditions.map((one, i) => (i === at ? { ...one, ...changes } : one)) });
  return (
    <>
      <SelectField
        label={t("segments.form.match")}
        value={form.join}
        onChange={(join) => change({ join: join as SegmentForm["join"] })}
        choices={(["all", "any"] as const).map((join) => ({ value: join, label: t(`segments.form.${join}`) }))}
      />
      {conditions.map(({ column, operator, value }, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the places are what they are
        <div className="row" key={at}>
          <SelectField
            label={t("segments.form.column")}
            value={column}
            onChange={(name) => set(at, { column: name })}
            none=""
            required
            choices={columns.map((name) => ({ value: name, label: name }))}
          />
          <SelectField
            label={t("segments.form.operator")}
            value={operator}
            onChange={(name) => set(at, { operator: name as Operator })}
            choices={OPERATORS.map((name) => ({ value: name, label: t(`segments.form.operators.${name}`) }))}
          />
          {takesValue(operator) && (
            <TextField
              label={t("segments.form.value")}
              {...(operator === "in" || operator === "not in" ? { hint: t("segments.form.valueHint") } : {})}
              value={value}
              onChange={(text) => set(at, { value: text })}
              required
            />
          )}
          {conditions.length > 1 && (
            <Button onClick={() => change({ conditions: conditions.filter((_, i) => i !== at) })}>
              {t("segments.form.remove")}
            </Button>
          )}
        </div>
      ))}
      <p>
        <Button onClick={() => change({ conditions: [...conditions, { column: "", operator: "=", value: "" }] })}>
          {t("segments.form.addCondition")}
        </Button>
      </p>
    </>
  );
}
