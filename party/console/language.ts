/** The page's language: the one chosen before, else the browser's. */
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import type { Language } from "../../proto/language.ts";
import { en } from "./text/en/all.ts";
import { zhCn } from "./text/zh-CN/all.ts";

const LANGUAGE_KEY = "entente.language";

/** Every text's key, as "jobs.title". */
type Key<Texts> = {
  readonly [K in keyof Texts & string]: Texts[K] extends string ? K : `${K}.${Key<Texts[K]>}`;
}[keyof Texts & string];

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    // To the compiler the catalogue is flat: the library's own walk through it is too deep for so many texts.
    keySeparator: false;
    resources: { translation: Readonly<Record<Key<typeof en>, string>> };
  }
}

function firstLanguage(): Language {
  const kept = localStorage.getItem(LANGUAGE_KEY);
  const wanted = kept ?? navigator.language;
  return wanted.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}

void i18next.use(initReactI18next).init({
  resources: { en: { translation: en }, "zh-CN": { translation: zhCn } },
  lng: firstLanguage(),
  fallbackLng: "en",
  // React escapes what it shows.
  interpolation: { escapeValue: false },
});
document.documentElement.lang = i18next.language;

export function chooseLanguage(language: Language): void {
  localStorage.setItem(LANGUAGE_KEY, language);
  document.documentElement.lang = language;
  void i18next.changeLanguage(language);
}

export function currentLanguage(): Language {
  return i18next.language === "zh-CN" ? "zh-CN" : "en";
}
