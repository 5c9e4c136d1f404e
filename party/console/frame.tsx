/** What stands around every page: who and where one is, the navigation, the language. */
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation } from "wouter";
import { LANGUAGES } from "../../proto/language.ts";
import { useRoute } from "./client.ts";
import { chooseLanguage, currentLanguage } from "./language.ts";
import { usePages } from "./navigation.ts";
import type { Group, PageEntry } from "./pages.ts";
import { useSession } from "./session.tsx";

/** In this order. */
const GROUPS: readonly Group[] = ["work", "govern", "audit", "operate"];

export function Frame({ children }: { readonly children: ReactNode }): ReactNode {
  const { t } = useTranslation();
  const [location] = useLocation();
  const [isMenuOpen, setIsMenuOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the change of address that counts
  useEffect(() => {
    setIsMenuOpen(false);
    // Who listens, or uses the keyboard, begins at the new page; not at the very first, where nothing has changed.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
    scrollTo(0, 0);
  }, [location]);
  return (
    <div className="frame">
      {/* No link: the fragment is the page's address here. */}
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        {t("shell.skip")}
      </button>
      <header className="top">
        <button
          type="button"
          className="menu-button"
          aria-expanded={isMenuOpen}
          aria-controls="console-menu"
          onClick={() => setIsMenuOpen(!isMenuOpen)}
        >
          {t("shell.menu")}
        </button>
        <Identity />
        <LanguageChoice />
        <Person />
      </header>
      <nav id="console-menu" className={isMenuOpen ? "menu open" : "menu"} aria-label={t("shell.pages")}>
        <Navigation />
      </nav>
      <main id="console-page" ref={main} tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function Identity(): ReactNode {
  const { t } = useTranslation();
  const { party } = useSession();
  const { data, error } = useRoute("node", {}, { everyMs: 15_000 });
  const known = data === undefined ? undefined : data.coordinator === null ? "new" : data.connected ? "on" : "off";
  // What the node said last is no longer known of one that does not answer.
  const state = error?.code === "NODE_UNREACHABLE" ? "gone" : known;
  const words = {
    new: t("shell.notEnrolled"),
    on: t("shell.online"),
    off: t("shell.offline"),
    gone: t("shell.noAnswer"),
  };
  return (
    <div className="identity">
      <Link href="/" className="brand">
        <img src="/icon.svg" alt="" width="24" height="24" />
        <strong>{party}</strong>
      </Link>
      {state !== undefined && (
        <span className={`connection ${state}`} title={words[state]}>
          <span className="connection-words">{words[state]}</span>
        </span>
      )}
    </div>
  );
}

export function LanguageChoice(): ReactNode {
  const { t, i18n } = useTranslation();
  const names = { en: t("shell.en"), "zh-CN": t("shell.zhCn") };
  return (
    <fieldset className="languages">
      <legend className="unseen">{t("shell.language")}</legend>
      {LANGUAGES.map((language) => (
        <button
          key={language}
          type="button"
          lang={language}
          aria-pressed={currentLanguage() === language}
          disabled={i18n.language === language}
          onClick={() => chooseLanguage(language)}
        >
          {names[language]}
        </button>
      ))}
    </fieldset>
  );
}

function Person(): ReactNode {
  const { t } = useTranslation();
  const { person, signOut } = useSession();
  return (
    <div className="person">
      <span title={t("shell.signedInAs", { person })}>{person}</span>
      <button type="button" onClick={signOut}>
        {t("shell.signOut")}
      </button>
    </div>
  );
}

function Navigation(): ReactNode {
  const { t } = useTranslation();
  const pages = usePages();
  return (
    <>
      <NavigationList pages={pages.filter(({ group }) => group === undefined)} />
      {GROUPS.map((group) => {
        const here = pages.filter((page) => page.group === group && page.nav !== undefined);
        if (here.length === 0) return null;
        return (
          <section key={group} aria-labelledby={`menu-${group}`}>
            <h2 id={`menu-${group}`}>{t(`nav.groups.${group}`)}</h2>
            <NavigationList pages={here} />
          </section>
        );
      })}
    </>
  );
}

function NavigationList({ pages }: { readonly pages: readonly PageEntry[] }): ReactNode {
  const { t } = useTranslation();
  const [location] = useLocation();
  return (
    <ul>
      {pages.map(({ path, nav }) => {
        if (nav === undefined) return null;
        const isHere = path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`);
        return (
          <li key={path}>
            <Link href={path} aria-current={isHere ? "page" : undefined}>
              {t(`nav.pages.${nav}`)}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
