/** What one person has had, for whoever has to answer for it. */
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAction } from "../client.ts";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { TextField } from "../parts/fields.tsx";
import { JobLink } from "../parts/job-link.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { When } from "../parts/values.tsx";

export function HistoryPage(): ReactNode {
  const { t } = useTranslation();
  const look = useAction("tagHistory");
  const [subject, setSubject] = useState("");
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    look.mutate({ subject: subject.trim() });
  };
  return (
    <Page title={t("tags.history")} lede={t("tags.historyLede")}>
      <Panel>
        <form onSubmit={onSubmit}>
          <TextField
            label={t("tags.subject")}
            hint={t("tags.subjectHint")}
            value={subject}
            onChange={setSubject}
            required
            autoComplete="off"
          />
          <Button kind="main" type="submit" isBusy={look.isPending}>
            {t("tags.look")}
          </Button>
        </form>
      </Panel>
      {look.error !== null && <ErrorNote error={look.error} />}
      {look.data !== undefined && (
        <Panel>
          <Table
            caption={t("tags.history")}
            empty={t("tags.noHistory")}
            rows={look.data.tags}
            rowKey={({ batchId, key }) => `${batchId}/${key}`}
            columns={[
              { head: t("tags.key"), isName: true, cell: ({ key }) => key },
              { head: t("tags.value"), cell: ({ value }) => value },
              { head: t("tags.state"), cell: ({ state }) => t(`tags.historyStates.${state}`) },
              { head: t("tags.issued"), cell: ({ issuedAt }) => <When at={issuedAt} /> },
              { head: t("tags.expires"), cell: ({ expiresAt }) => <When at={expiresAt} /> },
              {
                head: t("tags.job"),
                cell: ({ jobId }) => <JobLink jobId={jobId} />,
              },
            ]}
          />
        </Panel>
      )}
    </Page>
  );
}
