/** One entry: what it says, what vouches for it, and what stands behind its commitments. */
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "wouter";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { saveFile, useRoute } from "../client.ts";
import { Button, ButtonLink } from "../parts/button.tsx";
import { Facts } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Badge, Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { Copy, Digest, timeText, When } from "../parts/values.tsx";
import { computeInclusion } from "./inclusion.ts";
import { People } from "./people.tsx";
import { EMPTY_SEARCH, keepSearch } from "./search.ts";

type Entry = RouteResponse<"evidenceEntry">;

export function EntryPage(): ReactNode {
  const { t } = useTranslation();
  const { collaboration = "", log = "", index = "" } = useParams();
  const query = useRoute("evidenceEntry", { collaboration, log, index });
  const to = (other: number) => `/log/${collaboration}/${log}/${other}`;
  return (
    <Loaded query={query}>
      {(entry) => (
        <Page
          title={t("audit.entry.title", { index: entry.index })}
          lede={t("audit.entry.lede", { event: t(`audit.events.${entry.event}`), origin: entry.origin })}
          actions={
            <>
              <ButtonLink href="/log">{t("audit.entry.back")}</ButtonLink>
              {entry.index > 0 && <ButtonLink href={to(entry.index - 1)}>{t("audit.entry.earlier")}</ButtonLink>}
              {entry.index + 1 < entry.size && (
                <ButtonLink href={to(entry.index + 1)}>{t("audit.entry.later")}</ButtonLink>
              )}
            </>
          }
        >
          <Says entry={entry} />
          <Proof key={`${entry.origin}/${entry.index}/${entry.checkpoint.size}`} entry={entry} />
          <Signatures entry={entry} />
          <Behind entry={entry} />
          <Panel title={t("audit.entry.statement")}>
            <pre>{JSON.stringify(entry.statement, null, 2)}</pre>
          </Panel>
        </Page>
      )}
    </Loaded>
  );
}

function Says({ entry }: { readonly entry: Entry }): ReactNode {
  const { t } = useTranslation();
  const { event, at, index, size, jobId, agreement, people, notes } = entry;
  return (
    <Panel title={t("audit.entry.says")}>
      <Facts
        facts={[
          [t("audit.entry.event"), t(`audit.events.${event}`)],
          [t("audit.entry.at"), <When key="at" at={at} />],
          [t("audit.entry.place"), t("audit.entry.placeOf", { index, size })],
          ...(jobId === null ? [] : [[t("audit.entry.job"), <Digest key="job" value={jobId} />] as const]),
          ...(agreement === null
            ? []
            : [[t("audit.entry.agreement"), <Digest key="agreement" value={agreement} />] as const]),
          ...(people.length === 0 ? [] : [[t("audit.entry.people"), <People key="who" people={people} />] as const]),
          ...notes.map(
            ({ field, text }) => [t(`audit.entry.fields.${field}`), text ?? t("audit.entry.erased")] as const,
          ),
        ]}
      />
      {jobId !== null && (
        <button
          type="button"
          className="button plain"
          onClick={() => {
            keepSearch({ ...EMPTY_SEARCH, job: jobId });
            location.hash = "/log";
          }}
        >
          {t("audit.entry.sameJob")}
        </button>
      )}
    </Panel>
  );
}

type Computed = Awaited<ReturnType<typeof computeInclusion>>;

