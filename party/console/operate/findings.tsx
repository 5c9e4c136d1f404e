/** What an examination found: what is wrong first, with what it leads to and who has to do what. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { CHECKS } from "../../../proto/doctor/findings.ts";
import { wordsOf } from "../../../proto/doctor/words.ts";
import { FINDING_STATES, type Finding, type FindingState } from "../../../proto/http/doctor-routes.ts";
import { currentLanguage } from "../language.ts";
import { Badge, type NoticeKind } from "../parts/notice.tsx";

const KINDS: Readonly<Record<FindingState, NoticeKind>> = { ok: "good", warn: "warn", fail: "bad" };
const STATES = FINDING_STATES.toReversed();

function order(a: Finding, b: Finding): number {
  return STATES.indexOf(a.state) - STATES.indexOf(b.state) || CHECKS.indexOf(a.check) - CHECKS.indexOf(b.check);
}

export function Findings({ findings }: { readonly findings: readonly Finding[] }): ReactNode {
  const sorted = findings.toSorted(order);
  const trouble = sorted.filter(({ state }) => state !== "ok");
  return (
    <>
      {trouble.length > 0 && (
        <ul className="findings">
          {trouble.map((finding) => (
            <Trouble key={keyOf(finding)} finding={finding} />
          ))}
        </ul>
      )}
      <ul className="findings fine">
        {sorted
          .filter(({ state }) => state === "ok")
          .map((finding) => (
            <Fine key={keyOf(finding)} finding={finding} />
          ))}
      </ul>
    </>
  );
}

function keyOf({ check, subject, code, values }: Finding): string {
  return JSON.stringify([check, subject, code, values]);
}

function Name({ finding: { check, subject, state } }: { readonly finding: Finding }): ReactNode {
  const { t } = useTranslation();
  return (
    <>
      <Badge kind={KINDS[state]}>{t(`operate.health.states.${state}`)}</Badge>{" "}
      <strong>
        {t(`operate.health.checks.${check}`)}
        {subject === null ? "" : ` ${subject}`}
      </strong>
    </>
  );
}

function Trouble({ finding }: { readonly finding: Finding }): ReactNode {
  const { t } = useTranslation();
  const { what, why, fix } = wordsOf(finding, currentLanguage());
  return (
    <li>
      <p>
        <Name finding={finding} /> {what}
      </p>
      {why !== undefined && (
        <p className="hint">
          {t("operate.health.leadsTo")} {why}
        </p>
      )}
      {fix !== undefined && (
        <p>
          <strong>{t("operate.health.fix")}</strong> {fix}
        </p>
      )}
    </li>
  );
}

function Fine({ finding }: { readonly finding: Finding }): ReactNode {
  const { what } = wordsOf(finding, currentLanguage());
  return (
    <li>
      <Name finding={finding} /> <span className="hint">{what}</span>
    </li>
  );
}
