/** The start page: which node this is, who one is here, and where to go. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useRoute } from "../client.ts";
import { usePages } from "../navigation.ts";
import { Facts } from "../parts/facts.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { listText, When } from "../parts/values.tsx";
import { useSession } from "../session.tsx";

export function HomePage(): ReactNode {
  const { t } = useTranslation();
  const { roles, expiresAt } = useSession();
  const node = useRoute("node", {});
  return (
    <Page title={t("home.title")}>
      <Panel title={t("home.start")}>
        <ul className="doors">
          {usePages().map(({ path, nav }) =>
            nav === undefined || path === "/" ? null : (
              <li key={path}>
                <Link href={path}>
                  <strong>{t(`nav.pages.${nav}`)}</strong>
                  <span>{t(`nav.about.${nav}`)}</span>
                </Link>
              </li>
            ),
          )}
        </ul>
      </Panel>
      <Panel title={t("home.party")}>
        <Loaded query={node}>
          {({ party, fingerprint, coordinator, version }) => (
            <Facts
              facts={[
                [t("home.party"), party],
                [t("home.fingerprint"), <code key="f">{fingerprint}</code>],
                [t("home.coordinator"), coordinator ?? t("shell.notEnrolled")],
                [t("home.version"), version],
                [t("home.roles"), listText(roles.map((role) => t(`shell.roles.${role}`)))],
                [t("home.expires"), <When key="e" at={expiresAt} />],
              ]}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
