/** Signing: once more what will leave the house, in the question itself. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAction, useRoute } from "../client.ts";
import { currentLanguage } from "../language.ts";
import { ConfirmButton } from "../parts/confirm.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";
import type { Agreement } from "./agreements-page.tsx";
import { TermsPart } from "./terms.tsx";

export function SignAgreement({ agreement: { digest } }: { readonly agreement: Agreement }): ReactNode {
  const { t } = useTranslation();
  const sign = useAction("signAgreement");
  const terms = useRoute("agreementTerms", { digest });
  const [isWaiting, setIsWaiting] = useState(false);
  const confirm = async () => {
    const { delivered } = await sign.mutateAsync({ digest });
    setIsWaiting(!delivered);
  };
  return (
    <>
      {isWaiting && <Notice kind="info">{t("govern.agreement.notDelivered")}</Notice>}
      <ConfirmButton
        kind="main"
        label={t("govern.agreement.sign")}
        title={t("govern.agreement.signTitle")}
        disabled={terms.data?.digest !== digest}
        onConfirm={confirm}
      >
        <p>{t("govern.agreement.signText")}</p>
        <Loaded query={terms}>
          {(answer) => {
            const looser = (answer.differences ?? []).filter(({ effect }) => effect === "loosens").length;
            return (
              <>
                {answer.terms[currentLanguage()]
                  .filter(({ id }) => id === "leaves")
                  .map((part) => (
                    <TermsPart key={part.id} part={part} />
                  ))}
                {looser > 0 && <Notice kind="warn">{t("govern.agreement.signLooser", { count: looser })}</Notice>}
              </>
            );
          }}
        </Loaded>
      </ConfirmButton>
    </>
  );
}
