/** Who did what an entry says, as far as this node knows. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";

type Person = RouteResponse<"evidenceEntries">["entries"][number]["people"][number];

export function People({ people }: { readonly people: readonly Person[] }): ReactNode {
  const { t } = useTranslation();
  return people.map(({ did, name, party }) => (
    <div key={did}>{t(`audit.did.${did}`, { name: name ?? t("audit.somebody", { party }) })}</div>
  ));
}
