/** A form for a new feed: where tags go, which of them, and how often. */
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { RouteRequest } from "../../../proto/http/routes.ts";
import { useAction } from "../client.ts";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { CheckField, SelectField, TextField } from "../parts/fields.tsx";
import { Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";

type NewFeedRequest = RouteRequest<"addFeed">;
type Kind = NewFeedRequest["target"]["kind"];

const KINDS: readonly Kind[] = ["csv", "parquet", "postgres", "webhook"];

interface Draft {
  readonly name: string;
  readonly kind: Kind;
  readonly folder: string;
  readonly forSpreadsheet: boolean;
  readonly database: string;
  readonly schema: string;
  readonly table: string;
  readonly url: string;
  readonly secretFile: string;
  readonly keys: string;
  readonly everyMinutes: string;
}

const EMPTY: Draft = {
  name: "",
  kind: "csv",
  folder: "",
  forSpreadsheet: false,
  database: "",
  schema: "public",
  table: "entente_tags",
  url: "",
  secretFile: "",
  keys: "",
  everyMinutes: "",
};

function targetOf({ kind, ...draft }: Draft): NewFeedRequest["target"] {
  const { folder, forSpreadsheet, database, schema, table, url, secretFile } = draft;
  switch (kind) {
    case "csv":
      return { kind, folder, forSpreadsheet };
    case "parquet":
      return { kind, folder };
    case "postgres":
      return { kind, database, schema, table };
    case "webhook":
      return { kind, url, secretFile };
  }
}

/** What the node is asked for; fields that were left empty are left out. */
function feedRequest(draft: Draft): NewFeedRequest {
  const keys = draft.keys.split(/[\s,，]+/u).filter((key) => key !== "");
  return {
    name: draft.name.trim(),
    target: targetOf(draft),
    ...(keys.length === 0 ? {} : { keys }),
    ...(draft.everyMinutes === "" ? {} : { everyMinutes: Number(draft.everyMinutes) }),
  };
}

export function NewFeed({ databases }: { readonly databases: readonly string[] }): ReactNode {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(EMPTY);
  const add = useAction("addFeed");
  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate(feedRequest(draft), { onSuccess: () => setDraft(EMPTY) });
  };
  return (
    <Panel title={t("operate.feeds.new")}>
      <form onSubmit={submit}>
        <TextField
          label={t("parts.name")}
          hint={t("operate.feeds.nameHint")}
          required
          autoComplete="off"
          value={draft.name}
          onChange={(name) => set({ name })}
        />
        <SelectField
          label={t("operate.feeds.target")}
          value={draft.kind}
          onChange={(kind) => set({ kind: kind as Kind })}
          choices={KINDS.map((kind) => ({ value: kind, label: t(`operate.feeds.kinds.${kind}`) }))}
        />
        <TargetFields draft={draft} set={set} databases={databases} />
        <TextField
          label={t("operate.feeds.keys")}
          hint={t("operate.feeds.keysHint")}
          autoComplete="off"
          value={draft.keys}
          onChange={(keys) => set({ keys })}
        />
        <TextField
          label={t("operate.feeds.everyMinutes")}
          hint={t("operate.feeds.everyHint")}
          type="number"
          min={1}
          max={10_080}
          value={draft.everyMinutes}
          onChange={(everyMinutes) => set({ everyMinutes })}
        />
        {add.error !== null && <ErrorNote error={add.error} />}
        {add.data !== undefined && <Notice kind="good" title={t("operate.feeds.done", { name: add.data.name })} />}
        <Button kind="main" type="submit" isBusy={add.isPending}>
          {t("operate.feeds.add")}
        </Button>
      </form>
    </Panel>
  );
}

interface TargetProps {
  readonly draft: Draft;
  readonly set: (change: Partial<Draft>) => void;
  readonly databases: readonly string[];
}

function TargetFields({ draft, set, databases }: TargetProps): ReactNode {
  const { t } = useTranslation();
  const text = (label: string, name: "folder" | "schema" | "table" | "url" | "secretFile", hint?: string) => (
    <TextField
      label={label}
      {...(hint === undefined ? {} : { hint })}
      required
      autoComplete="off"
      value={draft[name]}
      onChange={(value) => set({ [name]: value })}
    />
  );
  switch (draft.kind) {
    case "csv":
      return (
        <>
          {text(t("operate.feeds.folder"), "folder", t("operate.feeds.folderHint"))}
          <CheckField
            label={t("operate.feeds.forSpreadsheet")}
            checked={draft.forSpreadsheet}
            onChange={(forSpreadsheet) => set({ forSpreadsheet })}
          />
        </>
      );
    case "parquet":
      return text(t("operate.feeds.folder"), "folder", t("operate.feeds.folderHint"));
    case "postgres":
      return (
        <>
          <SelectField
            label={t("operate.feeds.database")}
            hint={t(databases.length === 0 ? "operate.feeds.noDatabase" : "operate.feeds.databaseHint")}
            none={t("operate.feeds.choose")}
            required
            value={draft.database}
            onChange={(database) => set({ database })}
            choices={databases.map((name) => ({ value: name, label: name }))}
          />
          {text(t("operate.feeds.schema"), "schema")}
          {text(t("operate.feeds.table"), "table")}
        </>
      );
    case "webhook":
      return (
        <>
          {text(t("operate.feeds.url"), "url")}
          {text(t("operate.feeds.secretFile"), "secretFile", t("operate.feeds.secretHint"))}
        </>
      );
  }
}
