/** A token for a person. What it is stands here once, to be handed over, and nowhere afterwards. */
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { ROLES, type Role } from "../../../proto/http/route.ts";
import { useAction } from "../client.ts";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { CheckList, TextField } from "../parts/fields.tsx";
import { Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { Once } from "./once.tsx";

const DEFAULT_DAYS = 90;
const MAX_DAYS = 366;
const MAX_NAME = 64;

export function NewToken(): ReactNode {
  const { t } = useTranslation();
  const [person, setPerson] = useState("");
  const [roles, setRoles] = useState<string[]>([]);
  const [days, setDays] = useState(String(DEFAULT_DAYS));
  const create = useAction("createToken");
  const made = create.data;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate({ person, roles: roles as Role[], expiresInDays: Number(days) });
  };
  if (made !== undefined)
    return (
      <Panel title={t("operate.access.made", { person: made.person })}>
        <Notice kind="warn" title={t("operate.access.once")} />
        <Once label={t("operate.access.token")} value={made.token} />
        <Once label={t("operate.access.link")} value={`${location.origin}/#token=${made.token}`} />
        <Button
          onClick={() => {
            create.reset();
            setPerson("");
            setRoles([]);
          }}
        >
          {t("operate.access.handedOver")}
        </Button>
      </Panel>
    );
  return (
    <Panel title={t("operate.access.new")}>
      <form onSubmit={submit}>
        <TextField
          label={t("operate.access.person")}
          hint={t("operate.access.personHint")}
          required
          maxLength={MAX_NAME}
          autoComplete="off"
          value={person}
          onChange={setPerson}
        />
        <CheckList
          legend={t("operate.access.roles")}
          choices={ROLES.map((role) => ({
            value: role,
            label: t("operate.access.roleAbout", {
              role: t(`shell.roles.${role}`),
              about: t(`operate.access.about.${role}`),
            }),
          }))}
          chosen={roles}
          onChange={setRoles}
        />
        <TextField
          label={t("operate.access.days")}
          type="number"
          min={1}
          max={MAX_DAYS}
          required
          value={days}
          onChange={setDays}
        />
        {create.error !== null && <ErrorNote error={create.error} />}
        <Button kind="main" type="submit" isBusy={create.isPending} disabled={roles.length === 0}>
          {t("operate.access.create")}
        </Button>
      </form>
    </Panel>
  );
}
