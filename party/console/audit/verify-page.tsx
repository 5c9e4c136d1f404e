/** The node's own check of its evidence, what it is worth, and what to take away for an independent one. */
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type EntenteError, toEntenteError } from "../../../proto/errors.ts";
import { BUNDLE_TYPES, REPORT_TYPES } from "../../../proto/http/file-types.ts";
import type { Progress } from "../../../proto/http/progress.ts";
import { stepText } from "../../../proto/http/progress-text.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { saveFile, useClient } from "../client.ts";
import { currentLanguage } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { TextField } from "../parts/fields.tsx";
import { Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { ProgressBar } from "../parts/progress-bar.tsx";
import { Copy } from "../parts/values.tsx";
import { useSession } from "../session.tsx";
import { type Collaboration, ForCollaboration } from "./collaboration.tsx";
import { readTrust } from "./trust.ts";
import { VerdictPanels } from "./verdict.tsx";

export function VerifyPage(): ReactNode {
  const { t } = useTranslation();
  return (
    <Page title={t("audit.verify.title")} lede={t("audit.verify.lede")}>
      <ForCollaboration>
        {(chosen) => (
          <div key={chosen.collaboration}>
            <Check chosen={chosen} />
            <TakeAway chosen={chosen} />
          </div>
        )}
      </ForCollaboration>
    </Page>
  );
}

function Check({ chosen: { collaboration } }: { readonly chosen: Collaboration }): ReactNode {
  const { t } = useTranslation();
  const client = useClient();
  const [typed, setTyped] = useState("");
  const [badLine, setBadLine] = useState<number>();
  const [progress, setProgress] = useState<Progress>();
  const [report, setReport] = useState<RouteResponse<"verifyEvidence">>();
  const [error, setError] = useState<EntenteError>();
  const running = useRef<AbortController>(undefined);
  const [isRunning, setIsRunning] = useState(false);
  // Whoever leaves the page waits for no answer: the node then stops, too.
  useEffect(() => () => running.current?.abort(), []);
  const run = async () => {
    const trust = readTrust(typed);
    setBadLine("badLine" in trust ? trust.badLine : undefined);
    if ("badLine" in trust) return;
    const controller = new AbortController();
    running.current = controller;
    setIsRunning(true);
    setReport(undefined);
    setError(undefined);
    setProgress(undefined);
    const request = { collaboration, ...(trust.fingerprints.length === 0 ? {} : { trust: trust.fingerprints }) };
    try {
      setReport(await client.callWithProgress("verifyEvidence", request, setProgress, { signal: controller.signal }));
    } catch (thrown) {
      if (!controller.signal.aborted) setError(toEntenteError(thrown));
    } finally {
      setIsRunning(false);
    }
  };
  return (
    <>
      <Panel title={t("audit.verify.here")}>
        <Notice kind="info" title={t("audit.verify.worthTitle")}>
          {t("audit.verify.worth")}
        </Notice>
        <TextField
          label={t("audit.verify.trust")}
          hint={t("audit.verify.trustHint")}
          lines={3}
          value={typed}
          onChange={setTyped}
          error={badLine === undefined ? undefined : t("audit.verify.badTrust", { line: badLine })}
        />
        <div className="actions">
          <Button kind="main" isBusy={isRunning} onClick={() => void run()}>
            {t("audit.verify.run")}
          </Button>
          {isRunning && <Button onClick={() => running.current?.abort()}>{t("audit.verify.stop")}</Button>}
        </div>
        {isRunning && progress !== undefined && (
          <ProgressBar progress={progress} step={stepText(progress, currentLanguage())} />
        )}
        {error !== undefined && <ErrorNote error={error} />}
      </Panel>
      {report !== undefined && <VerdictPanels report={report} />}
    </>
  );
}

function TakeAway({ chosen: { collaboration, peer } }: { readonly chosen: Collaboration }): ReactNode {
  const { t } = useTranslation();
  const client = useClient();
  const { party } = useSession();
  const [busy, setBusy] = useState<string>();
  const [error, setError] = useState<EntenteError>();
  const short = collaboration.slice(0, 8);
  const command = `npx --no-install entente audit verify ${party}-${short}.jsonl ${peer}-${short}.jsonl --trust fingerprints.txt`;
  const take = async (what: string, save: () => Promise<void>) => {
    setBusy(what);
    setError(undefined);
    try {
      await save();
    } catch (thrown) {
      setError(toEntenteError(thrown));
    } finally {
      setBusy(undefined);
    }
  };
  const bundle = async () =>
    saveFile(await client.download("auditBundle", { collaboration }), `${party}-${short}.jsonl`, BUNDLE_TYPES.jsonl);
  const report = async (format: "html" | "json") =>
    saveFile(
      await client.download("auditReport", { collaboration, format, language: currentLanguage() }),
      `${party}-${short}-report.${format}`,
      REPORT_TYPES[format],
    );
  return (
    <Panel title={t("audit.verify.away")}>
      <p>{t("audit.verify.awayText")}</p>
      <pre>
        {command} <Copy text={command} />
      </pre>
      <div className="actions">
        <Button kind="main" isBusy={busy === "bundle"} onClick={() => void take("bundle", bundle)}>
          {t("audit.verify.bundle")}
        </Button>
        <Button isBusy={busy === "html"} onClick={() => void take("html", () => report("html"))}>
          {t("audit.verify.report")}
        </Button>
        <Button isBusy={busy === "json"} onClick={() => void take("json", () => report("json"))}>
          {t("audit.verify.reportJson")}
        </Button>
      </div>
      <p className="hint">{t("audit.verify.bundleHint")}</p>
      <p className="hint">{t("audit.verify.reportHint")}</p>
      {error !== undefined && <ErrorNote error={error} />}
    </Panel>
  );
}
