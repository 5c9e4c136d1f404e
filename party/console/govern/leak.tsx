/** A leak statement, as the person who decides reads it: first what leaves. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { currentLanguage } from "../language.ts";
import { Digest } from "../parts/values.tsx";
import { Points } from "./points.tsx";

type Statement = RouteResponse<"leakStatement">;

/** Its parts in the page's language. */
export function leakParts(statement: Statement): Readonly<Record<string, string | null>> {
  const language = currentLanguage();
  return language === "en" ? statement.parts : statement.translations[language].parts;
}

function named(parts: Readonly<Record<string, string | null>>, ...names: readonly string[]): string[] {
  return names.flatMap((name) => parts[name] ?? []);
}

export function LeakStatement({ statement }: { readonly statement: Statement }): ReactNode {
  const { t } = useTranslation();
  const parts = leakParts(statement);
  return (
    <>
      <h3>{t("govern.inbox.peerLearns")}</h3>
      <Points lines={named(parts, "peerLearns", "scoreAdds", "inClear")} />
      <h3>{t("govern.inbox.youLearn")}</h3>
      <Points lines={named(parts, "youLearn")} />
      <details>
        <summary>{t("govern.inbox.rest")}</summary>
        <Points lines={named(parts, "bothLearn", "coordinatorSees", "rest", "enforcement")} />
        <p className="hint">
          {t("govern.inbox.digest")} <Digest value={statement.digest} /> {t("govern.inbox.digestHint")}
        </p>
      </details>
    </>
  );
}
