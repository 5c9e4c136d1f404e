/** Joining: this node with an invite, and a partner's with one that is made here. */
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAction, useRoute } from "../client.ts";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { Facts } from "../parts/facts.tsx";
import { TextField } from "../parts/fields.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";
import { When } from "../parts/values.tsx";
import { Fingerprint } from "./fingerprint.tsx";
import { Once } from "./once.tsx";

export function EnrolmentPage(): ReactNode {
  const { t } = useTranslation();
  const node = useRoute("node", {}, { everyMs: 5_000 });
  return (
    <Page title={t("nav.pages.enrolment")} lede={t("operate.enrolment.lede")}>
      <Loaded query={node}>
        {({ fingerprint, coordinator, connected }) => (
          <>
            <Panel title={t("home.fingerprint")}>
              <Fingerprint value={fingerprint} />
              <p className="hint">{t("operate.enrolment.readOut")}</p>
            </Panel>
            <Panel title={t("operate.enrolment.thisNode")}>
              {coordinator === null ? (
                <Notice kind="info" title={t("shell.notEnrolled")} />
              ) : (
                <>
                  <Facts facts={[[t("home.coordinator"), coordinator]]} />
                  <Notice kind={connected ? "good" : "warn"} title={t(connected ? "shell.online" : "shell.offline")} />
                </>
              )}
              {coordinator === null ? (
                <Enrol />
              ) : (
                <details>
                  <summary>{t("operate.enrolment.again")}</summary>
                  <p className="hint">{t("operate.enrolment.againAbout")}</p>
                  <Enrol />
                </details>
              )}
            </Panel>
            {coordinator !== null && <Invite />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Enrol(): ReactNode {
  const { t } = useTranslation();
  const [invite, setInvite] = useState("");
  const enrol = useAction("enrol");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enrol.mutate({ invite: invite.trim() }, { onSuccess: () => setInvite("") });
  };
  return (
    <form onSubmit={submit}>
      <TextField
        label={t("operate.enrolment.invite")}
        hint={t("operate.enrolment.inviteHint")}
        lines={3}
        required
        autoComplete="off"
        value={invite}
        onChange={setInvite}
      />
      {enrol.error !== null && <ErrorNote error={enrol.error} />}
      {enrol.data !== undefined && <Notice kind="good" title={t("operate.enrolment.done")} />}
      <Button kind="main" type="submit" isBusy={enrol.isPending}>
        {t("operate.enrolment.enrol")}
      </Button>
    </form>
  );
}

function Invite(): ReactNode {
  const { t } = useTranslation();
  const [party, setParty] = useState("");
  const invite = useAction("invite");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate({ party: party.trim() });
  };
  const made = invite.data;
  return (
    <Panel title={t("operate.enrolment.partner")}>
      <p>{t("operate.enrolment.partnerAbout")}</p>
      {made === undefined ? (
        <form onSubmit={submit}>
          <TextField
            label={t("operate.enrolment.partyName")}
            hint={t("operate.enrolment.partyNameHint")}
            required
            autoComplete="off"
            value={party}
            onChange={setParty}
          />
          {invite.error !== null && <ErrorNote error={invite.error} />}
          <Button kind="main" type="submit" isBusy={invite.isPending}>
            {t("operate.enrolment.make")}
          </Button>
        </form>
      ) : (
        <>
          <Notice kind="warn" title={t("operate.enrolment.once")} />
          <Once label={t("operate.enrolment.codeFor", { party })} value={made.code} />
          <p>
            {t("operate.enrolment.validUntil")} <When at={made.expiresAt} />
          </p>
          <p>{t("operate.enrolment.afterwards")}</p>
          <Button
            onClick={() => {
              invite.reset();
              setParty("");
            }}
          >
            {t("operate.enrolment.handedOver")}
          </Button>
        </>
      )}
    </Panel>
  );
}
