/** People who take part in no job: how many, and more of them. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { NORMALISERS, type NormaliserName } from "../../../proto/agreement/fields.ts";
import { useAction, useRoute } from "../client.ts";
import { ConfirmButton } from "../parts/confirm.tsx";
import { SelectField, TextField } from "../parts/fields.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, When } from "../parts/values.tsx";

export function OptOutsPage(): ReactNode {
  const { t } = useTranslation();
  const query = useRoute("optOuts", {});
  return (
    <Page title={t("tags.optOuts.title")} lede={t("tags.optOuts.lede")}>
      <Panel>
        <Loaded query={query}>
          {({ lists }) => (
            <Table
              caption={t("tags.optOuts.title")}
              empty={t("tags.optOuts.none")}
              rows={lists}
              rowKey={({ form }) => form}
              columns={[
                { head: t("tags.optOuts.form"), isName: true, cell: ({ form }) => <FormName form={form} /> },
                { head: t("tags.optOuts.count"), align: "end", cell: ({ count }) => countText(count) },
                { head: t("tags.optOuts.lastAdded"), cell: ({ lastAddedAt }) => <When at={lastAddedAt} /> },
              ]}
            />
          )}
        </Loaded>
      </Panel>
      <Add />
    </Page>
  );
}

/** Of an id of several columns the names of its parts' kinds. */
function FormName({ form }: { readonly form: string }): ReactNode {
  const { t } = useTranslation();
  const name = (part: string) => {
    const known = NORMALISERS.find((normaliser) => normaliser === part);
    return known === undefined ? part : t(`terms.normalisers.${known}`);
  };
  return form.split("+").map(name).join(" + ");
}

function Add(): ReactNode {
  const { t } = useTranslation();
  const add = useAction("addOptOuts");
  const [form, setForm] = useState<NormaliserName>(NORMALISERS[0]);
  const [text, setText] = useState("");
  const ids = text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
  const { data } = add;
  return (
    <Panel title={t("tags.optOuts.add")}>
      <SelectField
        label={t("tags.optOuts.form")}
        value={form}
        onChange={(value) => setForm(value as NormaliserName)}
        choices={NORMALISERS.map((value) => ({ value, label: t(`terms.normalisers.${value}`) }))}
      />
      <TextField
        label={t("tags.optOuts.ids")}
        hint={t("tags.optOuts.idsHint")}
        lines={6}
        value={text}
        onChange={setText}
      />
      <ConfirmButton
        label={t("tags.optOuts.submit")}
        title={t("tags.optOuts.confirm")}
        disabled={ids.length === 0}
        onConfirm={async () => {
          await add.mutateAsync({ form, ids });
          setText("");
        }}
      >
        <p>{t("tags.optOuts.confirmText", { count: ids.length })}</p>
      </ConfirmButton>
      {data !== undefined && (
        <Notice kind={data.rejected.length === 0 ? "good" : "warn"}>
          {t("tags.optOuts.added", {
            added: data.added,
            withdrawn: data.withdrawnTags,
            rejected: data.rejected.length,
          })}
        </Notice>
      )}
    </Panel>
  );
}
