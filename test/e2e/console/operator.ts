/** The operator's path: how the node is, a colleague's token, an invite for a partner, a feed, and what a rotation would do. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { findingWords } from "../../../proto/doctor/words.ts";
import { toEntenteError } from "../../../proto/errors.ts";
import { EntenteClient } from "../../../sdk/client.ts";
import type { ConsoleTab } from "../../support/console-browser.ts";
import type { ConsoleWorld } from "../../support/console-world.ts";

export async function walkOperator(tab: ConsoleTab, world: ConsoleWorld): Promise<void> {
  await readHealth(tab);
  await giveAndRevokeToken(tab, await world.url("bank"));
  await invitePartner(tab);
  await addAndRemoveFeed(tab, world.trio.folder);
  await considerRotation(tab);
}

function press(tab: ConsoleTab, key: string): Promise<void> {
  return tab.page.getByRole("button", { name: tab.t(key), exact: true }).click();
}

function fill(tab: ConsoleTab, key: string, text: string, role: "textbox" | "spinbutton" = "textbox"): Promise<void> {
  return tab.page.getByRole(role, { name: tab.t(key), exact: true }).fill(text);
}

/** In the dialog that is open. */
function confirm(tab: ConsoleTab, key: string): Promise<void> {
  return tab.page
    .getByRole("dialog")
    .getByRole("button", { name: tab.t(key), exact: true })
    .click();
}

async function readHealth(tab: ConsoleTab): Promise<void> {
  await tab.go("/health");
  await tab.page.getByText(tab.t("operate.health.ready")).waitFor();
  const { what, fix } = findingWords("keys-plain", {}, tab.language);
  for (const words of [what, fix ?? ""]) await tab.page.getByText(words).waitFor();
}

async function giveAndRevokeToken(tab: ConsoleTab, url: string): Promise<void> {
  const { page } = tab;
  const person = `Fang Yu ${tab.language}`;
  await tab.go("/access");
  await fill(tab, "operate.access.person", person);
  await page.getByRole("checkbox", { name: new RegExp(`^${tab.t("shell.roles.analyst")}`) }).check();
  await press(tab, "operate.access.create");
  const token = await page.getByRole("textbox", { name: tab.t("operate.access.token"), exact: true }).inputValue();
  expect(token).toMatch(/^ent_[0-9a-f]{64}$/);
  await tab.look("/access made");
  const holder = new EntenteClient({ url, token });
  expect(await holder.call("session", {})).toMatchObject({ person, roles: ["analyst"] });
  await press(tab, "operate.access.handedOver");
  expect(await page.content()).not.toContain(token);
  await page.getByRole("row", { name: person }).getByRole("button").click();
  await confirm(tab, "operate.access.revoke");
  await page.getByRole("row", { name: person }).waitFor({ state: "detached" });
  const refused = await holder.call("session", {}).catch((error: unknown) => toEntenteError(error).code);
  expect(refused).toBe("TOKEN_EXPIRED");
}

async function invitePartner(tab: ConsoleTab): Promise<void> {
  await tab.go("/enrolment");
  const party = `guest-${tab.language.toLowerCase()}`;
  await fill(tab, "operate.enrolment.partyName", party);
  await press(tab, "operate.enrolment.make");
  const code = tab.page.getByRole("textbox", { name: tab.t("operate.enrolment.codeFor", { party }) });
  expect(await code.inputValue()).toMatch(/^entente1_/);
  await tab.look("/enrolment invite");
  await press(tab, "operate.enrolment.handedOver");
}

async function addAndRemoveFeed(tab: ConsoleTab, folder: string): Promise<void> {
  const name = `crm-${tab.language.toLowerCase()}`;
  const target = join(folder, name);
  await mkdir(target);
  await tab.go("/feed-setup");
  await fill(tab, "parts.name", name);
  await fill(tab, "operate.feeds.folder", target);
  await fill(tab, "operate.feeds.everyMinutes", "60", "spinbutton");
  await press(tab, "operate.feeds.add");
  const row = tab.page.getByRole("row", { name });
  await row.waitFor();
  await tab.look("/feed-setup added");
  await row.getByRole("button").click();
  await confirm(tab, "operate.feeds.remove");
  await row.waitFor({ state: "detached" });
}

/** Asked, and left: jobs of others may be running. */
async function considerRotation(tab: ConsoleTab): Promise<void> {
  await tab.go("/keys");
  await press(tab, "operate.keys.rotateIdentity");
  await tab.look("/keys rotate");
  await confirm(tab, "parts.cancel");
  await tab.page.getByRole("dialog").waitFor({ state: "hidden" });
}
