/** Revoking: the question says what it stops, and what it cannot bring back. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAction, useRoute } from "../client.ts";
import { ConfirmButton } from "../parts/confirm.tsx";
import { TextField } from "../parts/fields.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { useSession } from "../session.tsx";
import type { Agreement } from "./agreements-page.tsx";

const ENDED: readonly string[] = ["done", "refused", "failed"];

export function RevokeAgreement({ agreement }: { readonly agreement: Agreement }): ReactNode {
  const { t } = useTranslation();
  const revoke = useAction("revokeAgreement");
  const [reason, setReason] = useState("");
  const { digest } = agreement;
  return (
    <ConfirmButton
      label={t("govern.agreement.revoke")}
      title={t("govern.agreement.revokeTitle")}
      onConfirm={() => revoke.mutateAsync({ digest, ...(reason === "" ? {} : { reason }) })}
    >
      <WhatStops agreement={agreement} />
      <TextField
        label={t("govern.inbox.reason")}
        hint={t("govern.inbox.reasonHint")}
        value={reason}
        onChange={setReason}
        lines={2}
      />
    </ConfirmButton>
  );
}

function WhatStops({ agreement: { digest, parties } }: { readonly agreement: Agreement }): ReactNode {
  const { t } = useTranslation();
  const { party } = useSession();
  const jobs = useRoute("jobs", {});
  const released = useRoute("released", {});
  const peer = parties.find((name) => name !== party) ?? "";
  return (
    <Loaded query={released}>
      {(answer) => {
        const under = answer.released.filter(({ agreement }) => agreement === digest);
        const sum = (direction: "given" | "received") =>
          under.reduce((count, group) => (group.direction === direction ? count + group.released : count), 0);
        const open = (jobs.data?.jobs ?? []).filter(
          ({ agreement, state }) => agreement === digest && !ENDED.includes(state),
        );
        const [given, received] = [sum("given"), sum("received")];
        return (
          <>
            <p>{t("govern.agreement.revokeStops")}</p>
            <ul className="points">
              {open.length > 0 && <li>{t("govern.agreement.revokeJobs", { count: open.length })}</li>}
              {received > 0 && <li>{t("govern.agreement.revokeTags", { count: received })}</li>}
              <li>{t("govern.agreement.revokeFuture")}</li>
            </ul>
            {given > 0 && <p>{t("govern.agreement.revokeStays", { count: given, peer })}</p>}
          </>
        );
      }}
    </Loaded>
  );
}
