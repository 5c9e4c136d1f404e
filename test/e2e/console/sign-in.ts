/** Signing in with an account of the organisation's own: in, asked again above the page, out, and refused; and by token. */
import { expect } from "vitest";
import { signInForm } from "../../../party/sign-in/config.ts";
import type { Language } from "../../../proto/language.ts";
import type { ConsoleBrowser, ConsoleTab } from "../../support/console-browser.ts";
import { CLIENT, type SignInService, startSignInService } from "../../support/sign-in-service.ts";
import { STUB_NODE_INFO, STUB_TOKEN, type StubNode, startStubNode } from "../../support/stub-node.ts";

const ACCOUNT = { email: "wang.li@bank.example", email_verified: true, groups: ["marketing"] };
const NAME = "Bank account";

/** What the browser complained of. */
export async function walkSignIn(browser: ConsoleBrowser, language: Language): Promise<readonly string[]> {
  const service = await startSignInService(ACCOUNT);
  const signIn = signInForm.parse({
    ...{ issuer: service.issuer, clientId: CLIENT.clientId, clientSecretFile: "secret", name: NAME },
    roles: { marketing: ["analyst"] },
  });
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const node = await startStubNode(
    {
      node: async () => STUB_NODE_INFO,
      session: async (_, { tokenId, person, roles }) => ({
        ...{ party: "bank", tokenId, person, roles: [...roles], expiresAt },
      }),
    },
    Date.now,
    { signIn },
  );
  const tab = await browser.open({ url: node.url, language, name: `sign-in-${language}`, mayGoTo: service.issuer });
  try {
    // Of a token that has ended, and of an account without a role.
    tab.expect("TOKEN_EXPIRED", "TOKEN_MISSING", "SIGN_IN_NOT_ALLOWED");
    await signInAndOut(tab, node);
    // What depends on no words is tried once.
    if (language === "en") {
      await refused(tab, node, service);
      await byToken(tab);
    }
    return tab.problems();
  } finally {
    await tab.close();
    await Promise.all([node.close(), service.close()]);
  }
}

const withAccount = (tab: ConsoleTab) =>
  tab.page.getByRole("button", { name: tab.t("home.signIn.with", { name: NAME }) });
const out = (tab: ConsoleTab) => tab.page.getByRole("button", { name: tab.t("shell.signOut") });

async function signInAndOut(tab: ConsoleTab, { url, access }: StubNode): Promise<void> {
  const { page } = tab;
  await withAccount(tab).waitFor();
  await tab.look("sign-in");
  await withAccount(tab).click();
  await out(tab).waitFor();
  // Neither code nor token stays in an address.
  expect(page.url()).toBe(`${url}/`);
  expect(await page.getByText(ACCOUNT.email).count()).toBeGreaterThan(0);

  const [own] = (await access.tokens.list()).filter(({ createdBy }) => createdBy !== null);
  await page.evaluate("location.hash = '/nowhere?a=b'");
  await access.tokens.revoke(own?.tokenId ?? "");
  const dialog = page.getByRole("dialog");
  const looked = async () => {
    await page.evaluate("dispatchEvent(new Event('visibilitychange'))");
    return dialog.isVisible();
  };
  await expect.poll(looked, { timeout: 10_000, interval: 200 }).toBe(true);
  await withAccount(tab).waitFor();
  await tab.look("sign-in again");
  const [beside] = await Promise.all([page.waitForEvent("popup"), withAccount(tab).click()]);
  await dialog.waitFor({ state: "detached" });
  await expect.poll(() => beside.isClosed(), { timeout: 5_000 }).toBe(true);
  expect(page.url()).toBe(`${url}/#/nowhere?a=b`);

  await out(tab).click();
  await withAccount(tab).waitFor();
  const states = (await access.tokens.list()).flatMap(({ createdBy, state }) => (createdBy === null ? [] : [state]));
  expect(states).toEqual(["revoked", "revoked"]);
}

async function refused(tab: ConsoleTab, { url }: StubNode, service: SignInService): Promise<void> {
  service.account = { ...ACCOUNT, groups: [] };
  await withAccount(tab).click();
  await tab.page.getByText("SIGN_IN_NOT_ALLOWED").waitFor();
  await withAccount(tab).waitFor();
  await tab.look("sign-in refused");
  // A link that somebody made signs nobody in.
  await tab.page.goto(`${url}/?code=c&state=${"s".repeat(43)}`);
  await tab.page.getByText("SIGN_IN_INVALID").waitFor();
}

async function byToken(tab: ConsoleTab): Promise<void> {
  const { page } = tab;
  await page.getByLabel(tab.t("home.signIn.token")).fill(`ent_${"0".repeat(64)}`);
  await page.getByRole("button", { name: tab.t("home.signIn.submitToken") }).click();
  await page.getByText(tab.t("home.signIn.refused")).waitFor();
  await page.getByLabel(tab.t("home.signIn.token")).fill(STUB_TOKEN);
  await page.keyboard.press("Enter");
  await out(tab).waitFor();
}