function Proof({ entry }: { readonly entry: Entry }): ReactNode {
  const { t } = useTranslation();
  const [computed, setComputed] = useState<Computed>();
  useEffect(() => {
    // Whatever the browser stumbles over, the proof has not been shown to hold.
    computeInclusion(entry).then(setComputed, () => setComputed("fails"));
  }, [entry]);
  const { check, checkpoint, proof, origin, index, event, isCosigned } = entry;
  const [owner = "", collaboration = ""] = origin.split("/");
  const fileName = `${owner}-${String(index).padStart(4, "0")}-${event}.tlog-proof`;
  const command = `npx --no-install entente audit verify-proof ${fileName} --keysets ${owner}-${collaboration.slice(0, 8)}.jsonl`;
  const isGood = check.verdict !== "tampered" && computed !== "fails";
  return (
    <Panel
      title={t("audit.entry.proof")}
      actions={
        <Button onClick={() => void saveFile(new Blob([proof]).stream(), fileName, "text/plain")}>
          {t("audit.entry.save")}
        </Button>
      }
    >
      <Notice kind={isGood ? (isCosigned ? "good" : "warn") : "bad"}>
        <p>{isCosigned ? t("audit.entry.worth") : t("audit.entry.worthAlone")}</p>
      </Notice>
      <Facts
        facts={[
          [t("audit.entry.browser"), t(`audit.entry.${computed ?? "computing"}`)],
          [t("audit.entry.node"), t(`audit.verdicts.${check.verdict}`)],
          [t("audit.entry.checkpoint"), t("audit.entry.checkpointOf", { count: checkpoint.size })],
          [t("audit.entry.root"), <Digest key="root" value={checkpoint.root} characters={16} />],
          [t("audit.entry.signedBy"), checkpoint.signers.join(", ")],
          [t("audit.entry.cosignedBy"), <Cosigned key="by" cosigned={checkpoint.cosigned} />],
        ]}
      />
      <p>{t("audit.entry.elsewhere")}</p>
      <pre>
        {command} <Copy text={command} />
      </pre>
    </Panel>
  );
}

export function Cosigned({ cosigned }: { readonly cosigned: Entry["checkpoint"]["cosigned"] }): ReactNode {
  const { t } = useTranslation();
  if (cosigned.length === 0) return t("audit.entry.nobody");
  return cosigned.map(({ by, at }) => <div key={by}>{t("audit.entry.byAt", { by, time: timeText(at) })}</div>);
}

const SIGNATURE_KINDS = { good: "good", bad: "bad", "unknown-key": "warn" } as const;

function Signatures({ entry: { signatures } }: { readonly entry: Entry }): ReactNode {
  const { t } = useTranslation();
  return (
    <Panel title={t("audit.entry.signatures")}>
      <Table
        caption={t("audit.entry.signatures")}
        rows={signatures}
        rowKey={({ keyid }) => keyid}
        columns={[
          { head: t("audit.entry.key"), isName: true, cell: ({ keyid }) => <code>{keyid}</code> },
          {
            head: t("audit.entry.state"),
            cell: ({ state }) => <Badge kind={SIGNATURE_KINDS[state]}>{t(`audit.entry.states.${state}`)}</Badge>,
          },
          {
            head: t("audit.entry.validity"),
            cell: ({ validity }) =>
              validity !== null &&
              t("audit.entry.validityOf", { from: timeText(validity.from), until: timeText(validity.until) }),
          },
        ]}
      />
    </Panel>
  );
}

/** What was committed to, one line for each of its fields. */
function Value({ value }: { readonly value: unknown }): ReactNode {
  if (typeof value !== "object" || value === null) return <code>{String(value)}</code>;
  return Object.entries(value).map(([name, field]) => (
    <div key={name}>
      <code>{`${name}: ${typeof field === "object" ? JSON.stringify(field) : String(field)}`}</code>
    </div>
  ));
}

function Behind({ entry: { commitments } }: { readonly entry: Entry }): ReactNode {
  const { t } = useTranslation();
  if (commitments.length === 0) return null;
  return (
    <Panel title={t("audit.entry.commitments")}>
      <p>{t("audit.entry.commitmentsText")}</p>
      <Table
        caption={t("audit.entry.commitments")}
        rows={commitments}
        rowKey={({ commitment, kind }) => `${kind}/${commitment}`}
        columns={[
          { head: t("audit.entry.event"), isName: true, cell: ({ kind }) => t(`audit.kinds.${kind}`) },
          { head: t("audit.entry.by"), cell: ({ by }) => by },
          {
            head: t("audit.entry.value"),
            cell: ({ state, value, by }) =>
              state === "opened" ? <Value value={value} /> : t(`audit.entry.${state}`, { party: by }),
          },
        ]}
      />
    </Panel>
  );
}
