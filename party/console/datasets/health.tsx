/** How healthy a dataset is, as one word. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { currentLanguage } from "../language.ts";
import { Badge } from "../parts/notice.tsx";
import { healthOf } from "./set-aside.ts";

export type Dataset = RouteResponse<"datasets">["datasets"][number];

export function Health({ dataset }: { readonly dataset: Dataset }): ReactNode {
  const { t } = useTranslation();
  const { share, isGood } = healthOf(dataset);
  if (share === 0 && isGood) return <Badge kind="good">{t("datasets.healthy")}</Badge>;
  const format = new Intl.NumberFormat(currentLanguage(), { style: "percent", maximumSignificantDigits: 2 });
  return <Badge kind={isGood ? "good" : "warn"}>{t("datasets.someSetAside", { percent: format.format(share) })}</Badge>;
}
