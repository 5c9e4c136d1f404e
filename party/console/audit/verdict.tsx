/** What a verification said. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { headline, PROBLEMS } from "../../../proto/evidence/verdict.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { currentLanguage } from "../language.ts";
import { Facts } from "../parts/facts.tsx";
import { Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText, Digest, When } from "../parts/values.tsx";

export type Report = RouteResponse<"verifyEvidence">;
type Problem = Report["problems"][number];

const VERDICT_KINDS = { verified: "good", incomplete: "warn", tampered: "bad" } as const;

export function VerdictPanels({ report }: { readonly report: Report }): ReactNode {
  const { t } = useTranslation();
  const { verdict, problems, commitments } = report;
  const isPartnerAlone = problems.length > 0 && problems.every(({ code }) => code === "LOG_MISSING");
  return (
    <>
      <Notice kind={VERDICT_KINDS[verdict]} title={headline(report, currentLanguage())}>
        {isPartnerAlone ? t("audit.verify.onlyMissing") : problems.length === 0 && t("audit.verify.noProblem")}
      </Notice>
      {problems.length > 0 && <Problems report={report} />}
      <Logs report={report} />
      <Jobs report={report} />
      <Panel title={t("audit.checkpoints.fingerprints")}>
        <p>{t("audit.checkpoints.fingerprintsText")}</p>
        <Facts
          facts={report.fingerprints.map(({ party, fingerprint }) => [
            party,
            <code key={fingerprint}>{fingerprint}</code>,
          ])}
        />
        <p className="hint">
          {t("audit.verify.commitments", {
            opened: countText(commitments.opened),
            closed: countText(commitments.notOpenedCount),
          })}
        </p>
      </Panel>
    </>
  );
}

interface Kind {
  readonly first: Problem;
  readonly times: number;
}

/** What is the same but for its place counts as one. */
function kindsOf(problems: readonly Problem[]): Kind[] {
  const kinds = Map.groupBy(problems, ({ code, why }) => `${code} ${why ?? ""}`);
  return [...kinds.values()].map((same) => ({ first: same[0] as Problem, times: same.length }));
}

function Problems({ report: { problems, problemCount } }: { readonly report: Report }): ReactNode {
  const { t } = useTranslation();
  const placeOf = ({ log, path, index }: Problem) =>
    [path, log, ...(index === undefined ? [] : [t("audit.verify.placeEntry", { index })])]
      .filter((part) => part !== undefined)
      .join(", ");
  const others = problemCount - problems.length;
  return (
    <Panel title={t("audit.verify.problems")}>
      <Table
        caption={t("audit.verify.problems")}
        rows={kindsOf(problems)}
        rowKey={({ first }) => `${first.code} ${first.why ?? ""}`}
        columns={[
          {
            head: t("audit.verify.problem"),
            isName: true,
            cell: ({ first: { code } }) => (
              <>
                {PROBLEMS[code].text[currentLanguage()]} <code>{code}</code>
              </>
            ),
          },
          { head: t("audit.verify.why"), cell: ({ first }) => first.why ?? "" },
          { head: t("audit.verify.where"), cell: ({ first }) => placeOf(first) },
          { head: t("audit.verify.times"), align: "end", cell: ({ times }) => countText(times) },
        ]}
      />
      {others > 0 && <p>{t("audit.verify.morePresent", { count: others })}</p>}
    </Panel>
  );
}

function Logs({ report: { summary } }: { readonly report: Report }): ReactNode {
  const { t } = useTranslation();
  return (
    <Panel title={t("audit.verify.logs")}>
      <Table
        caption={t("audit.verify.logs")}
        rows={summary.logs}
        rowKey={({ origin }) => origin}
        columns={[
          { head: t("audit.checkpoints.log"), isName: true, cell: ({ origin }) => <code>{origin}</code> },
          { head: t("audit.checkpoints.entries"), align: "end", cell: ({ entries }) => countText(entries) },
          { head: t("audit.checkpoints.upTo"), align: "end", cell: ({ cosignedSize }) => countText(cosignedSize) },
        ]}
      />
    </Panel>
  );
}

/** A number of people, or a rate as it was shown. */
function shown(cameOut: string): string {
  return /^\d+$/.test(cameOut) ? countText(Number(cameOut)) : cameOut;
}

function Jobs({ report: { summary } }: { readonly report: Report }): ReactNode {
  const { t } = useTranslation();
  const closed = t("audit.verify.notOpened");
  const put = (count: number | null) => (count === null ? closed : countText(count));
  return (
    <Panel title={t("audit.verify.jobs")}>
      <Table
        caption={t("audit.verify.jobs")}
        rows={summary.jobs}
        rowKey={({ jobId }) => jobId}
        columns={[
          {
            head: t("audit.verify.job"),
            isName: true,
            cell: ({ jobId }) => <Digest value={jobId} characters={8} />,
          },
          {
            head: t("audit.verify.in"),
            cell: ({ receiver, sender, rows }) => (
              <>
                <div>{`${receiver} ${put(rows.receiver)}`}</div>
                <div>{`${sender} ${put(rows.sender)}`}</div>
              </>
            ),
          },
          { head: t("audit.verify.out"), cell: ({ cameOut }) => (cameOut === null ? closed : shown(cameOut)) },
          { head: t("audit.verify.outcome"), cell: ({ outcome }) => t(`audit.verify.outcomes.${outcome}`) },
          { head: t("audit.verify.finished"), cell: ({ finishedAt }) => <When at={finishedAt} /> },
        ]}
      />
    </Panel>
  );
}
