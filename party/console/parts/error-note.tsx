/** An error for people: what happened, what to do, who must act, and the code to quote. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { actorText, errorText } from "../../../proto/errors/text.ts";
import type { EntenteError } from "../../../proto/errors.ts";
import { currentLanguage } from "../language.ts";
import { Button } from "./button.tsx";
import { Facts } from "./facts.tsx";

interface ErrorNoteProps {
  readonly error: EntenteError;
  readonly onRetry?: () => void;
}

export function ErrorNote({ error, onRetry }: ErrorNoteProps): ReactNode {
  const { t } = useTranslation();
  const { code, detail, who, retryAfterSeconds } = error.toPublic();
  const facts: [string, ReactNode][] = [
    [t("parts.code"), <code key="code">{code}</code>],
    [t("parts.who"), actorText(who, currentLanguage())],
  ];
  if (detail !== undefined) facts.unshift([t("parts.detail"), detail]);
  return (
    <div className="notice bad" role="alert">
      <strong>{errorText(code, currentLanguage())}</strong>
      <Facts facts={facts} />
      {retryAfterSeconds !== undefined && <p>{t("parts.retryAfter", { count: retryAfterSeconds })}</p>}
      {onRetry !== undefined && <Button onClick={onRetry}>{t("parts.tryAgain")}</Button>}
    </div>
  );
}
