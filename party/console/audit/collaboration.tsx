/** Which collaboration the auditor's pages are about: the one chosen last in this tab, else the first. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { useRoute } from "../client.ts";
import { SelectField } from "../parts/fields.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";

export type Collaboration = RouteResponse<"collaborations">["collaborations"][number];

const CHOSEN_KEY = "entente.collaboration";

/** Draws `children` for the collaboration, below a choice where there are several. */
export function ForCollaboration({ children }: { readonly children: (chosen: Collaboration) => ReactNode }): ReactNode {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState(() => sessionStorage.getItem(CHOSEN_KEY));
  const query = useRoute("collaborations", {});
  const choose = (collaboration: string) => {
    sessionStorage.setItem(CHOSEN_KEY, collaboration);
    setWanted(collaboration);
  };
  return (
    <Loaded query={query}>
      {({ collaborations }) => {
        const chosen = collaborations.find(({ collaboration }) => collaboration === wanted) ?? collaborations[0];
        if (chosen === undefined) return <Notice kind="info">{t("audit.noCollaboration")}</Notice>;
        return (
          <>
            {collaborations.length > 1 && (
              <SelectField
                label={t("audit.collaboration")}
                value={chosen.collaboration}
                onChange={choose}
                choices={collaborations.map(({ collaboration, peer }) => ({
                  value: collaboration,
                  label: t("audit.withPeer", { peer }),
                }))}
              />
            )}
            {children(chosen)}
          </>
        );
      }}
    </Loaded>
  );
}
