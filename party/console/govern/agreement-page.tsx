/** One agreement: what leaves the house by it, what its version changes, what has been used, and its signatures. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "wouter";
import { useRoute } from "../client.ts";
import { Facts } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { Digest, When } from "../parts/values.tsx";
import { useSession } from "../session.tsx";
import { AgreedColumns } from "./agreed-columns.tsx";
import { type Agreement, AgreementState, AgreementTable } from "./agreements-page.tsx";
import { RevokeAgreement } from "./revoke-agreement.tsx";
import { SignAgreement } from "./sign-agreement.tsx";
import { Differences, Terms } from "./terms.tsx";

export function AgreementPage(): ReactNode {
  const { digest = "" } = useParams();
  const { t } = useTranslation();
  const agreement = useRoute("agreement", { digest });
  return (
    <Page
      title={agreement.data?.title ?? t("govern.agreements.title")}
      actions={agreement.data && <Actions agreement={agreement.data} />}
    >
      <Loaded query={agreement}>{(shown) => <About agreement={shown} />}</Loaded>
    </Page>
  );
}

function Actions({ agreement }: { readonly agreement: Agreement }): ReactNode {
  const { party, has } = useSession();
  const { state, signedBy } = agreement;
  if (!has("steward")) return null;
  const mayRevoke = state === "active" || state === "superseded";
  return (
    <>
      {state === "proposed" && !signedBy.includes(party) && <SignAgreement agreement={agreement} />}
      {mayRevoke && <RevokeAgreement agreement={agreement} />}
    </>
  );
}

function About({ agreement }: { readonly agreement: Agreement }): ReactNode {
  const { t } = useTranslation();
  const { digest, state, version, parties, signedBy, validUntil, document } = agreement;
  const { party } = useSession();
  const terms = useRoute("agreementTerms", { digest });
  return (
    <>
      <Panel>
        <Facts
          facts={[
            [t("govern.agreements.state"), <AgreementState key="s" state={state} />],
            [t("govern.agreements.peer"), parties.filter((name) => name !== party).join(", ")],
            [t("govern.agreements.signedBy"), signedBy.join(", ")],
            [t("govern.agreements.version"), version],
            [t("govern.agreements.validUntil"), <When key="v" at={validUntil} />],
            [t("govern.agreements.digest"), <Digest key="d" value={digest} />],
          ]}
        />
      </Panel>
      <Loaded query={terms}>
        {(answer) => (
          <>
            {answer.differences !== null && <Differences differences={answer.differences} />}
            <Terms terms={answer.terms} />
          </>
        )}
      </Loaded>
      <Used agreement={agreement} />
      <AgreedColumns document={document} />
      <Versions agreement={agreement} />
      <Panel>
        <details>
          <summary>{t("govern.agreement.document")}</summary>
          <pre>{JSON.stringify(document, null, 2)}</pre>
        </details>
      </Panel>
    </>
  );
}

function Used({ agreement }: { readonly agreement: Agreement }): ReactNode {
  const { t } = useTranslation();
  const budgets = useRoute("budgets", {});
  const of = (used: number, allowed: number) => (allowed === 0 ? "-" : t("govern.agreement.of", { used, allowed }));
  return (
    <Panel title={t("govern.agreement.used")}>
      <Loaded query={budgets}>
        {(answer) => (
          <Table
            caption={t("govern.agreement.used")}
            empty={t("govern.agreement.unused")}
            rows={answer.budgets.filter((budget) => budget.agreement === agreement.digest)}
            rowKey={(budget) =>
              [budget.operation, budget.receiver, budget.receiverDataset, budget.providerDataset].join("/")
            }
            columns={[
              {
                head: t("govern.agreement.operation"),
                isName: true,
                cell: ({ operation, receiver }) => `${t(`terms.operations.${operation}`)} · ${receiver}`,
              },
              {
                head: t("govern.agreement.epoch"),
                cell: ({ runsInEpoch, runsPerEpoch }) => of(runsInEpoch, runsPerEpoch),
              },
              { head: t("govern.agreement.today"), cell: ({ runsToday, runsPerDay }) => of(runsToday, runsPerDay) },
              {
                head: t("govern.agreement.models"),
                cell: ({ modelVersions, modelVersionsAllowed }) => of(modelVersions, modelVersionsAllowed),
              },
              { head: t("govern.agreement.epochEnds"), cell: ({ epochEndsAt }) => <When at={epochEndsAt} /> },
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

/** Of the same terms: before and after this one, newest first. */
function versionsOf(shown: Agreement, listed: readonly Agreement[]): readonly Agreement[] {
  // The list may be older than what is shown.
  const all = [shown, ...listed.filter(({ digest }) => digest !== shown.digest)];
  const found = new Set([shown.digest]);
  // None before a first version: a name that no agreement has.
  const before = ({ document }: Agreement) => String(document.supersedes ?? "");
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const agreement of all)
      if (found.has(agreement.digest) && before(agreement) !== "") found.add(before(agreement));
      else if (found.has(before(agreement))) found.add(agreement.digest);
  }
  return all.filter((agreement) => found.has(agreement.digest)).sort((a, b) => b.version - a.version);
}

function Versions({ agreement }: { readonly agreement: Agreement }): ReactNode {
  const { t } = useTranslation();
  const agreements = useRoute("agreements", {});
  return (
    <Panel title={t("govern.agreement.versions")}>
      <Loaded query={agreements}>
        {(answer) => (
          <AgreementTable
            caption={t("govern.agreement.versions")}
            agreements={versionsOf(agreement, answer.agreements)}
          />
        )}
      </Loaded>
    </Panel>
  );
}
