/** What waits for a person of this organisation: agreements to sign, jobs to approve. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useRoute } from "../client.ts";
import { ButtonLink } from "../parts/button.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { When } from "../parts/values.tsx";
import { useSession } from "../session.tsx";
import { JobToDecide } from "./job-to-decide.tsx";

/** Others may decide, or ask, meanwhile. */
const ASK_EVERY_MS = 10_000;

export function InboxPage(): ReactNode {
  const { t } = useTranslation();
  return (
    <Page title={t("govern.inbox.title")} lede={t("govern.inbox.lede")}>
      <AgreementsToSign />
      <JobsToApprove />
    </Page>
  );
}

function AgreementsToSign(): ReactNode {
  const { t } = useTranslation();
  const { party } = useSession();
  const agreements = useRoute("agreements", {}, { everyMs: ASK_EVERY_MS });
  return (
    <Panel title={t("govern.inbox.agreements")}>
      <Loaded query={agreements}>
        {(answer) => {
          const rows = answer.agreements.filter(
            ({ state, signedBy }) => state === "proposed" && !signedBy.includes(party),
          );
          return (
            <>
              <Table
                caption={t("govern.inbox.agreements")}
                empty={t("govern.inbox.noAgreements")}
                rows={rows}
                rowKey={({ digest }) => digest}
                columns={[
                  { head: t("govern.agreements.name"), isName: true, cell: ({ title }) => title },
                  {
                    head: t("govern.inbox.readAndSign"),
                    cell: ({ digest }) => (
                      <ButtonLink kind="main" href={`/agreements/${digest}`}>
                        {t("govern.inbox.readAndSign")}
                      </ButtonLink>
                    ),
                  },
                  { head: t("govern.agreements.version"), cell: ({ version }) => version },
                  { head: t("govern.inbox.proposedBy"), cell: ({ signedBy }) => signedBy.join(", ") },
                  { head: t("govern.agreements.validUntil"), cell: ({ validUntil }) => <When at={validUntil} /> },
                ]}
              />
              {rows.length > 0 && <p className="hint">{t("govern.inbox.declineAgreement")}</p>}
            </>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function JobsToApprove(): ReactNode {
  const { t } = useTranslation();
  const approvals = useRoute("approvals", {}, { everyMs: ASK_EVERY_MS });
  return (
    <>
      <div className="panel-head">
        <h2>{t("govern.inbox.jobs")}</h2>
      </div>
      <Loaded query={approvals}>
        {(answer) =>
          answer.approvals.length === 0 ? (
            <p className="empty">{t("govern.inbox.noJobs")}</p>
          ) : (
            // What it tells whom is part of the question: with another answer to that it is asked anew.
            answer.approvals.map((approval) => (
              <JobToDecide key={`${approval.job.jobId}/${approval.leakStatement.digest}`} approval={approval} />
            ))
          )
        }
      </Loaded>
    </>
  );
}
