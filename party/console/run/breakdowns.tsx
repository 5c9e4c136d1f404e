/** What an overlap report breaks the own list down by. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useRoute } from "../client.ts";
import { Button } from "../parts/button.tsx";
import { SelectField, TextField } from "../parts/fields.tsx";
import type { WrittenBreakdown } from "./request.ts";

interface BreakdownsProps {
  readonly dataset: string;
  readonly by: readonly WrittenBreakdown[];
  onChange(by: readonly WrittenBreakdown[]): void;
}

export function Breakdowns({ dataset, by, onChange }: BreakdownsProps): ReactNode {
  const { t } = useTranslation();
  const own = useRoute("datasets", {}).data?.datasets.find(({ name }) => name === dataset);
  const segments = useRoute("segments", {}).data?.segments ?? [];
  const columns = own?.columns.filter(({ type }) => type === "number" || type === "text") ?? [];
  const choices = [
    ...columns.map(({ name }) => ({ value: `column/${name}`, label: t("run.byColumnOf", { name }) })),
    ...segments
      .filter(({ dataset: of, retiredAt }) => of === dataset && retiredAt === null)
      .map(({ name }) => ({ value: `segment/${name}`, label: t("run.bySegment", { name }) })),
  ];
  const isNumber = (what: string) => columns.some(({ name, type }) => type === "number" && what === `column/${name}`);
  const set = (at: number, changes: Partial<WrittenBreakdown>) =>
    onChange(by.map((one, i) => (i === at ? { ...one, ...changes } : one)));
  const free = choices.find(({ value }) => !by.some(({ what }) => what === value));
  return (
    <fieldset className="field">
      <legend>{t("run.by")}</legend>
      <p className="hint">{t("run.byHint")}</p>
      {by.map((one, at) => (
        <div className="row" key={one.what}>
          <SelectField
            label={t("run.byColumn")}
            value={one.what}
            onChange={(what) => set(at, { what, list: "", isNumber: isNumber(what) })}
            choices={choices.filter(({ value }) => value === one.what || !by.some(({ what }) => what === value))}
          />
          {one.what.startsWith("column/") && (
            <TextField
              label={one.isNumber ? t("run.bounds") : t("run.values")}
              hint={one.isNumber ? t("run.boundsHint") : t("run.valuesHint")}
              value={one.list}
              onChange={(list) => set(at, { list })}
            />
          )}
          <Button onClick={() => onChange(by.filter((_, i) => i !== at))}>{t("run.removeBreakdown")}</Button>
        </div>
      ))}
      {free !== undefined && (
        <Button onClick={() => onChange([...by, { what: free.value, list: "", isNumber: isNumber(free.value) }])}>
          {t("run.addBreakdown")}
        </Button>
      )}
    </fieldset>
  );
}
