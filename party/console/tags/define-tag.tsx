/** Defining a key of the catalogue. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { RouteRequest, RouteResponse } from "../../../proto/http/routes.ts";
import { TAG_KINDS } from "../../../proto/http/tag-routes.ts";
import { useAction } from "../client.ts";
import type { ButtonKind } from "../parts/button.tsx";
import { ConfirmButton } from "../parts/confirm.tsx";
import { SelectField, TextField } from "../parts/fields.tsx";
import { listed } from "../parts/listed.ts";

type Entry = RouteResponse<"tagCatalogue">["definitions"][number];

interface Written {
  readonly key: string;
  readonly kind: string;
  readonly values: string;
  readonly owner: string;
  readonly purpose: string;
  readonly ttl: string;
  readonly description: string;
}

function writtenOf(entry: Entry | undefined): Written {
  const values = Array.isArray(entry?.valueType) ? entry.valueType.join(", ") : "";
  return {
    key: entry?.key ?? "",
    kind: entry?.kind ?? "",
    values,
    owner: entry?.owner ?? "",
    purpose: entry?.purpose ?? "",
    ttl: entry?.ttlDays?.toString() ?? "",
    description: entry?.description ?? "",
  };
}

function definitionOf(written: Written, entry: Entry | undefined): RouteRequest<"defineTag"> {
  const text = (value: string) => (value.trim() === "" ? null : value.trim());
  const values = listed(written.values);
  const plain = entry !== undefined && typeof entry.valueType === "string" ? entry.valueType : "text";
  return {
    key: written.key.trim(),
    kind: TAG_KINDS.find((kind) => kind === written.kind) ?? null,
    valueType: values.length > 0 ? values : plain,
    owner: text(written.owner),
    purpose: text(written.purpose),
    ttlDays: written.ttl === "" ? null : Number(written.ttl),
    agreement: entry?.agreement ?? null,
    description: text(written.description),
  } as RouteRequest<"defineTag">;
}

interface DefineTagProps {
  readonly label: string;
  readonly kind: ButtonKind;
  readonly entry: Entry | undefined;
}

export function DefineTag({ label, kind, entry }: DefineTagProps): ReactNode {
  const { t } = useTranslation();
  const define = useAction("defineTag");
  const [written, setWritten] = useState(writtenOf(entry));
  const set = (changes: Partial<Written>) => setWritten({ ...written, ...changes });
  return (
    <ConfirmButton
      label={label}
      kind={kind}
      title={t("tags.defineTitle")}
      onConfirm={() => define.mutateAsync(definitionOf(written, entry))}
    >
      {entry === undefined && (
        <TextField
          label={t("tags.key")}
          hint={t("tags.keyHint")}
          value={written.key}
          onChange={(key) => set({ key })}
          autoComplete="off"
        />
      )}
      <TextField
        label={t("tags.description")}
        value={written.description}
        onChange={(description) => set({ description })}
      />
      <SelectField
        label={t("tags.kind")}
        value={written.kind}
        onChange={(value) => set({ kind: value })}
        none={t("tags.kinds.none")}
        choices={TAG_KINDS.map((value) => ({ value, label: t(`tags.kinds.${value}`) }))}
      />
      <TextField
        label={t("tags.values")}
        hint={t("tags.valuesHint")}
        value={written.values}
        onChange={(values) => set({ values })}
      />
      <TextField label={t("tags.owner")} value={written.owner} onChange={(owner) => set({ owner })} />
      <TextField label={t("tags.purpose")} value={written.purpose} onChange={(purpose) => set({ purpose })} />
      <TextField
        label={t("tags.ttl")}
        hint={t("tags.ttlHint")}
        type="number"
        min={1}
        max={3650}
        value={written.ttl}
        onChange={(ttl) => set({ ttl })}
      />
      <p className="hint">{t("tags.redefinition")}</p>
    </ConfirmButton>
  );
}
