/** Signing in, by an account of the organisation's own or by token: the start without one, and again when it has ended. */
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
import { clientFor, type SessionInfo, type SignInWay } from "../session.tsx";
import { endSignIn, leaveForSignIn, organisationName, type Returned, signInBeside } from "./organisation.ts";

interface SignInProps {
  /** Of an earlier page of this tab, to be tried first. */
  readonly token: string | undefined;
  /** What a sign-in service sent the person back with, to be tried before that. */
  readonly returned?: Returned | undefined;
  /** Above a page that is to stay. */
  readonly isAgain?: boolean;
  readonly onSignedIn: (token: string, info: SessionInfo, way: SignInWay) => void;
  /** The tab's token is not good. */
  readonly onRefused: () => void;
}

export function SignIn({ token, returned, isAgain = false, onSignedIn, onRefused }: SignInProps): ReactNode {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const [error, setError] = useState<EntenteError>();
  const [isAsking, setIsAsking] = useState(token !== undefined || returned !== undefined);
  const [isPassedOn, setIsPassedOn] = useState(false);
  const [organisation, setOrganisation] = useState<string>();
  const asked = useRef<string>(undefined);
  const dialog = useRef<HTMLDialogElement>(null);

  /** `find`: how one gets a token; undefined when another window has it. */
  const ask = async (way: SignInWay, find: () => Promise<string | undefined>) => {
    setIsAsking(true);
    setError(undefined);
    try {
      const found = await find();
      if (found !== undefined) return onSignedIn(found, await clientFor(found).call("session", {}), way);
      setIsPassedOn(true);
    } catch (thrown) {
      setError(toEntenteError(thrown));
      if (isSignedOut(thrown)) onRefused();
    }
    setIsAsking(false);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each token, and for what came back
  useEffect(() => {
    const key = returned?.state ?? token;
    if (key === undefined || asked.current === key) return;
    asked.current = key;
    void (returned === undefined ? ask("token", async () => token) : ask("account", () => endSignIn(returned)));
  }, [token, returned]);
  useEffect(() => {
    // A node that cannot say so is asked for a token, and tells then what is wrong.
    organisationName().then(setOrganisation, () => {});
  }, []);
  useEffect(() => {
    if (!isAgain) document.title = t("home.signIn.title", { host: location.host });
    else if (dialog.current?.open === false) dialog.current.showModal();
  }, [isAgain, t]);

  if (isPassedOn && !isAgain)
    return (
      <main className="sign-in-page">
        <div className="sign-in">
          <h1>{t("home.signIn.passedOn")}</h1>
          <p>{t("home.signIn.close")}</p>
        </div>
      </main>
    );
  if (isAsking && (token !== undefined || returned !== undefined) && !isAgain) return <Loading />;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void ask("token", async () => typed.trim());
  };
  const form = (
    <form className="sign-in" onSubmit={onSubmit}>
      <h1>{t("home.signIn.title", { host: location.host })}</h1>
      <p className="motto">{t("shell.motto")}</p>
      {isAgain && <Notice kind="info">{t("home.signIn.ended")}</Notice>}
      {error !== undefined &&
        (isSignedOut(error) ? <Notice kind="bad">{t("home.signIn.refused")}</Notice> : <ErrorNote error={error} />)}
      {organisation !== undefined && (
        <Organisation name={organisation} isAgain={isAgain} onAsk={(find) => ask("account", find)} />
      )}
      <TextField
        label={t("home.signIn.token")}
        hint={t("home.signIn.hint")}
        type="password"
        autoComplete="off"
        required
        value={typed}
        onChange={setTyped}
      />
      <Button type="submit" kind={organisation === undefined ? "main" : "plain"} isBusy={isAsking}>
        {t(organisation === undefined ? "home.signIn.submit" : "home.signIn.submitToken")}
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

interface OrganisationProps {
  readonly name: string;
  readonly isAgain: boolean;
  readonly onAsk: (find: () => Promise<string | undefined>) => Promise<void>;
}

/** The page that is to stay has a window beside it; a window that was closed unseen can be opened again. */
function Organisation({ name, isAgain, onAsk }: OrganisationProps): ReactNode {
  const { t } = useTranslation();
  const [isBeside, setIsBeside] = useState(false);
  const waiting = useRef<AbortController>(undefined);
  useEffect(() => () => waiting.current?.abort(), []);
  const onPress = () => {
    if (!isAgain) return void onAsk(leaving);
    waiting.current?.abort();
    waiting.current = new AbortController();
    setIsBeside(true);
    const token = signInBeside(waiting.current.signal);
    // Undefined when the button was pressed again, or the page has gone on without.
    const isOver = token.then(
      (found) => found === undefined,
      () => false,
    );
    void isOver.then((over) => (over ? undefined : onAsk(() => token)));
  };
  return (
    <>
      <Button kind="main" onClick={onPress}>
        {t("home.signIn.with", { name })}
      </Button>
      {isBeside && <Notice kind="info">{t("home.signIn.beside")}</Notice>}
      <p className="or">{t("home.signIn.or")}</p>
    </>
  );
}

/** Does not come to an end where it goes well: the page is left. */
async function leaving(): Promise<never> {
  await leaveForSignIn();
  return new Promise(() => {});
}
