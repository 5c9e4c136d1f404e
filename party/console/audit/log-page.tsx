/** The evidence log: a search, and what it found. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { EVIDENCE_EVENTS } from "../../../proto/evidence/predicates.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useRoute } from "../client.ts";
import { Button } from "../parts/button.tsx";
import { SelectField, TextField } from "../parts/fields.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Badge } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { countText, Digest, timeText, When } from "../parts/values.tsx";
import { type Collaboration, ForCollaboration } from "./collaboration.tsx";
import { People } from "./people.tsx";
import { EMPTY_SEARCH, isJobId, keepSearch, keptSearch, requestOf, type SearchForm } from "./search.ts";

type Found = RouteResponse<"evidenceEntries">;

export function LogPage(): ReactNode {
  const { t } = useTranslation();
  return (
    <Page title={t("audit.log.title")} lede={t("audit.log.lede")}>
      <ForCollaboration>{(chosen) => <Log key={chosen.collaboration} chosen={chosen} />}</ForCollaboration>
    </Page>
  );
}

function Log({ chosen: { collaboration } }: { readonly chosen: Collaboration }): ReactNode {
  const { t } = useTranslation();
  const [form, setForm] = useState(keptSearch);
  const [before, setBefore] = useState<string>();
  const query = useRoute("evidenceEntries", requestOf(collaboration, form, before), { keepsPrevious: true });
  const search = (wanted: SearchForm) => {
    keepSearch(wanted);
    setForm(wanted);
    setBefore(undefined);
  };
  return (
    <>
      <Search key={JSON.stringify(form)} form={form} onSearch={search} />
      <Panel title={t("audit.log.found")}>
        <Loaded query={query}>
          {(found) => (
            <>
              <Entries collaboration={collaboration} found={found} />
              <p className="hint" role="status">
                {t("audit.log.searched", { count: found.searched, total: countText(found.total) })}
              </p>
              <div className="actions">
                {found.next !== null && (
                  <Button isBusy={query.isFetching} onClick={() => setBefore(found.next ?? undefined)}>
                    {t("audit.log.older")}
                  </Button>
                )}
                {before !== undefined && <Button onClick={() => setBefore(undefined)}>{t("audit.log.newest")}</Button>}
              </div>
            </>
          )}
        </Loaded>
      </Panel>
      <Panel title={t("audit.log.aboutPeople")}>
        <p>{t("audit.log.aboutPeopleText")}</p>
      </Panel>
    </>
  );
}

function Search({
  form,
  onSearch,
}: {
  readonly form: SearchForm;
  readonly onSearch: (form: SearchForm) => void;
}): ReactNode {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(form);
  const [isWrong, setIsWrong] = useState(false);
  const agreements = useRoute("agreements", {});
  const put = (name: keyof SearchForm) => (value: string) => setDraft({ ...draft, [name]: value });
  return (
    <Panel title={t("audit.log.search")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const job = draft.job.trim().toLowerCase();
          setIsWrong(job !== "" && !isJobId(job));
          if (job === "" || isJobId(job)) onSearch({ ...draft, job });
        }}
      >
        <div className="columns">
          <TextField
            label={t("audit.log.job")}
            hint={t("audit.log.jobHint")}
            value={draft.job}
            onChange={put("job")}
            autoComplete="off"
            error={isWrong ? t("audit.log.badJob") : undefined}
          />
          <SelectField
            label={t("audit.log.agreement")}
            value={draft.agreement}
            onChange={put("agreement")}
            none={t("audit.log.anyAgreement")}
            choices={(agreements.data?.agreements ?? []).map(({ digest, title, version }) => ({
              value: digest,
              label: t("audit.log.agreementName", { title, version }),
            }))}
          />
          <SelectField
            label={t("audit.log.event")}
            value={draft.event}
            onChange={put("event")}
            none={t("audit.log.anyEvent")}
            choices={EVIDENCE_EVENTS.map((event) => ({ value: event, label: t(`audit.events.${event}`) }))}
          />
          <TextField
            label={t("audit.log.person")}
            hint={t("audit.log.personHint")}
            value={draft.person}
            onChange={put("person")}
            autoComplete="off"
          />
          <TextField label={t("audit.log.from")} type="date" value={draft.from} onChange={put("from")} />
          <TextField label={t("audit.log.to")} type="date" value={draft.to} onChange={put("to")} />
        </div>
        <div className="actions">
          <Button kind="main" type="submit">
            {t("audit.log.submit")}
          </Button>
          <Button onClick={() => onSearch(EMPTY_SEARCH)}>{t("audit.log.reset")}</Button>
        </div>
      </form>
    </Panel>
  );
}

function Entries({ collaboration, found }: { readonly collaboration: string; readonly found: Found }): ReactNode {
  const { t } = useTranslation();
  const columns: readonly Column<Found["entries"][number]>[] = [
    {
      head: t("audit.log.entry"),
      isName: true,
      cell: ({ log, index, event }) => (
        <Link href={`/log/${collaboration}/${log}/${index}`}>
          {t("audit.log.name", { index, event: t(`audit.events.${event}`) })}
        </Link>
      ),
    },
    { head: t("audit.log.when"), cell: ({ at }) => <When at={at} /> },
    { head: t("audit.log.job"), cell: ({ jobId }) => jobId !== null && <Digest value={jobId} characters={8} /> },
    { head: t("audit.log.people"), cell: ({ people }) => <People people={people} /> },
    {
      head: t("audit.log.vouched"),
      cell: ({ isCosigned }) =>
        isCosigned ? (
          <Badge kind="good">{t("audit.log.cosigned")}</Badge>
        ) : (
          <Badge kind="warn">{t("audit.log.notYet")}</Badge>
        ),
    },
  ];
  return (
    <Table
      caption={t("audit.log.title")}
      columns={columns}
      rows={found.entries}
      rowKey={({ log, index }) => `${log}/${index}`}
      empty={
        found.next === null || found.searchedBackTo === null
          ? t("audit.log.none")
          : t("audit.log.noneYet", {
              searched: countText(found.searched),
              time: timeText(found.searchedBackTo),
            })
      }
    />
  );
}
