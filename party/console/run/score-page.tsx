/** A score run: the builder with a model. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Page } from "../parts/page.tsx";
import { RunBuilder } from "./run-builder.tsx";

export function ScorePage(): ReactNode {
  const { t } = useTranslation();
  return (
    <Page title={t("run.score.title")} lede={t("run.score.lede")}>
      <RunBuilder operation="score" />
    </Page>
  );
}
