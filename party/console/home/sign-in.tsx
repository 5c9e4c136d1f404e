/** Signing in by token: the start without one, and again when it has ended. */
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type EntenteError, toEntenteError } from "../../../proto/errors.ts";
import { isSignedOut } from "../client.ts";
import { LanguageChoice } from "../frame.tsx";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { TextField } from "../parts/fields.tsx";
import { Loading } from "../parts/loaded.tsx";
import { Notice } from "../parts/notice.tsx";
import { clientFor, type SessionInfo } from "../session.tsx";

interface SignInProps {
  /** Of an earlier page of this tab, to be tried first. */
  readonly token: string | undefined;
  /** Above a page that is to stay. */
  readonly isAgain?: boolean;
  readonly onSignedIn: (token: string, info: SessionInfo) => void;
  /** The tab's token is not good. */
  readonly onRefused: () => void;
}

export function SignIn({ token, isAgain = false, onSignedIn, onRefused }: SignInProps): ReactNode {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<EntenteError>();
  const [isAsking, setIsAsking] = useState(token !== undefined);
  const asked = useRef<string>(undefined);
  const dialog = useRef<HTMLDialogElement>(null);

  const ask = async (candidate: string) => {
    setIsAsking(true);
    try {
      onSignedIn(candidate, await clientFor(candidate).call("session", {}));
    } catch (thrown) {
      setError(toEntenteError(thrown));
      setIsAsking(false);
      if (isSignedOut(thrown)) onRefused();
    }
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each token
  useEffect(() => {
    if (token === undefined || asked.current === token) return;
    asked.current = token;
    void ask(token);
  }, [token]);
  useEffect(() => {
    if (!isAgain) document.title = t("home.signIn.title", { host: location.host });
    else if (dialog.current?.open === false) dialog.current.showModal();
  }, [isAgain, t]);

  if (isAsking && token !== undefined) return <Loading />;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void ask(typed.trim());
  };
  const form = (
    <form className="sign-in" onSubmit={onSubmit}>
      <h1>{t("home.signIn.title", { host: location.host })}</h1>
      <p className="motto">{t("shell.motto")}</p>
      {isAgain && <Notice kind="info">{t("home.signIn.ended")}</Notice>}
      <TextField
        label={t("home.signIn.token")}
        hint={t("home.signIn.hint")}
        type="password"
        autoComplete="off"
        required
        value={typed}
        onChange={setTyped}
      />
      {error !== undefined &&
        (isSignedOut(error) ? <Notice kind="bad">{t("home.signIn.refused")}</Notice> : <ErrorNote error={error} />)}
      <Button type="submit" kind="main" isBusy={isAsking}>
        {t("home.signIn.submit")}
      </Button>
      <LanguageChoice />
    </form>
  );
  if (isAgain)
    return (
      <dialog ref={dialog} aria-label={t("home.signIn.submit")} onCancel={(event) => event.preventDefault()}>
        {form}
      </dialog>
    );
  return <main className="sign-in-page">{form}</main>;
}
