/** What a dry run says: whether the job would be allowed, by which rules, what it costs, and what each side would learn. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { publicErrorText } from "../../../proto/errors/text.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { ruleText } from "../../../proto/policy/rule-text.ts";
import { LeakStatement } from "../jobs/leak-statement.tsx";
import { currentLanguage } from "../language.ts";
import { Badge, Notice } from "../parts/notice.tsx";
import { Table } from "../parts/table.tsx";
import { countText, timeText } from "../parts/values.tsx";
import type { Chosen } from "./people-panel.tsx";

type DryRun = RouteResponse<"dryRun">;

export function DryRunAnswer({ answer, chosen }: { readonly answer: DryRun; readonly chosen: Chosen }): ReactNode {
  const { t } = useTranslation();
  const { allowed, refusedBy, needsApproval, rules, budget, leakStatement } = answer;
  const failed = rules.filter(({ outcome }) => outcome === "failed");
  return (
    <>
      {allowed ? (
        <Notice kind="good" title={needsApproval ? t("run.allowedAfter") : t("run.allowed")}>
          <p>{t("run.peerDecides")}</p>
        </Notice>
      ) : (
        <Notice kind="bad" title={t("run.refused")}>
          {refusedBy !== null && <p>{publicErrorText(refusedBy, currentLanguage())}</p>}
        </Notice>
      )}
      {failed.length > 0 && (
        <>
          <h3>{t("run.failedRules", { count: failed.length })}</h3>
          <Rules rules={failed} />
        </>
      )}
      <h3>{t("run.leak")}</h3>
      <LeakStatement leak={leakStatement} />
      {budget !== null && <Budget budget={budget} isAllowed={allowed} operation={chosen.operation} />}
      <details>
        <summary>{t("run.allRules", { count: rules.length })}</summary>
        <Rules rules={rules} />
      </details>
    </>
  );
}

function Rules({ rules }: { readonly rules: DryRun["rules"] }): ReactNode {
  const { t } = useTranslation();
  const told = rules.map(({ code, outcome, inputs }) => ({
    code,
    outcome,
    ...ruleText(code, inputs, currentLanguage()),
  }));
  return (
    <Table
      caption={t("run.rulesTitle")}
      rows={told}
      rowKey={({ code }) => code}
      columns={[
        { head: t("run.rule"), isName: true, cell: ({ name }) => name },
        { head: t("run.state"), cell: ({ state }) => state },
        {
          head: t("run.outcome"),
          cell: ({ outcome }) => <Badge kind={outcome === "passed" ? "good" : "bad"}>{t(`run.${outcome}`)}</Badge>,
        },
      ]}
    />
  );
}

interface BudgetProps {
  readonly budget: NonNullable<DryRun["budget"]>;
  readonly isAllowed: boolean;
  readonly operation: Chosen["operation"];
}

function Budget({ budget, isAllowed, operation }: BudgetProps): ReactNode {
  const { t } = useTranslation();
  const lines = [
    { name: t("run.runsToday"), used: budget.runsToday, limit: budget.runsPerDay, isRun: true },
    { name: t("run.runsInEpoch"), used: budget.runsInEpoch, limit: budget.runsPerEpoch, isRun: true },
    ...(operation === "score"
      ? [{ name: t("run.modelVersions"), used: budget.modelVersions, limit: budget.modelVersionsAllowed, isRun: false }]
      : []),
    {
      name: t("run.datasetVersions"),
      used: budget.datasetVersions,
      limit: budget.datasetVersionsAllowed,
      isRun: false,
    },
  ].filter(({ limit }) => limit > 0);
  return (
    <>
      <h3>{t("run.cost")}</h3>
      {isAllowed && <p>{t("run.costText")}</p>}
      <ul className="budgets">
        {lines.map(({ name, used, limit, isRun }) => (
          <li key={name}>
            <label>
              {name}
              <meter min={0} max={limit} value={used} />
            </label>
            <span className="hint">
              {isRun && isAllowed
                ? t("run.budgetAfter", { used: countText(used), limit: countText(limit), after: countText(used + 1) })
                : t("run.budgetOf", { used: countText(used), limit: countText(limit) })}
            </span>
          </li>
        ))}
      </ul>
      <p className="hint">{t("run.epochEnds", { when: timeText(budget.epochEndsAt) })}</p>
    </>
  );
}
