/** A model document from the person's own machine. */
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";

interface ModelFieldProps {
  readonly model: unknown;
  onModel(model: unknown): void;
}

/** What a model document says of itself, as far as it does. */
function headOf(model: unknown): { name: string; version: string; count: number } | undefined {
  if (typeof model !== "object" || model === null) return undefined;
  const { name, version, features } = model as { name?: unknown; version?: unknown; features?: unknown };
  if (typeof name !== "string" || typeof version !== "string") return undefined;
  return { name, version, count: Array.isArray(features) ? features.length : 0 };
}

export function ModelField({ model, onModel }: ModelFieldProps): ReactNode {
  const { t } = useTranslation();
  const id = useId();
  const [isBad, setIsBad] = useState(false);
  const read = async (file: File | undefined) => {
    setIsBad(false);
    try {
      onModel(file === undefined ? undefined : JSON.parse(await file.text()));
    } catch {
      onModel(undefined);
      setIsBad(true);
    }
  };
  const head = headOf(model);
  return (
    <div className="field">
      <label htmlFor={id}>{t("run.model")}</label>
      <input
        id={id}
        type="file"
        accept="application/json,.json"
        aria-describedby={`${id}-hint`}
        onChange={(event) => void read(event.target.files?.[0])}
      />
      <p className="hint" id={`${id}-hint`}>
        {head === undefined ? t("run.modelHint") : t("run.modelOf", head)}
      </p>
      {isBad && (
        <p className="field-error" role="alert">
          {t("run.modelBad")}
        </p>
      )}
    </div>
  );
}
