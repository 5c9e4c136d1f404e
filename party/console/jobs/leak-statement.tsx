/** What a job tells whom, part by part, in the reader's language. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { currentLanguage } from "../language.ts";
import { Facts } from "../parts/facts.tsx";

const PARTS = [
  "peerLearns",
  "youLearn",
  "scoreAdds",
  "inClear",
  "bothLearn",
  "coordinatorSees",
  "rest",
  "enforcement",
] as const;

export function LeakStatement({ leak }: { readonly leak: RouteResponse<"leakStatement"> }): ReactNode {
  const { t } = useTranslation();
  const language = currentLanguage();
  const { parts } = language === "en" ? leak : leak.translations[language];
  const told = PARTS.flatMap((part): [string, ReactNode][] => {
    const text = parts[part];
    return text === null || text === undefined ? [] : [[t(`run.leakParts.${part}`), text]];
  });
  return <Facts facts={told} />;
}
