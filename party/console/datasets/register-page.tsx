/** Checking and registering a dataset, each with its progress. */
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useParams } from "wouter";
import { type EntenteError, toEntenteError } from "../../../proto/errors.ts";
import type { Progress } from "../../../proto/http/progress.ts";
import { stepText } from "../../../proto/http/progress-text.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { askAgain, useClient, useRoute } from "../client.ts";
import { currentLanguage } from "../language.ts";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { Loading } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { ProgressBar } from "../parts/progress-bar.tsx";
import { CheckFindings } from "./check-findings.tsx";
import { EMPTY_REGISTRATION, type RegistrationForm, registrationLike, registrationOf } from "./registration.ts";
import { RegistrationFields } from "./registration-fields.tsx";

export function RegisterPage(): ReactNode {
  const { t } = useTranslation();
  const { name } = useParams();
  const { data } = useRoute("datasets", {}, { enabled: name !== undefined });
  const like = data?.datasets.find((dataset) => dataset.name === name);
  const isKnown = name === undefined || data !== undefined;
  return (
    <Page title={t("datasets.form.title")} lede={t("datasets.form.lede")}>
      {isKnown ? <Form initial={like === undefined ? EMPTY_REGISTRATION : registrationLike(like)} /> : <Loading />}
    </Page>
  );
}

type Work = "check" | "register";

function Form({ initial }: { readonly initial: RegistrationForm }): ReactNode {
  const { t } = useTranslation();
  const client = useClient();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const [form, setForm] = useState(initial);
  const [work, setWork] = useState<Work>();
  const [progress, setProgress] = useState<Progress>();
  const [error, setError] = useState<EntenteError>();
  const [check, setCheck] = useState<RouteResponse<"checkDataset">>();

  const perform = async (what: Work, does: () => Promise<void>) => {
    setWork(what);
    setProgress(undefined);
    setError(undefined);
    setCheck(undefined);
    try {
      await does();
    } catch (thrown) {
      setError(toEntenteError(thrown));
    } finally {
      setWork(undefined);
    }
  };
  const onCheck = () =>
    perform("check", async () => {
      setCheck(await client.callWithProgress("checkDataset", registrationOf(form), setProgress));
    });
  const onRegister = () =>
    perform("register", async () => {
      const { name } = await client.callWithProgress("registerDataset", registrationOf(form), setProgress);
      await askAgain(queries);
      go(`/datasets/${name}`);
    });
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void onCheck();
  };
  return (
    <>
      <Panel>
        <form onSubmit={onSubmit}>
          <RegistrationFields form={form} onChange={(changes) => setForm({ ...form, ...changes })} />
          <div className="actions">
            <Button
              type="submit"
              kind={check === undefined ? "main" : "plain"}
              isBusy={work === "check"}
              disabled={work !== undefined}
            >
              {t("datasets.form.check")}
            </Button>
            <Button
              kind={check === undefined ? "plain" : "main"}
              isBusy={work === "register"}
              disabled={work !== undefined || form.name === ""}
              onClick={() => void onRegister()}
            >
              {t("datasets.form.submit")}
            </Button>
          </div>
        </form>
      </Panel>
      {work !== undefined && (
        <Panel title={work === "check" ? t("datasets.form.checking") : t("datasets.form.registering")}>
          {progress === undefined ? (
            <Loading />
          ) : (
            <ProgressBar progress={progress} step={stepText(progress, currentLanguage())} />
          )}
        </Panel>
      )}
      {error !== undefined && <ErrorNote error={error} />}
      {check !== undefined && <CheckFindings check={check} />}
    </>
  );
}
