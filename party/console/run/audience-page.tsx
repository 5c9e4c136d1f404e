/** The audience builder. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Page } from "../parts/page.tsx";
import { RunBuilder } from "./run-builder.tsx";

export function AudiencePage(): ReactNode {
  const { t } = useTranslation();
  return (
    <Page title={t("run.audience.title")} lede={t("run.audience.lede")}>
      <RunBuilder operation="audience" />
    </Page>
  );
}
