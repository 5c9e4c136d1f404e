/** A job that waits for a person here: what it would tell whom, what is new in it, what it costs, and the two answers. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useAction } from "../client.ts";
import { ConfirmButton } from "../parts/confirm.tsx";
import { Facts } from "../parts/facts.tsx";
import { TextField } from "../parts/fields.tsx";
import { Badge, Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { When } from "../parts/values.tsx";
import { useSession } from "../session.tsx";
import { LeakStatement, leakParts } from "./leak.tsx";

type Approval = RouteResponse<"approvals">["approvals"][number];

export function JobToDecide({ approval }: { readonly approval: Approval }): ReactNode {
  const { t } = useTranslation();
  const { person } = useSession();
  const { job, requestedBy, leakStatement } = approval;
  const isOwnWish = requestedBy === person;
  const title = t("govern.inbox.job", {
    operation: t(`terms.operations.${job.operation}`),
    output: t(`terms.outputs.${job.output}`),
    peer: job.peer,
  });
  return (
    <Panel title={title}>
      <LeakStatement statement={leakStatement} />
      <Circumstances approval={approval} />
      {isOwnWish && <Notice kind="warn">{t("govern.inbox.ownWish")}</Notice>}
      <div className="actions">
        <Decide approval={approval} decision="approve" disabled={isOwnWish} />
        <Decide approval={approval} decision="decline" />
      </div>
    </Panel>
  );
}

function Circumstances({ approval }: { readonly approval: Approval }): ReactNode {
  const { t } = useTranslation();
  const { job, budget, news, lastRunAt, requestedBy } = approval;
  const used =
    budget === null
      ? t("parts.empty")
      : t("govern.inbox.runs", {
          used: budget.runsInEpoch,
          allowed: budget.runsPerEpoch,
          today: budget.runsToday,
          perDay: budget.runsPerDay,
        });
  return (
    <Facts
      facts={[
        [
          t("govern.inbox.new"),
          news.length === 0 ? (
            t("govern.inbox.nothingNew")
          ) : (
            <span key="n" className="actions">
              {news.map((item) => (
                <Badge key={item} kind="warn">
                  {t(`govern.inbox.news.${item}`)}
                </Badge>
              ))}
            </span>
          ),
        ],
        [t("govern.inbox.purpose"), approval.purposeText],
        [t("govern.inbox.legalBasis"), approval.legalBasis],
        [
          t("govern.inbox.datasets"),
          t("govern.inbox.yours", { own: approval.ownDataset, theirs: approval.peerDataset }),
        ],
        [
          t("govern.released.agreement"),
          <Link key="a" href={`/agreements/${job.agreement}`}>
            {approval.title}
          </Link>,
        ],
        [t("govern.inbox.budget"), used],
        [t("govern.inbox.lastRun"), lastRunAt === null ? t("govern.inbox.never") : <When key="l" at={lastRunAt} />],
        [t("govern.inbox.askedBy"), requestedBy ?? job.peer],
        [t("govern.inbox.askedAt"), <When key="p" at={approval.proposedAt} />],
        [t("govern.inbox.decideBefore"), <When key="d" at={approval.decideBefore} />],
      ]}
    />
  );
}

interface DecideProps {
  readonly approval: Approval;
  readonly decision: "approve" | "decline";
  readonly disabled?: boolean;
}

function Decide({ approval, decision, disabled = false }: DecideProps): ReactNode {
  const { t } = useTranslation();
  const decide = useAction("decideJob");
  const [reason, setReason] = useState("");
  const { jobId } = approval.job;
  const isApproval = decision === "approve";
  return (
    <ConfirmButton
      kind={isApproval ? "main" : "plain"}
      label={t(`govern.inbox.${decision}`)}
      title={t(`govern.inbox.${decision}Title`)}
      disabled={disabled}
      onConfirm={() =>
        decide.mutateAsync({
          ...{ jobId, decision, leakStatement: approval.leakStatement.digest },
          ...(reason === "" ? {} : { reason }),
        })
      }
    >
      {isApproval && <p>{leakParts(approval.leakStatement).peerLearns}</p>}
      <p>{t(`govern.inbox.${decision}Text`)}</p>
      <TextField
        label={t("govern.inbox.reason")}
        hint={t("govern.inbox.reasonHint")}
        value={reason}
        onChange={setReason}
        lines={2}
      />
    </ConfirmButton>
  );
}
