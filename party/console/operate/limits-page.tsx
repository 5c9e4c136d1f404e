/** The bounds on what the node does and keeps, and how much of each is in use. */
import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { limitText } from "../../../proto/limits/text.ts";
import { useRoute } from "../client.ts";
import { currentLanguage } from "../language.ts";
import { Loaded } from "../parts/loaded.tsx";
import { Badge } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText } from "../parts/values.tsx";

type Limit = RouteResponse<"status">["limits"][number];

/** Of this one it is what is free that is told, of all others what is used. */
const FREE_ROOM = "freeDiskMib";
/** From this share on one is shown as near. */
const NEAR = 0.8;

export function LimitsPage(): ReactNode {
  const { t } = useTranslation();
  const status = useRoute("status", {}, { everyMs: 10_000 });
  return (
    <Page title={t("nav.pages.limits")} lede={t("operate.limits.lede")}>
      <Panel>
        <Loaded query={status}>
          {({ limits }) => (
            <Table
              caption={t("nav.pages.limits")}
              columns={[
                { head: t("operate.limits.limit"), cell: (limit) => <Meaning limit={limit} />, isName: true },
                { head: t("operate.limits.used"), cell: (limit) => <Use limit={limit} /> },
                {
                  head: t("operate.limits.value"),
                  cell: ({ name, value }) => `${countText(value)} ${limitText(name, currentLanguage()).unit}`,
                  align: "end",
                },
                {
                  head: t("operate.limits.code"),
                  cell: ({ code }) => (code === null ? t("operate.limits.givesWay") : <code>{code}</code>),
                },
              ]}
              rows={limits}
              rowKey={({ name }) => name}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}

function Meaning({ limit: { name, isDefault } }: { readonly limit: Limit }): ReactNode {
  const { t } = useTranslation();
  return (
    <>
      <code>{name}</code> {!isDefault && <Badge kind="info">{t("operate.limits.set")}</Badge>}
      <span className="about">{limitText(name, currentLanguage()).what}</span>
    </>
  );
}

function Use({ limit: { name, used, value } }: { readonly limit: Limit }): ReactNode {
  const { t } = useTranslation();
  const id = useId();
  if (used === null) return t("operate.limits.notCounted");
  if (name === FREE_ROOM) return t("operate.limits.free", { amount: countText(used) });
  return (
    <span className="use">
      <span id={id}>{countText(used)}</span>
      <meter aria-labelledby={id} min={0} max={Math.max(value, 1)} high={NEAR * value} optimum={0} value={used} />
      {used >= NEAR * value && <Badge kind={used >= value ? "bad" : "warn"}>{t("operate.limits.near")}</Badge>}
    </span>
  );
}
