/**
 * The console as its people use it: real processes, a real browser, each role's main path in both languages. One set of processes and
 * one browser for all. `ENTENTE_SCREENSHOTS=/tmp/shots vitest run test/e2e/console.test.ts` leaves pictures to look at.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROLES, type Role } from "../../proto/http/route.ts";
import { LANGUAGES, type Language } from "../../proto/language.ts";
import { CHROMIUM, ConsoleBrowser, type ConsoleTab } from "../support/console-browser.ts";
import { PAGES } from "../support/console-pages.ts";
import { ConsoleWorld } from "../support/console-world.ts";
import type { PartyName } from "../support/trio.ts";
import { walkAnalyst } from "./console/analyst.ts";
import { walkAuditor } from "./console/auditor.ts";
import { walkByKeyboard, walkPages, walkPastUnloaded } from "./console/everybody.ts";
import { walkOperator } from "./console/operator.ts";
import { walkSignIn } from "./console/sign-in.ts";
import { walkSteward } from "./console/steward.ts";

/** A role's main path. It is walked in each language, one after another, over one world. */
type Walk = (tab: ConsoleTab, world: ConsoleWorld) => Promise<void>;

interface Path {
  readonly name: string;
  readonly party: PartyName;
  readonly role: Role;
  readonly walk: Walk;
}

const PATHS: readonly Path[] = [
  { name: "analyst", party: "bank", role: "analyst", walk: walkAnalyst },
  { name: "operator", party: "bank", role: "operator", walk: walkOperator },
  { name: "steward", party: "bureau", role: "steward", walk: walkSteward },
  { name: "auditor", party: "bank", role: "auditor", walk: walkAuditor },
];

const missing = CHROMIUM === undefined ? " (not run: no chromium on this machine, nor at ENTENTE_CHROMIUM)" : "";
const walked = test.skipIf(CHROMIUM === undefined);

let world: ConsoleWorld;
let browser: ConsoleBrowser;
beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  browser = await ConsoleBrowser.start();
  world = await ConsoleWorld.start();
});
afterAll(() => Promise.all([browser?.close(), world?.stop()]));

type Tab = Pick<Path, "name" | "party"> & { readonly token: string; readonly language: Language };

async function inTab({ name, party, token, language }: Tab, walk: Walk): Promise<void> {
  const url = await world.url(party);
  const tab = await browser.open({ url, token, language, name: `${name}-${language}` });
  try {
    await walk(tab, world);
    expect(tab.problems()).toEqual([]);
  } finally {
    await tab.close();
  }
}

const inBothLanguages = PATHS.flatMap((path) => LANGUAGES.map((language) => ({ ...path, language })));
walked.each(inBothLanguages)(`$name of the $party, $language${missing}`, async ({ role, walk, ...path }) =>
  inTab({ ...path, token: await world.token(path.party, role) }, walk),
);

const pages = { name: "pages", party: "bank" } as const;
walked.each(ROLES)(`every page that is for the %s${missing}`, async (role) =>
  inTab({ ...pages, token: await world.token("bank", role), language: "en" }, (tab) => walkPages(tab, world, [role])),
);

walked(`every page in Chinese${missing}`, async () =>
  inTab({ ...pages, token: await world.tokenOfAll("bank"), language: "zh-CN" }, (tab) => walkPages(tab, world, ROLES)),
);

walked.each(LANGUAGES)(`signing in with an account of the organisation, %s${missing}`, async (language) => {
  expect(await walkSignIn(browser, language)).toEqual([]);
});

walked(`by the keyboard alone${missing}`, async () =>
  inTab(
    { name: "keyboard", party: "bank", token: await world.token("bank", "analyst"), language: "en" },
    walkByKeyboard,
  ),
);

// Its own browser tab: what fails here on purpose is what problems are made of.
walked(`a page that cannot be loaded${missing}`, async () => {
  const [url, token] = await Promise.all([world.url("bank"), world.token("bank", "analyst")]);
  const tab = await browser.open({ url, token, language: "en", name: "unloaded" });
  await walkPastUnloaded(tab).finally(() => tab.close());
});

/** Last, when all walks have gone. */
walked(`every page was looked at, in both languages${missing}`, () => {
  const unseen = LANGUAGES.flatMap((language) =>
    PAGES.flatMap(({ path }) => (browser.hasLooked(language, path) ? [] : [`${path} in ${language}`])),
  );
  expect(unseen).toEqual([]);
});
