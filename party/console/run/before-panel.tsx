/** Before anything runs: what is still missing, the dry run, and the run itself. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useAction } from "../client.ts";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { DryRunAnswer } from "./dry-run-answer.tsx";
import type { Chosen } from "./people-panel.tsx";
import { type FieldName, mistakesIn, type RunForm, requestOf } from "./request.ts";

interface Answered {
  /** The request that was asked about. */
  readonly asked: string;
  readonly answer: RouteResponse<"dryRun">;
}

export function BeforePanel({ chosen, form }: { readonly chosen: Chosen; readonly form: RunForm }): ReactNode {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const [answered, setAnswered] = useState<Answered>();
  const [missing, setMissing] = useState<readonly FieldName[]>([]);
  const dry = useAction("dryRun");
  const start = useAction("startJob");
  const request = requestOf(form, chosen);
  const isSame = answered?.asked === JSON.stringify(request);
  const wrongNow = mistakesIn(form, chosen.operation);
  const stillMissing = missing.filter((name) => wrongNow.includes(name));
  const ask = () => {
    setMissing(wrongNow);
    setAnswered(undefined);
    start.reset();
    if (wrongNow.length > 0) return dry.reset();
    dry.mutate(request, { onSuccess: (answer) => setAnswered({ asked: JSON.stringify(request), answer }) });
  };
  const mayStart = answered?.answer.allowed === true && isSame;
  return (
    <Panel title={t("run.before")}>
      <div className="actions">
        <Button kind={mayStart ? "plain" : "main"} isBusy={dry.isPending} onClick={ask}>
          {t("run.dryRun")}
        </Button>
        {mayStart && (
          <Button
            kind="main"
            isBusy={start.isPending}
            onClick={() => start.mutate(request, { onSuccess: ({ jobId }) => go(`/jobs/${jobId}`) })}
          >
            {t("run.start")}
          </Button>
        )}
      </div>
      <p className="hint">{t("run.dryRunHint")}</p>
      {stillMissing.length > 0 && (
        <Notice kind="bad">
          {stillMissing.map((name) => (
            <p key={name}>{t("run.mistake", { field: t(`run.${name}`), mistake: t(`run.errors.${name}`) })}</p>
          ))}
        </Notice>
      )}
      {dry.error !== null && <ErrorNote error={dry.error} />}
      {start.error !== null && <ErrorNote error={start.error} />}
      {answered !== undefined && !isSame && <Notice kind="info">{t("run.again")}</Notice>}
      {answered !== undefined && isSame && <DryRunAnswer answer={answered.answer} chosen={chosen} />}
    </Panel>
  );
}
